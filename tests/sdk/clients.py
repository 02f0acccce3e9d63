"""The official SDKs, each asked in the same few words.

A client answers `ask` with an [`Answer`] and raises its SDK's own exceptions.
"""

import base64
import json
from dataclasses import dataclass, field

import anthropic
import openai
from google import genai
from google.genai import errors as google_errors
from google.genai import types

from ask import png

PICTURE = png()
SCHEMA = {"type": "object", "properties": {"place": {"type": "string"}}, "required": ["place"]}


@dataclass
class Answer:
    text: str = ""
    thinking: str = ""
    finish: str | None = None
    tokens: int = 0
    # The name of each tool and what it is called with.
    calls: list = field(default_factory=list)
    # The call and its result, as they go back to the model.
    results: list = field(default_factory=list)
    # How many pieces of text came, where it was a stream.
    pieces: int = 0


class Client:
    # What came of the last stream, also where it failed.
    partial = ""
    # Statuses that have an exception of their own; any other has `status_error`.
    classes = {}

    def error_of(self, status):
        default = self.server_error if status >= 500 else self.status_error
        return self.classes.get(status, default)


class OpenaiChat(Client):
    name, finishes = "openai chat", {"stop": "stop", "length": "length", "tools": "tool_calls"}
    api_error, status_error = openai.APIError, openai.APIStatusError
    server_error = openai.InternalServerError
    connection_error, timeout_error = openai.APIConnectionError, openai.APITimeoutError
    classes = {
        400: openai.BadRequestError,
        401: openai.AuthenticationError,
        403: openai.PermissionDeniedError,
        404: openai.NotFoundError,
        429: openai.RateLimitError,
    }

    def __init__(self, base, timeout=30):
        self.sdk = openai.OpenAI(
            base_url=f"{base}/v1", api_key="any-key", max_retries=0, timeout=timeout
        )

    def models(self):
        return [model.id for model in self.sdk.models.list()]

    def body_of(self, exception):
        """What of an error's document the exception carries."""
        return exception.body

    def said_in(self, document):
        """The same, taken from the document itself."""
        return document["error"]

    def words_of(self, exception):
        return exception.message

    def ask(self, model, text, stream=False, picture=False, tools=False, results=None, **more):
        content = [{"type": "text", "text": text}]
        if picture:
            data = base64.b64encode(PICTURE).decode()
            url = {"url": f"data:image/png;base64,{data}"}
            content.append({"type": "image_url", "image_url": url})
        system = {"role": "system", "content": "Be brief."}
        messages = [system, {"role": "user", "content": content}]
        if tools or results:
            function = {"name": "look", "parameters": SCHEMA}
            more["tools"] = [{"type": "function", "function": function}]
        if results:
            messages += results
        request = {"model": model, "messages": messages, **more}
        answer = Answer()
        if not stream:
            reply = self.sdk.chat.completions.create(**request)
            choice = reply.choices[0]
            answer.text, answer.finish = choice.message.content or "", choice.finish_reason
            answer.thinking = getattr(choice.message, "reasoning_content", "") or ""
            answer.tokens = reply.usage.completion_tokens
            calls = choice.message.tool_calls or []
            answer.calls = [(c.function.name, json.loads(c.function.arguments)) for c in calls]
            if calls:
                call = calls[0]
                result = {"role": "tool", "tool_call_id": call.id, "content": "A calm sea."}
                answer.results = [choice.message.model_dump(exclude_none=True), result]
            return answer
        arguments = {}
        options = {"stream": True, "stream_options": {"include_usage": True}}
        for chunk in self.sdk.chat.completions.create(**request, **options):
            answer.tokens = chunk.usage.completion_tokens if chunk.usage else answer.tokens
            for choice in chunk.choices:
                piece = choice.delta.content or ""
                answer.text, answer.pieces = answer.text + piece, answer.pieces + bool(piece)
                answer.thinking += getattr(choice.delta, "reasoning_content", "") or ""
                answer.finish = choice.finish_reason or answer.finish
                for call in choice.delta.tool_calls or []:
                    name, so_far = arguments.get(call.index, ("", ""))
                    name = call.function.name or name
                    arguments[call.index] = name, so_far + (call.function.arguments or "")
            self.partial = answer.text
        answer.calls = [(name, json.loads(so_far)) for name, so_far in arguments.values()]
        return answer


class OpenaiResponses(OpenaiChat):
    name = "openai responses"
    finishes = {"stop": "completed", "length": "incomplete", "tools": "completed"}

    def ask(self, model, text, stream=False, picture=False, tools=False, results=None, **more):
        content = [{"type": "input_text", "text": text}]
        if picture:
            data = base64.b64encode(PICTURE).decode()
            url = f"data:image/png;base64,{data}"
            content.append({"type": "input_image", "detail": "auto", "image_url": url})
        if tools or results:
            more["tools"] = [
                {"type": "function", "name": "look", "parameters": SCHEMA, "strict": False}
            ]
        if "max_tokens" in more:
            more["max_output_tokens"] = more.pop("max_tokens")
        items = [{"role": "user", "content": content}, *(results or [])]
        request = {"model": model, "instructions": "Be brief.", "input": items, **more}
        if not stream:
            return self.read(self.sdk.responses.create(**request))
        pieces, text, last = 0, "", None
        for event in self.sdk.responses.create(**request, stream=True):
            if event.type == "response.output_text.delta":
                text, pieces = text + event.delta, pieces + 1
            self.partial = text
            if event.type == "error":
                raise openai.APIError(event.message, request=None, body=event.model_dump())
            if event.type == "response.failed":
                failed = event.response.error
                raise openai.APIError(failed.message, request=None, body=failed.model_dump())
            if event.type in ("response.completed", "response.incomplete"):
                last = event.response
        if last is None:
            return Answer(text=text, pieces=pieces)
        answer = self.read(last)
        if answer.text != text:
            raise AssertionError(f"the pieces say {text!r}, the whole says {answer.text!r}")
        answer.pieces = pieces
        return answer

    def read(self, reply):
        answer = Answer(text=reply.output_text, finish=reply.status)
        answer.tokens = reply.usage.output_tokens
        for item in reply.output:
            if item.type == "reasoning":
                parts = [*item.summary, *(item.content or [])]
                answer.thinking += "".join(part.text for part in parts)
            if item.type == "function_call":
                answer.calls.append((item.name, json.loads(item.arguments)))
                result = {"type": "function_call_output", "call_id": item.call_id}
                answer.results = [item.model_dump(exclude_none=True)]
                answer.results.append(result | {"output": "A calm sea."})
        return answer


class Anthropic(Client):
    name = "anthropic"
    finishes = {"stop": "end_turn", "length": "max_tokens", "tools": "tool_use"}
    api_error, status_error = anthropic.APIError, anthropic.APIStatusError
    server_error = anthropic.InternalServerError
    connection_error, timeout_error = anthropic.APIConnectionError, anthropic.APITimeoutError
    classes = {
        400: anthropic.BadRequestError,
        401: anthropic.AuthenticationError,
        403: anthropic.PermissionDeniedError,
        404: anthropic.NotFoundError,
        429: anthropic.RateLimitError,
    }

    def __init__(self, base, timeout=30):
        self.sdk = anthropic.Anthropic(
            base_url=base, api_key="any-key", max_retries=0, timeout=timeout
        )

    def models(self):
        return [model.id for model in self.sdk.models.list()]

    def body_of(self, exception):
        return exception.body

    def said_in(self, document):
        return document

    def words_of(self, exception):
        return exception.body["error"]["message"]

    def ask(self, model, text, stream=False, picture=False, tools=False, results=None, **more):
        content = [{"type": "text", "text": text}]
        if picture:
            data = base64.b64encode(PICTURE).decode()
            source = {"type": "base64", "media_type": "image/png", "data": data}
            content.append({"type": "image", "source": source})
        if tools or results:
            more["tools"] = [{"name": "look", "input_schema": SCHEMA}]
        messages = [{"role": "user", "content": content}, *(results or [])]
        request = {"model": model, "system": "Be brief.", "messages": messages}
        request |= {"max_tokens": 2048, **more}
        if "temperature" in request:
            # It has no name for it any more.
            request["extra_body"] = {"temperature": request.pop("temperature")}
        pieces = 0
        if stream:
            self.partial = ""
            with self.sdk.messages.stream(**request) as events:
                for piece in events.text_stream:
                    self.partial, pieces = self.partial + piece, pieces + 1
                reply = events.get_final_message()
        else:
            reply = self.sdk.messages.create(**request)
        answer = Answer(finish=reply.stop_reason, tokens=reply.usage.output_tokens, pieces=pieces)
        for block in reply.content:
            if block.type == "text":
                answer.text += block.text
            if block.type == "thinking":
                answer.thinking += block.thinking
            if block.type == "tool_use":
                answer.calls.append((block.name, block.input))
                result = {"type": "tool_result", "tool_use_id": block.id, "content": "A calm sea."}
                answer.results = [
                    {"role": "assistant", "content": reply.content},
                    {"role": "user", "content": [result]},
                ]
        return answer


class Google(Client):
    name = "google-genai"
    finishes = {"stop": "STOP", "length": "MAX_TOKENS", "tools": "STOP"}
    api_error, status_error = google_errors.APIError, google_errors.ClientError
    server_error = google_errors.ServerError
    # It has no exceptions of its own for connections.
    connection_error = timeout_error = Exception

    def __init__(self, base, timeout=30):
        options = types.HttpOptions(base_url=base, timeout=timeout * 1_000)
        self.sdk = genai.Client(api_key="any-key", http_options=options)

    def models(self):
        return [model.name.removeprefix("models/") for model in self.sdk.models.list()]

    def body_of(self, exception):
        return exception.details

    def said_in(self, document):
        return document

    def words_of(self, exception):
        return exception.message

    def ask(self, model, text, stream=False, picture=False, tools=False, results=None, **more):
        parts = [types.Part.from_text(text=text)]
        if picture:
            parts.append(types.Part.from_bytes(data=PICTURE, mime_type="image/png"))
        if "max_tokens" in more:
            more["max_output_tokens"] = more.pop("max_tokens")
        if tools or results:
            function = types.FunctionDeclaration(name="look", parameters_json_schema=SCHEMA)
            more["tools"] = [types.Tool(function_declarations=[function])]
        config = types.GenerateContentConfig(system_instruction="Be brief.", **more)
        contents = [types.Content(role="user", parts=parts), *(results or [])]
        request = {"model": model, "contents": contents, "config": config}
        if stream:
            replies = self.sdk.models.generate_content_stream(**request)
        else:
            replies = [self.sdk.models.generate_content(**request)]
        answer = Answer()
        for reply in replies:
            if reply.usage_metadata:
                answer.tokens = reply.usage_metadata.candidates_token_count or answer.tokens
            for candidate in reply.candidates or []:
                answer.finish = candidate.finish_reason or answer.finish
                said = candidate.content.parts if candidate.content else None
                for part in said or []:
                    if part.function_call:
                        call = part.function_call
                        answer.calls.append((call.name, call.args))
                        response = types.Part.from_function_response(
                            name=call.name, response={"result": "A calm sea."}
                        )
                        result = types.Content(role="user", parts=[response])
                        answer.results = [candidate.content, result]
                    elif part.thought:
                        answer.thinking += part.text
                    elif part.text:
                        answer.text, answer.pieces = answer.text + part.text, answer.pieces + 1
            self.partial = answer.text
        return answer


CLIENTS = [OpenaiChat, OpenaiResponses, Anthropic, Google]
