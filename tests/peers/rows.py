"""The errors that are sent through each proxy, and what Halo must make of them."""

from dataclasses import dataclass, field, replace

# What follows a failure.
REFUSED = "refused"  # the card at once: sending again does not help, or the wait is too long
RECOVERS = "recovers"  # Halo sends again, and the answer comes
GIVES_UP = "gives up"  # Halo sends again as often as it may, and then the card
BROKEN = "broken"  # the answer began and broke off: the card, with what came
ANSWERS = "answers"  # nothing is wrong
UNSEEN = "unseen"  # the peer passes a broken answer off as a whole one: nothing is left to read

TRIES = 2


@dataclass(frozen=True)
class Row:
    model: str
    kind: str | None
    follows: str
    # How it is asked for: only as a stream, with a picture, with a long text, with parameters.
    only_stream: bool = False
    picture: bool = False
    long: bool = False
    more: dict = field(default_factory=dict, hash=False)
    finish: str = "stop"
    # The wait that the provider asks for, in seconds.
    wait: int | None = None
    # How many requests the provider gets for each try of Halo: some peers send again themselves.
    requests: int = 1

    def but(self, **changes):
        return replace(self, **changes)


ROWS = [
    Row("halo-practice", None, ANSWERS),
    Row("halo-practice", None, ANSWERS, picture=True),
    Row("halo-practice-thinking", None, ANSWERS),
    Row("halo-practice-long", None, ANSWERS),
    Row("cut-by-length", None, ANSWERS, finish="length"),
    # Rows 1 and 2: rate limits
    Row("rate-limit", "rate_limited", RECOVERS),
    Row("rate-limit-text", "rate_limited", RECOVERS),
    Row("rate-limit-relay", "rate_limited", RECOVERS),
    Row("rate-limit-stream", "rate_limited", RECOVERS, only_stream=True),
    Row("rate-limit-long", "rate_limited", REFUSED, wait=600),
    # Row 3: the window
    Row("small-window", "context_length_exceeded", REFUSED, long=True),
    Row("small-window-stream", "context_length_exceeded", REFUSED, long=True, only_stream=True),
    Row("small-window-relay", "context_length_exceeded", REFUSED, long=True),
    # Row 4: pictures
    Row("blind", "image_unsupported", REFUSED, picture=True),
    Row("blind-stream", "image_unsupported", REFUSED, picture=True, only_stream=True),
    Row("blind-relay", "image_unsupported", REFUSED, picture=True),
    # Row 5: money
    Row("quota", "quota_exhausted", REFUSED),
    Row("quota-stream", "quota_exhausted", REFUSED, only_stream=True),
    Row("quota-relay", "quota_exhausted", REFUSED),
    # Rows 6 and 9: keys and rights
    Row("wrong-key", "invalid_api_key", REFUSED),
    Row("wrong-key-stream", "invalid_api_key", REFUSED, only_stream=True),
    Row("wrong-key-relay", "invalid_api_key", REFUSED),
    Row("unauthorized", "invalid_api_key", REFUSED),
    Row("permission-denied", "permission_denied", REFUSED),
    Row("region", "region_unsupported", REFUSED),
    # Row 7: names of models
    Row("model-not-found", "model_not_found", REFUSED),
    Row("model-not-found-stream", "model_not_found", REFUSED, only_stream=True),
    Row("model-not-found-relay", "model_not_found", REFUSED),
    # Row 8: no capacity
    Row("overloaded-forever", "overloaded", GIVES_UP),
    Row("overloaded-stream", "overloaded", RECOVERS, only_stream=True),
    Row("overloaded-midstream", "overloaded", BROKEN, only_stream=True),
    # Row 10: faults at the provider
    Row("server-error-forever", "server_error", GIVES_UP),
    Row("server-error-stream", "server_error", RECOVERS, only_stream=True),
    Row("bad-gateway", "server_error", RECOVERS),
    Row("gateway-timeout", "timeout", RECOVERS),
    # Broken streams
    Row("reset", "network", RECOVERS),
    Row("cut-mid-stream", "stream_interrupted", BROKEN, only_stream=True),
    Row("cut-politely", "stream_interrupted", BROKEN, only_stream=True),
    Row("reset-mid-stream", "stream_interrupted", BROKEN, only_stream=True),
    Row("error-mid-stream", "stream_interrupted", BROKEN, only_stream=True),
    # Others
    Row("content-filtered", "content_filtered", REFUSED),
    Row("content-filtered-relay", "content_filtered", REFUSED),
    Row("output-limit", "output_limit_exceeded", REFUSED, more={"max_tokens": 100_000}),
    Row("parameter-refused", "unsupported_feature", REFUSED, more={"temperature": 0.7}),
]
