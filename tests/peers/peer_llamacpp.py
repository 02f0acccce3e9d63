"""A real local server with a real model: the server of llama-cpp-python, and no simulator."""

import http.cookiejar
import json
import os
import subprocess
import tempfile
import urllib.parse
import urllib.request
from pathlib import Path

from ask import ask, prompt
from bench import Halo, expect, provider
from harness import Program, free_port

WINDOW = 256
MODEL = "tiny"


def start(folder):
    python = os.environ["PEERS_LLAMACPP"]
    path = Path(folder, f"{MODEL}.gguf")
    subprocess.run([python, Path(__file__).parent / "llamacpp" / "tiny_model.py", path], check=True)
    port = free_port()
    command = [python, "-m", "llama_cpp.server", "--model", str(path), "--model_alias", MODEL]
    program = Program(
        [*command, "--n_ctx", str(WINDOW), "--host", "127.0.0.1", "--port", str(port)],
        {"ready": "Uvicorn running on"},
        seconds=120,
        PYTHONUNBUFFERED="1",
    )
    return program, f"http://127.0.0.1:{port}"


def fetched_models(halo, base_url):
    """The models that Halo's settings find at an address."""
    jar = urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar())
    person = urllib.request.build_opener(jar)
    person.open(halo.program.found["link"]).read()
    form = {"preset": "openai-compatible", "base_url": base_url, "name": "local"}
    data = urllib.parse.urlencode(form).encode()
    return person.open(f"{halo.base}/settings/ai-model/models", data).read().decode()


def checks_of(halo, base):
    def direct():
        reply = ask(base, None, "chat", None, path="/v1/models")
        ids = [model["id"] for model in json.loads(reply.raw)["data"]]
        expect(ids == [MODEL], f"the model {MODEL} alone", reply)

    yield "llamacpp: its own list of models", direct

    def listed():
        page = fetched_models(halo, f"{base}/v1")
        if f'value="{MODEL}"' not in page:
            raise AssertionError(f"{MODEL} is not on the page:\n{page[:2000]}")

    yield "llamacpp: the settings fetch its list of models", listed

    for protocol in ["chat", "messages"]:
        for stream in [False, True]:

            def answer(protocol=protocol, stream=stream):
                reply = halo.ask(
                    protocol, f"local/{MODEL}", prompt(), stream=stream, max_tokens=20
                )
                expect(reply.status == 200 and not reply.error, "an answer", reply)
                expect(reply.ended, "an answer with its end", reply)
                wanted = "length" if protocol == "chat" else "max_tokens"
                expect(reply.finish == wanted, f"{wanted} as the reason for the end", reply)
                expect(len(reply.text.split()) == 20, "twenty words", reply)
                expect(reply.attempts == 1, "one try", reply)

            how = "stream" if stream else "whole"
            yield f"llamacpp: an answer in {protocol}, {how}", answer

            def stopped(protocol=protocol, stream=stream):
                # Among so few words, one of these comes soon.
                key = "stop" if protocol == "chat" else "stop_sequences"
                more = {key: ["the", "sea", "is", "a"], "max_tokens": 100}
                reply = halo.ask(protocol, f"local/{MODEL}", prompt(), stream=stream, **more)
                expect(reply.status == 200 and not reply.error, "an answer", reply)
                expect(reply.ended, "an answer with its end", reply)
                good = ["stop", "end_turn", "stop_sequence"]
                expect(reply.finish in good, "an end by a stop sequence", reply)

            yield f"llamacpp: a stop sequence in {protocol}, {how}", stopped

            def overflow(protocol=protocol, stream=stream):
                text = prompt() + " Too long" * 100
                reply = halo.ask(
                    protocol, f"local/{MODEL}", text, stream=stream, max_tokens=20
                )
                if stream:
                    # The server begins a stream, fails, and ends it without a word: HTTP 200 and
                    # no byte. Only its log says why.
                    kind = "invalid_response"
                    expect(reply.kind == kind, f"{kind}, not {reply.kind}", reply)
                    return
                kind = "context_length_exceeded"
                expect(reply.kind == kind, f"{kind}, not {reply.kind}", reply)
                expect(reply.attempts == 1, "one try", reply)
                window = reply.halo["facts"].get("context_window")
                expect(window == WINDOW, f"a window of {WINDOW}, not {window}", reply)
                expect(reply.halo["facts"].get("input_tokens", 0) > WINDOW, "the tokens", reply)

            yield f"llamacpp: too long a prompt in {protocol}, {how}", overflow

            def path(protocol=protocol, stream=stream):
                reply = halo.ask(protocol, f"nowhere/{MODEL}", prompt(), stream=stream)
                kind = "endpoint_not_found"
                expect(reply.kind == kind, f"{kind}, not {reply.kind}", reply)

            yield f"llamacpp: an unknown path in {protocol}, {how}", path

            def body(protocol=protocol, stream=stream):
                more = {"top_p": 7}
                reply = halo.ask(protocol, f"local/{MODEL}", prompt(), stream=stream, **more)
                kind = "invalid_request"
                expect(reply.kind == kind, f"{kind}, not {reply.kind}", reply)
                expect(reply.attempts == 1, "one try", reply)

            yield f"llamacpp: a bad parameter in {protocol}, {how}", body


def run(checks):
    with tempfile.TemporaryDirectory() as folder:
        server, base = start(folder)
        try:
            halo = Halo(
                {
                    "local": provider("chat", f"{base}/v1"),
                    "nowhere": provider("chat", f"{base}/v7"),
                }
            )
            try:
                # The model answers one question at a time.
                for name, work in checks_of(halo, base):
                    checks.check(name, work)
            finally:
                halo.stop()
        finally:
            server.stop()
