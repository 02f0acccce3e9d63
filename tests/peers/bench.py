"""The simulator, a peer and Halo in a row, and the checks that are common to all peers."""

import json
import os
import subprocess
import sys
import tempfile
import threading
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from ask import ask, body, prompt
from harness import Program
from rows import ANSWERS, BROKEN, GIVES_UP, RECOVERS, ROWS, TRIES, UNSEEN

BIN = os.environ["HALO_BIN"]
# How many questions are asked at a time: most of the time is spent waiting.
AT_ONCE = 6
FINISH = {
    "chat": {"stop": "stop", "length": "length"},
    "messages": {"stop": "end_turn", "length": "max_tokens"},
}


class Checks:
    """Counts, and prints a line for each check."""

    def __init__(self, only=None):
        self.passed = self.failed = 0
        self.only = only
        self.lock = threading.Lock()

    def check(self, name, work):
        """Runs a check that raises where something is wrong."""
        if self.only and self.only not in name:
            return
        try:
            work()
            fault = None
        except Exception as error:
            fault = f"{type(error).__name__}: {error}"
        with self.lock:
            if fault is None:
                self.passed += 1
                print(f"ok    {name}", flush=True)
            else:
                self.failed += 1
                indented = fault.replace("\n", "\n      ")
                print(f"FAIL  {name}\n      {indented}", flush=True)

    def check_all(self, checks):
        with ThreadPoolExecutor(AT_ONCE) as pool:
            for name, work in checks:
                pool.submit(self.check, name, work)


def simulator():
    return Program(
        [BIN, "simulate", "--listen", "127.0.0.1:0", "--speed", "4", "--journal"],
        {"base": r"Anthropic +base URL (http://\S+)"},
    )


class Halo:
    """The app with its gateway, with the given providers and no others."""

    def __init__(self, providers, **keys):
        self.folder = tempfile.TemporaryDirectory()
        config = f"[recovery]\nmax_tries = {TRIES}\n"
        for name, settings in providers.items():
            config += f"\n[providers.{name}]\n"
            config += "".join(f"{key} = {json.dumps(value)}\n" for key, value in settings.items())
        Path(self.folder.name, "config.toml").write_text(config)
        self.program = Program(
            [BIN, "--no-open", "--listen", "127.0.0.1:0", "--data", self.folder.name],
            {
                "link": r"(http://\S+/enter\S+)",
                "base": r"Gateway: (http://[^/\s]+)/v1",
                "key": r"Gateway key: (halo_\S+)",
            },
            **keys,
        )
        self.base, self.key = self.program.found["base"], self.program.found["key"]

    def ask(self, protocol, model, text, **options):
        return ask(self.base, self.key, protocol, body(protocol, model, text, **options))

    def stop(self):
        self.program.stop()
        self.folder.cleanup()


def provider(protocol, base_url, **more):
    """Settings of a provider."""
    preset = "openai-compatible" if protocol == "chat" else "anthropic-compatible"
    return {"preset": preset, "base_url": base_url, "needs_key": False} | more


@dataclass(frozen=True)
class Way:
    """A way through the peer to the simulator."""

    name: str
    # What the program and Halo, and Halo and the peer, speak.
    protocol: str
    # What stands before the scenario in the name of the model at Halo's gateway.
    prefix: str


def expect(condition, what, reply):
    if not condition:
        raise AssertionError(f"{what}\n{reply}")


def expect_answer(reply, protocol, text, finish="stop"):
    """A complete answer to `text`, once."""
    expect(reply.status == 200 and not reply.error, "an answer", reply)
    expect(reply.ended, "an answer with its end", reply)
    expect(reply.text.count(text) <= 1, "an answer that is not doubled", reply)
    wanted = FINISH[protocol][finish]
    expect(reply.finish == wanted, f"{wanted} as the reason for the end", reply)


def check_row(halo, sim, way, row, stream):
    text = prompt(row.model)
    if row.long:
        # 80,000 bytes are some 20,000 tokens.
        text += " And so on, and so forth." * 3_200
    reply = halo.ask(
        way.protocol,
        way.prefix + row.model,
        text,
        stream=stream,
        picture=row.picture,
        **row.more,
    )
    said = text[: len(text.split("?")[0]) + 1]
    if row.follows in (ANSWERS, RECOVERS):
        expect_answer(reply, way.protocol, said, row.finish)
        if row.finish == "stop" and row.model != "halo-practice-long":
            expect(reply.text.startswith("You said:"), "the beginning of the answer", reply)
            expect(reply.text.rstrip().endswith("Settings → AI Model**"), "its end", reply)
        if row.model == "halo-practice-long":
            # The simulator says the same sentences sixty times.
            times = reply.text.count("A message left the harbour")
            expect(times == 60, f"sixty times the story, not {times}", reply)
        if row.picture:
            expect("I see your picture (PNG" in reply.text, "that the picture arrived", reply)
    elif row.follows == UNSEEN:
        expect(reply.status == 200 and not reply.error, "an answer that looks whole", reply)
        expect(reply.text.count(said) <= 1, "what came, once", reply)
    elif row.follows == BROKEN:
        expect(reply.status == 200, "a stream that begins", reply)
        expect(reply.text.startswith("You said:"), "what came before the break", reply)
        expect(reply.text.count(said) <= 1, "what came, once", reply)
        expect(reply.error, "an error inside the stream", reply)
    else:
        expect(reply.error, "an error", reply)
        expect(reply.status >= 400, "an HTTP status of an error", reply)
    if reply.error:
        expect(reply.kind == row.kind, f"{row.kind}, not {reply.kind}", reply)
    if row.wait:
        wait = (reply.halo.get("retry") or {}).get("after_ms")
        expect(wait == row.wait * 1_000, f"a wait of {row.wait} s, not {wait} ms", reply)
    tries = TRIES if row.follows in (RECOVERS, GIVES_UP) else 1
    expect(reply.attempts == tries, f"{tries} tries, not {reply.attempts}", reply)
    asked, requests = asked_for(sim, said), tries * row.requests
    expect(asked == requests, f"{requests} requests at the provider, not {asked}", reply)


def explained(reply):
    """What Halo makes of an answer that did not come through it."""
    lines = [f"HTTP/1.1 {reply.status}"]
    lines += [f"{name}: {value}" for name, value in reply.headers.items()]
    # The exit code only says whether it was understood.
    said = subprocess.run(
        [BIN, "explain", "--json"],
        input="\r\n".join([*lines, "", reply.raw]),
        capture_output=True,
        text=True,
    )
    return json.loads(said.stdout)


def asked_for(sim, text):
    """How many requests with this prompt the simulator got."""
    with urllib.request.urlopen(f"{sim}/_sim/journal") as response:
        journal = json.load(response)
    return sum(text in exchange["request_body"] for exchange in journal)


def check_rows(checks, peer, halo, sim, ways, known=None):
    """Every row through every way. `known` changes a row where a peer leaves nothing to read."""

    def asks(way, row, stream):
        return lambda: check_row(halo, sim, way, row, stream)

    named, alone = [], []
    for way in ways:
        for row in ROWS:
            for stream in [True] if row.only_stream else [False, True]:
                how = "stream" if stream else "whole"
                changed = known(way, row, stream) if known else row
                if changed is None:
                    continue
                name = f"{peer}: {way.name}, {how}: {row.model}" + " with a picture" * row.picture
                check = f"{name} ({changed.follows})", asks(way, changed, stream)
                (alone if row.model.startswith("reset") else named).append(check)
    checks.check_all(named)
    # A connection that is reset can take others of the same peer with it.
    for name, work in alone:
        checks.check(name, work)
