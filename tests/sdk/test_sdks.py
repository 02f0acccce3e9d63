"""The official SDKs `openai` and `anthropic`, unchanged, against the gateway and, for comparison,
the simulator.

Started by `run`, which names the binary in HALO_BIN.
"""

import itertools
import json
import os
import sys
import tempfile
import unittest
import urllib.request
from dataclasses import dataclass
from pathlib import Path

import anthropic
import openai

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from harness import Program

BIN = os.environ["HALO_BIN"]
# Each provider is the simulator, spoken to in one of the two protocols.
CONFIG = """
[recovery]
max_tries = 2

[providers.sim-openai]
preset = "openai-compatible"
protocol = "openai-chat"
base_url = "{sim}/v1"
needs_key = false

[providers.sim-anthropic]
preset = "anthropic-compatible"
protocol = "anthropic"
base_url = "{sim}"
needs_key = false
"""
PROMPTS = itertools.count(1)


def hello():
    """A prompt of its own: the simulator counts the requests of each."""
    return [{"role": "user", "content": f"Hello, {next(PROMPTS)}?"}]


@dataclass
class Place:
    """Somewhere a program can speak to, and the model names that lead on from there."""

    name: str
    base: str
    key: str
    prefix: str
    gateway: bool

    def openai(self, **options):
        options = {"api_key": self.key, "max_retries": 0} | options
        return openai.OpenAI(base_url=f"{self.base}/v1", **options)

    def anthropic(self, **options):
        options = {"api_key": self.key, "max_retries": 0} | options
        return anthropic.Anthropic(base_url=self.base, **options)

    def model(self, name):
        return self.prefix + name


class Sdks(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.simulator = Program(
            [BIN, "simulate", "--listen", "127.0.0.1:0", "--speed", "50", "--journal"],
            {"base": r"Anthropic +base URL (http://\S+)"},
        )
        cls.addClassCleanup(cls.simulator.stop)
        cls.sim = cls.simulator.found["base"]
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        Path(folder.name, "config.toml").write_text(CONFIG.format(sim=cls.sim))
        cls.app = Program(
            [BIN, "--no-open", "--listen", "127.0.0.1:0", "--data", folder.name],
            {"base": r"Gateway: (http://[^/\s]+)/v1", "key": r"Gateway key: (halo_\S+)"},
        )
        cls.addClassCleanup(cls.app.stop)
        base, key = cls.app.found["base"], cls.app.found["key"]
        cls.direct = Place("simulator", cls.sim, "any-key", "", False)
        cls.by_openai = Place("gateway to openai", base, key, "sim-openai/", True)
        cls.by_anthropic = Place("gateway to anthropic", base, key, "sim-anthropic/", True)
        cls.practice = Place("gateway to practice", base, key, "practice/", True)
        cls.gateways = [cls.by_openai, cls.by_anthropic, cls.practice]
        cls.places = [cls.direct, *cls.gateways]

    def everywhere(self, places):
        for place in places:
            with self.subTest(place.name):
                yield place

    def asked(self, model):
        """How many requests for a model the simulator got."""
        with urllib.request.urlopen(f"{self.sim}/_sim/journal") as response:
            return sum(exchange["model"] == model for exchange in json.load(response))

    # Answers

    def test_openai_answers(self):
        for place in self.everywhere(self.places):
            answer = place.openai().chat.completions.create(
                model=place.model("halo-practice"), messages=hello()
            )
            self.assertIn("practice model", answer.choices[0].message.content)
            self.assertEqual(answer.choices[0].finish_reason, "stop")
            self.assertGreater(answer.usage.completion_tokens, 0)

    def test_openai_streams(self):
        for place in self.everywhere(self.places):
            stream = place.openai().chat.completions.create(
                model=place.model("halo-practice"),
                messages=hello(),
                stream=True,
                stream_options={"include_usage": True},
            )
            text, finish, usage, pieces = "", None, None, 0
            for chunk in stream:
                usage = chunk.usage or usage
                for choice in chunk.choices:
                    pieces += 1
                    text += choice.delta.content or ""
                    finish = choice.finish_reason or finish
            self.assertIn("practice model", text)
            self.assertEqual(finish, "stop")
            self.assertGreater(usage.completion_tokens, 0)
            self.assertGreater(pieces, 5)

    def test_anthropic_answers(self):
        for place in self.everywhere(self.places):
            answer = place.anthropic().messages.create(
                model=place.model("halo-practice"), max_tokens=1024, messages=hello()
            )
            self.assertIn("practice model", answer.content[0].text)
            self.assertEqual(answer.stop_reason, "end_turn")
            self.assertGreater(answer.usage.output_tokens, 0)

    def test_anthropic_streams(self):
        for place in self.everywhere(self.places):
            with place.anthropic().messages.stream(
                model=place.model("halo-practice"), max_tokens=1024, messages=hello()
            ) as stream:
                pieces = list(stream.text_stream)
                answer = stream.get_final_message()
            self.assertIn("practice model", "".join(pieces))
            self.assertGreater(len(pieces), 5)
            self.assertEqual(answer.content[0].text, "".join(pieces))
            self.assertEqual(answer.stop_reason, "end_turn")

    def test_tools_are_called(self):
        schema = {"type": "object", "properties": {"place": {"type": "string"}}}
        for place in self.everywhere(self.places):
            answer = place.openai().chat.completions.create(
                model=place.model("halo-practice-tools"),
                messages=hello(),
                tools=[{"type": "function", "function": {"name": "look", "parameters": schema}}],
            )
            call = answer.choices[0].message.tool_calls[0]
            self.assertEqual(call.function.name, "look")
            self.assertIsInstance(json.loads(call.function.arguments), dict)
            with place.anthropic().messages.stream(
                model=place.model("halo-practice-tools"),
                max_tokens=1024,
                messages=hello(),
                tools=[{"name": "look", "input_schema": schema}],
            ) as stream:
                answer = stream.get_final_message()
            self.assertEqual(answer.stop_reason, "tool_use")
            self.assertEqual([b.name for b in answer.content if b.type == "tool_use"], ["look"])

    def test_models_are_listed(self):
        for place in self.everywhere([self.direct, self.practice]):
            wanted = place.model("halo-practice")
            self.assertIn(wanted, [model.id for model in place.openai().models.list()])
            self.assertIn(wanted, [model.id for model in place.anthropic().models.list()])

    # Errors

    def fails_openai(self, place, model, error, **options):
        with self.assertRaises(error) as caught:
            place.openai(**options).chat.completions.create(
                model=place.model(model), messages=hello()
            )
        return caught.exception

    def fails_anthropic(self, place, model, error, **options):
        with self.assertRaises(error) as caught:
            place.anthropic(**options).messages.create(
                model=place.model(model), max_tokens=1024, messages=hello()
            )
        return caught.exception

    def test_openai_errors_keep_class_and_words(self):
        for place in self.everywhere([self.direct, self.by_openai, self.practice]):
            for model, error, code, words, kind in [
                ("quota", openai.RateLimitError, "insufficient_quota",
                 "You exceeded your current quota", "quota_exhausted"),
                ("model-not-found", openai.NotFoundError, "model_not_found",
                 "does not exist", "model_not_found"),
                ("wrong-key", openai.AuthenticationError, "invalid_api_key",
                 "API key", "invalid_api_key"),
                ("rate-limit-long", openai.RateLimitError, "rate_limit_exceeded",
                 "Please try again in 10m0s", "rate_limited"),
            ]:
                exception = self.fails_openai(place, model, error)
                self.assertEqual(exception.code, code)
                self.assertIn(words, exception.body["message"])
                if place.gateway:
                    self.assertEqual(exception.body["halo"]["kind"], kind)
                    self.assertEqual(exception.response.headers["x-halo-kind"], kind)

    def test_anthropic_errors_keep_class_and_words(self):
        for place in self.everywhere([self.direct, self.by_anthropic]):
            for model, error, words, kind in [
                ("quota", anthropic.BadRequestError, "Your credit balance is too low",
                 "quota_exhausted"),
                ("model-not-found", anthropic.NotFoundError, "model: ", "model_not_found"),
                ("wrong-key", anthropic.AuthenticationError, "x-api-key", "invalid_api_key"),
                ("rate-limit-long", anthropic.RateLimitError, "30,000 input tokens",
                 "rate_limited"),
            ]:
                exception = self.fails_anthropic(place, model, error)
                self.assertIn(words, exception.body["error"]["message"])
                if place.gateway:
                    self.assertEqual(exception.body["error"]["halo"]["kind"], kind)
                    self.assertEqual(exception.response.headers["x-halo-kind"], kind)

    def test_errors_are_translated(self):
        exception = self.fails_openai(self.by_anthropic, "quota", openai.BadRequestError)
        self.assertEqual(exception.code, "insufficient_quota")
        self.assertIn("Your credit balance is too low", exception.body["message"])
        exception = self.fails_anthropic(self.by_openai, "quota", anthropic.RateLimitError)
        self.assertIn("You exceeded your current quota", exception.body["error"]["message"])

    def test_errors_inside_a_stream_are_raised(self):
        for place in self.everywhere([self.direct, self.by_openai, self.by_anthropic]):
            text = ""
            with self.assertRaises(openai.APIError) as caught:
                for chunk in place.openai().chat.completions.create(
                    model=place.model("overloaded-midstream"), messages=hello(), stream=True
                ):
                    text += (chunk.choices and chunk.choices[0].delta.content) or ""
            self.assertTrue(text)
            if place.gateway:
                self.assertEqual(caught.exception.body["halo"]["kind"], "overloaded")
            text = ""
            with self.assertRaises(anthropic.APIStatusError) as caught:
                with place.anthropic().messages.stream(
                    model=place.model("overloaded-midstream"),
                    max_tokens=1024,
                    messages=hello(),
                ) as stream:
                    for piece in stream.text_stream:
                        text += piece
            self.assertTrue(text)
            if place.gateway:
                self.assertEqual(caught.exception.body["error"]["halo"]["kind"], "overloaded")

    def test_a_wrong_halo_key_is_told_as_such(self):
        for key in ["halo_" + "0" * 64, "sk-of-a-provider"]:
            exception = self.fails_openai(
                self.by_openai, "halo-practice", openai.AuthenticationError, api_key=key
            )
            self.assertIn("Settings → Gateway", exception.body["message"])
            self.assertEqual(exception.body["halo"]["blame"], "halo")
            exception = self.fails_anthropic(
                self.by_openai, "halo-practice", anthropic.AuthenticationError, api_key=key
            )
            self.assertIn("Settings → Gateway", exception.body["error"]["message"])

    # Retries

    def test_retries_do_not_multiply(self):
        """The gateway makes two tries; the SDK, told not to, makes no more of its own."""
        model = "overloaded-forever"
        before = self.asked(model)
        self.fails_openai(self.direct, model, openai.InternalServerError, max_retries=1)
        self.assertEqual(self.asked(model), before + 2, "the SDK retries where nothing forbids it")
        before += 2
        exception = self.fails_openai(
            self.by_openai, model, openai.InternalServerError, max_retries=3
        )
        self.assertEqual(exception.response.headers["x-halo-attempts"], "2")
        self.assertEqual(exception.response.headers["x-should-retry"], "false")
        self.assertEqual(self.asked(model), before + 2)
        exception = self.fails_anthropic(
            self.by_anthropic, model, anthropic.APIStatusError, max_retries=3
        )
        self.assertEqual(exception.status_code, 529)
        self.assertEqual(self.asked(model), before + 4)

    def test_a_failure_that_passes_is_not_seen(self):
        answer = self.by_openai.openai().chat.completions.with_raw_response.create(
            model="sim-openai/bad-gateway", messages=hello()
        )
        self.assertEqual(answer.headers["x-halo-attempts"], "2")
        self.assertTrue(answer.parse().choices[0].message.content)
        answer = self.by_anthropic.anthropic().messages.with_raw_response.create(
            model="sim-anthropic/bad-gateway", max_tokens=1024, messages=hello()
        )
        self.assertEqual(answer.headers["x-halo-attempts"], "2")
        self.assertTrue(answer.parse().content[0].text)


if __name__ == "__main__":
    print(f"openai {openai.__version__}, anthropic {anthropic.__version__}, {BIN}")
    program = unittest.main(exit=False, verbosity=2)
    good = program.result.wasSuccessful()
    print("SDK tests:", "passed" if good else "FAILED")
    sys.exit(0 if good else 1)
