# 消息中的文本文件。

file-size = { $size } kB
script-file-too-large = “{"{"}name{"}"}”太大，无法放进消息。最大可发送 1 MB 的文本文件。
script-remove-file = 移除 {"{"}name{"}"}
