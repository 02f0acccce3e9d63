"""Asks a server as a program would, and keeps what came: standard library only."""

import base64
import http.client
import itertools
import json
import struct
import urllib.parse
import zlib
from dataclasses import dataclass, field

NUMBERS = itertools.count(1)


def prompt(words="Hello"):
    """A prompt of its own: the simulator counts the requests of each."""
    return f"{words}, number {next(NUMBERS):04}?"


def png(side=8):
    """A small red picture."""

    def chunk(name, data):
        return (
            struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        )

    rows = (b"\0" + b"\xc0\x20\x20" * side) * side
    head = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )


def body(protocol, model, text, stream=False, picture=False, **more):
    """A request in one of the two protocols."""
    content = text
    if picture:
        data = base64.b64encode(png()).decode()
        if protocol == "chat":
            part = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{data}"}}
        else:
            source = {"type": "base64", "media_type": "image/png", "data": data}
            part = {"type": "image", "source": source}
        content = [{"type": "text", "text": text}, part]
    message = {"role": "user", "content": content}
    request = {"model": model, "messages": [message], "max_tokens": 4096}
    if stream:
        request["stream"] = True
    return request | more


@dataclass
class Reply:
    """What came back."""

    status: int
    headers: dict
    raw: str = ""
    text: str = ""
    finish: str | None = None
    # Whether a stream came to the end that its protocol prescribes.
    ended: bool = False
    error: dict | None = None
    frames: list = field(default_factory=list)

    @property
    def halo(self):
        """The diagnosis that the gateway puts beside an error."""
        return (self.error or {}).get("halo") or {}

    @property
    def kind(self):
        return self.halo.get("kind")

    @property
    def attempts(self):
        return int(self.headers.get("x-halo-attempts", 0))

    def __str__(self):
        lines = [f"HTTP {self.status}"]
        lines += [f"{name}: {value}" for name, value in self.headers.items()]
        return "\n".join([*lines, "", self.raw[:4000]])


def ask(base, key, protocol, request, seconds=60, path=None):
    """Posts a request, or gets `path` where there is none."""
    url = urllib.parse.urlsplit(base)
    path = path or ("/v1/chat/completions" if protocol == "chat" else "/v1/messages")
    headers = {"content-type": "application/json"}
    if key and protocol == "chat":
        headers["authorization"] = f"Bearer {key}"
    if protocol == "messages":
        headers |= {"x-api-key": key or "none", "anthropic-version": "2023-06-01"}
    connection = http.client.HTTPConnection(url.hostname, url.port, timeout=seconds)
    try:
        if request is None:
            connection.request("GET", url.path + path, headers=headers)
        else:
            data = request if isinstance(request, bytes) else json.dumps(request).encode()
            connection.request("POST", url.path + path, data, headers)
        response = connection.getresponse()
        reply = Reply(response.status, {k.lower(): v for k, v in response.getheaders()})
        try:
            reply.raw = response.read().decode(errors="replace")
        except http.client.IncompleteRead as broken:
            reply.raw = broken.partial.decode(errors="replace")
    finally:
        connection.close()
    if reply.headers.get("content-type", "").startswith("text/event-stream"):
        read_stream(reply, protocol)
    else:
        read_whole(reply, protocol)
    return reply


def read_whole(reply, protocol):
    try:
        document = json.loads(reply.raw)
    except ValueError:
        return
    if not isinstance(document, dict):
        return
    reply.error = document.get("error")
    if protocol == "chat" and document.get("choices"):
        choice = document["choices"][0]
        reply.text = choice["message"].get("content") or ""
        reply.finish, reply.ended = choice["finish_reason"], True
    if protocol == "messages" and "content" in document:
        reply.text = "".join(part.get("text", "") for part in document["content"])
        reply.finish, reply.ended = document["stop_reason"], True


def read_stream(reply, protocol):
    for line in reply.raw.splitlines():
        if not line.startswith("data:"):
            continue
        data = line[5:].strip()
        if data == "[DONE]":
            reply.ended = True
            continue
        frame = json.loads(data)
        reply.frames.append(frame)
        if frame.get("error"):
            reply.error = frame["error"]
        for choice in frame.get("choices") or []:
            reply.text += choice["delta"].get("content") or ""
            reply.finish = choice.get("finish_reason") or reply.finish
        if frame.get("type") == "content_block_delta":
            reply.text += frame["delta"].get("text", "")
        if frame.get("type") == "message_delta":
            reply.finish = frame["delta"]["stop_reason"]
        if frame.get("type") == "message_stop":
            reply.ended = True
