"""The Portkey gateway between Halo and the simulator."""

import os

from ask import prompt
from bench import Halo, Way, check_rows, expect, provider, simulator
from harness import Program, free_port
from headers import Adding
from rows import TRIES

WAYS = [
    Way("chat to openai", "chat", "openai/"),
    Way("chat to anthropic", "chat", "anthropic/"),
    Way("messages to anthropic", "messages", "messages/"),
]


# Of Anthropic's errors inside a stream it keeps the type and loses the words.
WITHOUT_WORDS = {
    "small-window-stream": "invalid_request",
    "blind-stream": "invalid_request",
    "model-not-found-stream": "endpoint_not_found",
}


def known(way, row, stream):
    """What is left to read of some rows."""
    if way.name == "chat to anthropic" and row.model in WITHOUT_WORDS:
        return row.but(kind=WITHOUT_WORDS[row.model])
    return row


def own_words(halo):
    """What the gateway itself says: model, kind, number of tries."""
    for model, kind, tries in [
        ("no-provider/halo-practice", "invalid_request", 1),
        ("unknown-provider/halo-practice", "invalid_request", 1),
        ("bad-host/halo-practice", "invalid_request", 1),
        ("bad-config/halo-practice", "invalid_request", 1),
        ("unreachable/halo-practice", "network", TRIES),
    ]:
        for stream in [False, True]:

            def work(model=model, kind=kind, tries=tries, stream=stream):
                reply = halo.ask("chat", model, prompt(model), stream=stream)
                expect(reply.error, "an error", reply)
                expect(reply.kind == kind, f"{kind}, not {reply.kind}", reply)
                expect(reply.attempts == tries, f"{tries} tries, not {reply.attempts}", reply)

            how = "stream" if stream else "whole"
            yield f"portkey: its own words, {how}: {model} ({kind})", work

    def patience():
        reply = halo.ask("chat", "impatient/stall", prompt("stall"))
        expect(reply.status == 200, "the answer of the second try", reply)
        expect(reply.attempts == TRIES, f"{TRIES} tries, not {reply.attempts}", reply)

    yield "portkey: its own timeout is sent again", patience


def run(checks):
    sim = simulator()
    base, port, closed = sim.found["base"], free_port(), free_port()
    to = {
        "openai": ("chat", "openai", f"{base}/v1", {}),
        "anthropic": ("chat", "anthropic", f"{base}/v1", {}),
        "messages": ("messages", "anthropic", f"{base}/v1", {}),
        "unknown-provider": ("chat", "nobody", f"{base}/v1", {}),
        "bad-host": ("chat", "openai", "not-a-host", {}),
        "bad-config": ("chat", None, None, {"x-portkey-config": "{not json"}),
        "no-provider": ("chat", None, None, {}),
        "unreachable": ("chat", "openai", f"http://127.0.0.1:{closed}/v1", {}),
        "impatient": ("chat", "openai", f"{base}/v1", {"x-portkey-request-timeout": "1000"}),
    }
    adding = []
    providers = {}
    for name, (protocol, vendor, host, headers) in to.items():
        if vendor:
            headers |= {"x-portkey-provider": vendor, "x-portkey-custom-host": host}
        adding.append(Adding(port, headers))
        at = adding[-1].base
        providers[name] = provider(protocol, f"{at}/v1" if protocol == "chat" else at)
        # The simulator takes any key, but Portkey wants one for Anthropic.
        providers[name]["key_env"] = "PEERS_KEY"
    try:
        gateway = Program(
            ["node", os.environ["PEERS_PORTKEY"], f"--port={port}", "--headless"],
            {"ready": "Ready for connections"},
        )
        try:
            halo = Halo(providers, PEERS_KEY="any-key")
            try:
                check_rows(checks, "portkey", halo, base, WAYS, known)
                checks.check_all(own_words(halo))
            finally:
                halo.stop()
        finally:
            gateway.stop()
    finally:
        for one in adding:
            one.stop()
        sim.stop()
