"""The official SDKs as clients of the simulator, which is so held to the real protocols.

Started by `run`, which names the binary in HALO_BIN. The scenarios of careless relays are for
Halo to read, not for the SDKs.
"""

import itertools
import json
import os
import sys
import unittest
import urllib.error
import urllib.request
from pathlib import Path

tests = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(tests), str(tests / "peers")]

from clients import CLIENTS, Anthropic, Google, OpenaiResponses
from harness import Program

BIN = os.environ["HALO_BIN"]
PROMPTS = itertools.count(1)
LONG = " And so on, and so forth." * 3_200

# A scenario, how it is asked for, and the status at OpenAI, Anthropic and Google.
PLAIN, PICTURE, TOO_LONG = {}, {"picture": True}, {"long": True}
ERRORS = [
    ("rate-limit", PLAIN, 429, 429, 429),
    ("rate-limit-text", PLAIN, 429, 429, 429),
    ("rate-limit-relay", PLAIN, 429, 429, 429),
    ("rate-limit-long", PLAIN, 429, 429, 429),
    ("small-window", TOO_LONG, 400, 400, 400),
    ("small-window-relay", TOO_LONG, 400, 400, 400),
    ("blind", PICTURE, 400, 400, 400),
    ("blind-relay", PICTURE, 400, 400, 400),
    ("quota", PLAIN, 429, 400, 402),
    ("quota-relay", PLAIN, 403, 403, 403),
    ("wrong-key", PLAIN, 401, 401, 400),
    ("wrong-key-relay", PLAIN, 401, 401, 401),
    ("unauthorized", PLAIN, 401, 401, 401),
    ("permission-denied", PLAIN, 403, 403, 403),
    ("region", PLAIN, 403, 403, 400),
    ("model-not-found", PLAIN, 404, 404, 404),
    ("model-not-found-relay", PLAIN, 503, 503, 503),
    ("overloaded-forever", PLAIN, 503, 529, 503),
    ("overloaded-relay", PLAIN, 429, 429, 429),
    ("server-error-forever", PLAIN, 500, 500, 500),
    ("bad-gateway", PLAIN, 502, 502, 502),
    ("gateway-timeout", PLAIN, 504, 504, 504),
    # Google refuses with 200 and an answer without a candidate.
    ("content-filtered", PLAIN, 400, 400, None),
    ("content-filtered-relay", PLAIN, 400, 400, 400),
    ("output-limit", {"max_tokens": 8_000}, 400, 400, 400),
    ("parameter-refused", {"temperature": 0.7}, 400, 400, 400),
    ("unfamiliar", PLAIN, 418, 418, 418),
]
# Errors told inside a stream, and whether text comes before them.
STREAM_ERRORS = [
    ("rate-limit-stream", PLAIN, False),
    ("small-window-stream", TOO_LONG, False),
    ("blind-stream", PICTURE, False),
    ("quota-stream", PLAIN, False),
    ("wrong-key-stream", PLAIN, False),
    ("model-not-found-stream", PLAIN, False),
    ("overloaded-stream", PLAIN, False),
    ("server-error-stream", PLAIN, False),
    ("unfamiliar-stream", PLAIN, False),
    ("overloaded-midstream", PLAIN, True),
    ("error-mid-stream", PLAIN, True),
]


def prompt(long=False):
    """A prompt of its own: the simulator counts the requests of each."""
    return f"Hello, number {next(PROMPTS):04}?" + LONG * long


class Simulator(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.program = Program(
            [BIN, "simulate", "--listen", "127.0.0.1:0", "--speed", "20", "--journal"],
            {"base": r"Anthropic +base URL (http://\S+)"},
        )
        cls.addClassCleanup(cls.program.stop)
        cls.base = cls.program.found["base"]
        cls.clients = [client(cls.base) for client in CLIENTS if cls.speaks(client)]

    @classmethod
    def speaks(cls, client):
        paths = {OpenaiResponses: "/v1/responses", Google: "/v1beta/models/m:generateContent"}
        if client not in paths:
            return True
        try:
            urllib.request.urlopen(cls.base + paths[client], b"{}").close()
        except urllib.error.HTTPError as error:
            error.close()
            return error.code != 404
        return True

    def each(self, check, *streamed):
        """Checks every client, without and with a stream."""
        for client in self.clients:
            for stream in streamed or (False, True):
                with self.subTest(client.name, stream=stream):
                    client.partial = ""
                    check(client, stream)

    def last(self):
        """The last exchange that the simulator had."""
        with urllib.request.urlopen(f"{self.base}/_sim/journal") as response:
            return json.load(response)[-1]

    def last_sent(self):
        return self.last()["response_body"]

    def well_heard(self):
        """The simulator found nothing wrong in what the SDK sent last."""
        self.assertIsNone(self.last()["history_fault"])

    def test_it_speaks_every_protocol(self):
        self.assertEqual([client.name for client in self.clients], [c.name for c in CLIENTS])

    # Answers

    def test_text(self):
        def check(client, stream):
            text = prompt()
            answer = client.ask("halo-practice", text, stream)
            self.assertTrue(answer.text.startswith(f"You said:\n\n> {text}"), answer.text)
            self.assertTrue(answer.text.rstrip().endswith("Settings → AI Model**"), answer.text)
            self.assertEqual(answer.finish, client.finishes["stop"])
            self.assertGreater(answer.tokens, 0)
            if stream:
                self.assertGreater(answer.pieces, 5)
            self.well_heard()

        self.each(check)

    def test_the_length_cuts_it(self):
        def check(client, stream):
            answer = client.ask("cut-by-length", prompt(), stream)
            self.assertTrue(answer.text)
            self.assertEqual(answer.finish, client.finishes["length"])

        self.each(check)

    def test_thinking(self):
        def check(client, stream):
            more = {}
            if isinstance(client, Anthropic):
                more["thinking"] = {"type": "enabled", "budget_tokens": 1024}
            if isinstance(client, Google):
                more["thinking_config"] = {"include_thoughts": True}
            answer = client.ask("halo-practice-thinking", prompt(), stream, **more)
            self.assertIn("The person asks a question", answer.thinking)
            self.assertIn("practice model", answer.text)
            self.assertNotIn("The person asks a question", answer.text)

        self.each(check)

    def test_a_picture(self):
        def check(client, stream):
            answer = client.ask("halo-practice", prompt(), stream, picture=True)
            self.assertIn("I see your picture (PNG", answer.text)
            self.well_heard()

        self.each(check)

    def test_a_tool(self):
        def check(client, stream):
            answer = client.ask("halo-practice-tools", prompt(), stream, tools=True)
            self.assertEqual(answer.finish, client.finishes["tools"])
            self.assertEqual([name for name, _ in answer.calls], ["look"])
            self.assertIsInstance(answer.calls[0][1], dict)

        self.each(check)

    def test_the_result_of_a_tool(self):
        def check(client, _):
            text = prompt()
            call = client.ask("halo-practice-tools", text, tools=True)
            answer = client.ask("halo-practice-tools", text, results=call.results)
            self.assertEqual(answer.calls, [])
            self.assertIn("practice model", answer.text)
            self.assertEqual(answer.finish, client.finishes["stop"])
            self.well_heard()

        self.each(check, False)

    def test_the_list_of_models(self):
        def check(client, _):
            models = client.models()
            self.assertIn("halo-practice", models)
            self.assertIn("model-now-found", models)
            self.assertNotIn("model-not-found", models)

        self.each(check, False)

    def test_tokens_are_counted(self):
        for client in self.clients:
            if isinstance(client, Anthropic):
                counted = client.sdk.messages.count_tokens(
                    model="halo-practice", messages=[{"role": "user", "content": prompt()}]
                )
                self.assertGreater(counted.input_tokens, 3)
            if isinstance(client, Google):
                counted = client.sdk.models.count_tokens(model="halo-practice", contents=prompt())
                self.assertGreater(counted.total_tokens, 3)

    # Errors

    def ask(self, client, model, stream, how):
        more = dict(how)
        text = prompt(more.pop("long", False))
        return client.ask(model, text, stream, **more)

    def carries(self, client, exception):
        """The exception carries the body that went out."""
        sent = self.last_sent()
        try:
            expected = client.said_in(json.loads(sent))
        except (ValueError, KeyError):
            # No JSON, or a document without an error in it: the words are somewhere.
            words = sent.split("<title>")[-1].split("</title>")[0].strip()
            if sent.startswith("{"):
                words = json.loads(sent)["note"]
            self.assertIn(words, f"{exception} {client.body_of(exception)}")
            return
        self.assertEqual(client.body_of(exception), expected)

    def test_errors(self):
        def check(client, stream):
            which = {Anthropic: 1, Google: 2}.get(type(client), 0)
            for model, how, *statuses in ERRORS:
                status = statuses[which]
                if status is None:
                    continue
                with self.subTest(model):
                    with self.assertRaises(client.error_of(status)) as caught:
                        self.ask(client, model, stream, how)
                    exception = caught.exception
                    code = getattr(exception, "status_code", None) or exception.code
                    self.assertEqual(code, status)
                    self.assertEqual(self.last()["status"], status)
                    self.carries(client, exception)

        self.each(check)

    def test_a_refusal_of_google_is_no_answer(self):
        def check(client, stream):
            if isinstance(client, Google):
                answer = client.ask("content-filtered", prompt(), stream)
                self.assertEqual((answer.text, answer.finish), ("", None))

        self.each(check)

    def test_errors_inside_a_stream(self):
        def check(client, stream):
            for model, how, text_first in STREAM_ERRORS:
                with self.subTest(model):
                    client.partial = ""
                    with self.assertRaises(client.api_error) as caught:
                        self.ask(client, model, stream, how)
                    self.assertEqual(bool(client.partial), text_first)
                    words = client.words_of(caught.exception)
                    self.assertIn(json.dumps(words, ensure_ascii=False), self.last_sent())

        self.each(check, True)

    # Connections

    def test_a_reset_connection(self):
        def check(client, stream):
            with self.assertRaises(client.connection_error):
                client.ask("reset", prompt(), stream)

        self.each(check)

    def test_a_stream_that_is_cut(self):
        def check(client, stream):
            for model in ["cut-mid-stream", "reset-mid-stream"]:
                with self.subTest(model):
                    client.partial = ""
                    # Some SDKs hand on what their HTTP library says.
                    with self.assertRaises(Exception):
                        client.ask(model, prompt(), stream)
                    self.assertTrue(client.partial.startswith("You said:"), client.partial)

        self.each(check, True)

    def test_silence(self):
        for client in [type(client)(self.base, timeout=1) for client in self.clients]:
            with self.subTest(client.name), self.assertRaises(client.timeout_error):
                client.ask("stall", prompt())


if __name__ == "__main__":
    unittest.main(verbosity=2)
