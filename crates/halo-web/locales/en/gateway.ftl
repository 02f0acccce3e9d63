# How programs are told to go through Halo.

gateway-snippet-openai-js = OpenAI SDK (JavaScript)
gateway-snippet-anthropic-js = Anthropic SDK (JavaScript)
gateway-snippet-langchain = LangChain (Python)
gateway-snippet-claude-code = Claude Code (in the shell)
gateway-snippet-aider = aider (in the shell)
gateway-snippet-opencode = opencode (opencode.json)
gateway-snippet-continue = Continue (~/.continue/config.yaml)
gateway-snippet-cline = Cline (in its settings)
