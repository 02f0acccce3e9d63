//! OpenAI- and Anthropic-compatible API for programs
