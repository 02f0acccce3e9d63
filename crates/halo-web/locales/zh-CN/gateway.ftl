# 如何让其他程序经由 Halo。

gateway-snippet-openai-js = OpenAI SDK（JavaScript）
gateway-snippet-anthropic-js = Anthropic SDK（JavaScript）
gateway-snippet-langchain = LangChain（Python）
gateway-snippet-claude-code = Claude Code（在终端中）
gateway-snippet-aider = aider（在终端中）
gateway-snippet-opencode = opencode（opencode.json）
gateway-snippet-continue = Continue（~/.continue/config.yaml）
gateway-snippet-cline = Cline（在其设置中）
