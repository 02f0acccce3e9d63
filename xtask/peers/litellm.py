"""Maps errors by LiteLLM's own rules: one record a line in, one verdict a line out.

A record: {"provider": ..., "status": 429 or null, "headers": {...} or [[name, value], ...],
"body": "...", "form": "http_body" | ...}. A verdict: {"class": "RateLimitError", "status": 429,
"retry": true}. The first line out is {"version": ..., "openai": ...}.

Each record becomes the exception that LiteLLM's own client for that provider would raise, and
goes through litellm's `exception_type`. No network is used.

- An HTTP error of a provider that LiteLLM calls through the OpenAI SDK: the SDK's own
  `APIStatusError`, made by the SDK from status, headers and body, wrapped as
  `litellm/llms/openai/openai.py` wraps it. The SDK's message holds only `error.message` since
  version 3; the older form, which shows the whole body and gives LiteLLM's patterns more to find,
  is used here.
- An HTTP error of any other provider: what that provider's config makes of status, text and
  headers (`get_error_class`).
- HTTP 200 with an error inside: what the stream readers raise, with the status that stands in the
  body, else 500; if there is no error in it, the client's "Empty or invalid response".
- A text without status: an `Exception` with the text.
"""

import contextlib
import io
import json
import os
import sys

os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
os.environ["LITELLM_LOG"] = "CRITICAL"

sys.path.pop(0)  # This file is called litellm too.

out = sys.stdout
sys.stdout = sys.stderr  # LiteLLM prints hints where it likes.

import httpx  # noqa: E402
import litellm  # noqa: E402
import openai  # noqa: E402
from litellm.litellm_core_utils.exception_mapping_utils import exception_type  # noqa: E402
from litellm.llms.base_llm.chat.transformation import BaseLLMException  # noqa: E402
from litellm.llms.openai.common_utils import OpenAIError  # noqa: E402
from litellm.types.utils import LlmProviders  # noqa: E402
from litellm.utils import ProviderConfigManager  # noqa: E402

litellm.suppress_debug_info = True
litellm.telemetry = False

# What the corpus calls them → what LiteLLM calls them. Anything else that LiteLLM does not know is
# called as "openai" with another base URL, as its users do.
NAMES = {
    "vertex": "vertex_ai",
    "cohere": "cohere_chat",
    "together": "together_ai",
    "fireworks": "fireworks_ai",
    "nvidia": "nvidia_nim",
    "nvidia-nim": "nvidia_nim",
    "github-models": "github",
    "github-copilot": "github_copilot",
    "copilot": "github_copilot",
    "cloudflare-ai-gateway": "clf_ai_gateway",
    "cloudflare-gateway": "clf_ai_gateway",
    "zhipu": "bigmodel",
    "hunyuan": "tencent",
    "ollama": "ollama_chat",
    "lmstudio": "lm_studio",
    "vllm": "hosted_vllm",
    "litellm": "litellm_proxy",
    "vercel-ai-gateway": "vercel_ai_gateway",
    "vercel": "vercel_ai_gateway",
    "anthropic-compatible": "anthropic",
    "anthropic-relay": "anthropic",
    "tgi": "huggingface",
}
KNOWN = {provider.value for provider in LlmProviders}
# Those that litellm.main calls through the OpenAI SDK.
SDK = {"openai", "azure"}

client = openai.OpenAI(api_key="none", base_url="http://localhost", max_retries=0)
# The SDK's HTTP library has changed its name.
sdk_http = sys.modules.get("httpx2") or httpx


def provider_of(record):
    name = record.get("provider") or "openai"
    name = NAMES.get(name, name.replace("-", "_"))
    return name if name in KNOWN else "openai"


def headers_of(record):
    headers = record.get("headers") or {}
    pairs = headers.items() if isinstance(headers, dict) else headers
    # The body is given decoded.
    skip = {"content-encoding", "transfer-encoding", "content-length"}
    return [
        (str(k), str(v))
        for k, v in pairs
        if str(k).lower() not in skip and str(k).isascii() and str(v).isascii()
    ]


def parsed(text):
    try:
        return json.loads(text)
    except ValueError:
        return None


def sdk_error(status, headers, text):
    """As the OpenAI SDK raises it and LiteLLM's OpenAI client wraps it."""
    response = sdk_http.Response(
        status, headers=headers, text=text, request=sdk_http.Request("POST", "http://localhost/v1")
    )
    error = client._make_status_error_from_response(response)
    body = parsed(text.strip())
    message = f"Error code: {status} - {body if body is not None else text.strip()}"
    if SDK_MESSAGES:
        message = str(error)
    return OpenAIError(
        status_code=status,
        message=message,
        headers=dict(headers),
        body=getattr(error, "body", None),
        response=httpx.Response(
            status, headers=headers, text=text, request=httpx.Request("POST", "http://localhost/v1")
        ),
    )


def http_error(provider, status, headers, text):
    if provider in SDK:
        return sdk_error(status, headers, text)
    try:
        config = ProviderConfigManager.get_provider_chat_config("model", LlmProviders(provider))
        return config.get_error_class(
            error_message=text, status_code=status, headers=httpx.Headers(headers)
        )
    except Exception:
        return BaseLLMException(status_code=status, message=text, headers=dict(headers))


def frames(text):
    """The JSON values of a body: the whole, or the data lines of a stream."""
    whole = parsed(text)
    if whole is not None:
        return [whole]
    lines = (line.strip() for line in text.splitlines())
    return [
        value
        for line in lines
        if (value := parsed(line[5:].strip() if line.startswith("data:") else line)) is not None
    ]


def stream_error(provider, headers, text):
    """The error that a reader of the body under HTTP 200 raises."""
    for value in frames(text):
        value = value[0] if isinstance(value, list) and value else value
        if not isinstance(value, dict):
            continue
        inner = value.get("response") if isinstance(value.get("response"), dict) else value
        error = inner.get("error") or (inner if inner.get("type") == "error" else None)
        if not error:
            continue
        error = error if isinstance(error, dict) else {"message": str(error)}
        status = error.get("code")
        status = int(status) if str(status).isdigit() and 400 <= int(status) < 600 else 500
        return http_error(provider, status, headers, json.dumps(value, ensure_ascii=False))
    return OpenAIError(
        status_code=500,
        message=f"Empty or invalid response from LLM endpoint. Received: {text!r}. "
        "Check the reverse proxy or model server configuration.",
        headers=dict(headers),
    )


def error_of(record, provider):
    status, text, headers = record.get("status"), record["body"], headers_of(record)
    if isinstance(text, dict):  # bytes that are no text
        text = json.dumps(text)
    if status is None:
        return Exception(text)
    if status < 400:
        return stream_error(provider, headers, text)
    return http_error(provider, status, headers, text)


def verdict(record):
    provider = provider_of(record)
    # A provider's model name, so that provider-specific branches apply.
    model = (record.get("request") or {}).get("model") or "model"
    try:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            mapped = exception_type(
                model=model,
                original_exception=error_of(record, provider),
                custom_llm_provider=provider,
                completion_kwargs={},
                extra_kwargs={},
            )
    except Exception as error:  # it raises what it maps to
        mapped = error
    status = getattr(mapped, "status_code", None)
    status = status if isinstance(status, int) else None
    return {
        "class": type(mapped).__name__,
        "status": status,
        "retry": bool(status is not None and litellm._should_retry(status)),
    }


# For a look at what the other form of the SDK's messages changes.
SDK_MESSAGES = "--sdk-messages" in sys.argv[1:]

from importlib.metadata import version  # noqa: E402

print(json.dumps({"version": version("litellm"), "openai": version("openai")}), file=out)
for line in sys.stdin:
    if line.strip():
        print(json.dumps(verdict(json.loads(line))), file=out, flush=True)
