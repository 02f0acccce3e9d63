"""Asks in the words of the official SDKs, with their default retries.

Lines of JSON come in: {"number": n, "protocol": ..., "base": ..., "key": ..., "body": {...},
"expected": "..."}; the body is what the protocol wants. A line goes out for each: {"number": n,
"sdk": ..., "answered": whether the whole answer came, "silent": whether a part of it was taken
for the whole without an exception, "error": the exception's class or null}. The first line out
names the versions.
"""

import json
import sys
from concurrent.futures import ThreadPoolExecutor

import anthropic
import openai

SECONDS = float(sys.argv[1])
AT_ONCE = 16


def chat(line, body):
    sdk = openai.OpenAI(base_url=line["base"] + "/v1", api_key=line["key"], timeout=SECONDS)
    named = {name: body.pop(name) for name in ("model", "messages", "stream") if name in body}
    text = ""
    for chunk in sdk.chat.completions.create(**named, extra_body=body):
        for choice in chunk.choices or []:
            text += choice.delta.content or ""
    return text


def responses(line, body):
    sdk = openai.OpenAI(base_url=line["base"] + "/v1", api_key=line["key"], timeout=SECONDS)
    named = {name: body.pop(name) for name in ("model", "input", "stream") if name in body}
    text = ""
    for event in sdk.responses.create(**named, extra_body=body):
        if event.type == "response.output_text.delta":
            text += event.delta
        if event.type in ("error", "response.failed"):
            raise RuntimeError(event.type)
    return text


def messages(line, body):
    sdk = anthropic.Anthropic(base_url=line["base"], api_key=line["key"], timeout=SECONDS)
    known = ("model", "messages", "max_tokens", "stream")
    named = {name: body.pop(name) for name in known if name in body}
    text = ""
    for event in sdk.messages.create(**named, extra_body=body):
        if event.type == "content_block_delta" and event.delta.type == "text_delta":
            text += event.delta.text
    return text


ASK = {
    "openai-chat": ("openai", chat),
    "openai-responses": ("openai", responses),
    "anthropic": ("anthropic", messages),
}


def play(text):
    line = json.loads(text)
    sdk, ask = ASK[line["protocol"]]
    out = {"number": line["number"], "sdk": sdk, "error": None}
    said = None
    try:
        said = ask(line, line["body"])
    except Exception as error:  # Whatever it is, there is no answer.
        out["error"] = type(error).__name__
    out["answered"] = said == line["expected"]
    out["silent"] = said is not None and not out["answered"]
    return json.dumps(out)


print(json.dumps({"openai": openai.__version__, "anthropic": anthropic.__version__}), flush=True)
with ThreadPoolExecutor(AT_ONCE) as pool:
    for result in pool.map(play, sys.stdin.read().splitlines()):
        print(result, flush=True)
