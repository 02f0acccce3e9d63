"""The LiteLLM proxy between Halo and the simulator."""

import os
import string
import tempfile
from pathlib import Path

from ask import ask, body, prompt
from bench import Halo, Way, check_rows, expect, expect_answer, explained, provider, simulator
from harness import Program, free_port
from rows import ANSWERS, BROKEN, RECOVERS, TRIES, UNSEEN

KEY = "sk-peers-master"
WAYS = [
    Way("chat to openai", "chat", "chat/openai/"),
    Way("chat to anthropic", "chat", "chat/anthropic/"),
    Way("chat to responses", "chat", "chat/responses/"),
    Way("chat to google", "chat", "chat/google/"),
    Way("messages to anthropic", "messages", "messages/anthropic/"),
    Way("messages to openai", "messages", "messages/openai/"),
]


def known(way, row, stream):
    """What LiteLLM makes of some rows, so that Halo cannot know better."""
    if way.name == "chat to responses" and stream:
        # It asks for the whole answer and cuts it into pieces itself.
        return None
    if row.model == "cut-politely" and way.name != "messages to anthropic":
        # It writes the missing end itself.
        return row.but(follows=UNSEEN)
    if row.model == "reset" and not way.name.endswith("to openai"):
        # Its own client sends again where a connection is reset, and loses the answer half-way if
        # it is a stream.
        if stream:
            return row.but(kind="stream_interrupted", follows=BROKEN, requests=2)
        return row.but(follows=ANSWERS, requests=2)
    if way.name == "chat to google" and row.model == "error-mid-stream":
        # Google has words for it, and they say more.
        return row.but(kind="overloaded")
    if way.name == "chat to google" and row.model == "content-filtered":
        # Google refuses with 200; it becomes an empty answer that ends with content_filter.
        return row.but(follows=UNSEEN)
    if row.model == "rate-limit-long" and way.name == "messages to anthropic":
        # It drops the header with the wait, and the words do not name it.
        return row.but(follows=RECOVERS, wait=None)
    return row


def start(sim, folder):
    values = {"sim": sim, "key": KEY, "closed": free_port()}
    config = string.Template((Path(__file__).with_name("litellm") / "config.yaml").read_text())
    path = Path(folder, "litellm.yaml")
    path.write_text(config.substitute(values))
    port = free_port()
    command = [os.environ["PEERS_LITELLM"], "--config", str(path)]
    program = Program(
        [*command, "--host", "127.0.0.1", "--port", str(port)],
        {"ready": "Uvicorn running on"},
        seconds=180,
        # Otherwise it asks the network for prices.
        LITELLM_LOCAL_MODEL_COST_MAP="True",
        PYTHONUNBUFFERED="1",
    )
    return program, f"http://127.0.0.1:{port}"


def own_words(halo, protocol):
    """What the proxy itself says: model, kind, number of tries."""
    for model, kind, tries in [
        ("chat/mock-rate-limit", "rate_limited", TRIES),
        ("chat/mock-context", "context_length_exceeded", 1),
        ("chat/mock-server-error", "server_error", TRIES),
        ("chat/no-such-model", "model_not_found", 1),
        ("chat/unreachable", "network", TRIES),
        ("chat/mock-timeout", "timeout", TRIES),
        ("wrong-key/mock-answer", "invalid_api_key", 1),
        ("no-key/mock-answer", "invalid_api_key", 1),
        ("no-such-path/mock-answer", "endpoint_not_found", 1),
    ]:
        if protocol == "messages":
            model = model.replace("chat/", "messages/")
        for stream in [False, True]:

            def work(model=model, kind=kind, tries=tries, stream=stream):
                reply = halo.ask(protocol, model, prompt(model), stream=stream)
                expect(reply.error, "an error", reply)
                expect(reply.kind == kind, f"{kind}, not {reply.kind}", reply)
                expect(reply.attempts == tries, f"{tries} tries, not {reply.attempts}", reply)

            how = "stream" if stream else "whole"
            yield f"litellm: its own words in {protocol}, {how}: {model} ({kind})", work


def limits(halo, base):
    """Limits that the proxy keeps itself."""

    def rate():
        # Halo would wait the minute that it is asked to wait, so this is asked without it.
        for _ in range(3):
            request = body("chat", "once-a-minute", prompt())
            reply = ask(base, KEY, "chat", request)
            if reply.error:
                break
        said = explained(reply)
        expect(said["kind"] == "rate_limited", f"rate_limited, not {said['kind']}", reply)
        wait = (said["retry"] or {}).get("after_ms", 0)
        expect(0 < wait <= 60_000, f"a wait of a minute at most, not {wait} ms", reply)

    def patience():
        reply = halo.ask("chat", "chat/impatient", prompt("stall"))
        expect(reply.status == 200, "the answer of the second try", reply)
        expect(reply.attempts == TRIES, f"{TRIES} tries, not {reply.attempts}", reply)

    def budget():
        for _ in range(3):
            reply = halo.ask("chat", "chat/poor", prompt())
            if reply.error:
                break
        expect(reply.kind == "quota_exhausted", f"quota_exhausted, not {reply.kind}", reply)

    yield "litellm: its own timeout is sent again", patience
    yield "litellm: a limit of requests of its own (rate_limited)", rate
    yield "litellm: a budget of its own (quota_exhausted)", budget


def mocks(halo):
    for stream in [False, True]:

        def work(stream=stream):
            reply = halo.ask("chat", "chat/mock-answer", prompt(), stream=stream)
            expect_answer(reply, "chat", "A mocked answer.")
            expect(reply.text == "A mocked answer.", "the mocked answer", reply)

        yield f"litellm: a mocked answer, {'stream' if stream else 'whole'}", work


def run(checks):
    sim = simulator()
    try:
        with tempfile.TemporaryDirectory() as folder:
            proxy, base = start(sim.found["base"], folder)
            try:
                halo = Halo(
                    {
                        "chat": provider("chat", f"{base}/v1", key_env="PEERS_KEY"),
                        "messages": provider("messages", base, key_env="PEERS_KEY"),
                        "wrong-key": provider("chat", f"{base}/v1", key_env="PEERS_WRONG_KEY"),
                        "no-key": provider("chat", f"{base}/v1"),
                        "no-such-path": provider("chat", f"{base}/v7/v1", key_env="PEERS_KEY"),
                    },
                    PEERS_KEY=KEY,
                    PEERS_WRONG_KEY="sk-of-someone-else",
                )
                try:
                    check_rows(checks, "litellm", halo, sim.found["base"], WAYS, known)
                    checks.check_all(own_words(halo, "chat"))
                    checks.check_all(own_words(halo, "messages"))
                    checks.check_all(mocks(halo))
                    checks.check_all(limits(halo, base))
                finally:
                    halo.stop()
            finally:
                proxy.stop()
    finally:
        sim.stop()
