# 导入 Halo、ChatGPT 和 Claude 导出的文件。

import-about = 选择由 Halo 导出的 JSON 文件，或 ChatGPT、Claude 发给你的 ZIP 文件（也可以是其中的 conversations.json）。已有的内容不会重复添加，也不会被覆盖。
import-how = 如何从 ChatGPT 和 Claude 取得你的对话
import-how-chatgpt = ChatGPT：设置 → 数据管理 → 导出数据。邮件中会有 ZIP 的下载链接，直接把这个 ZIP 交给 Halo 即可。
import-how-claude = Claude：设置 → 隐私 → 导出数据。邮件中会有 ZIP 的下载链接，直接把这个 ZIP 交给 Halo 即可。
import-how-what = 会导入消息、各个版本、思考过程和文件中的图片。之后的消息发给你在这里选择的模型。自定义指令和隐藏消息不会导入。
import-messages = 新增消息：{ $count } 条。
import-skipped = 无法读取、已跳过的对话：{ $count } 个。
import-skipped-list = 以下对话无法读取，其余已导入：
import-nth = 文件中第 { $count } 个
import-not-an-export = 这个文件不是 Halo、ChatGPT 或 Claude 导出的。没有导入任何内容。
import-package = 这个 ZIP 已损坏或没有下载完整，请重新下载。没有导入任何内容。
import-too-large = 这个 ZIP 解压后超出 Halo 接受的大小。请自行解压，再导入其中的 conversations.json。没有导入任何内容。
