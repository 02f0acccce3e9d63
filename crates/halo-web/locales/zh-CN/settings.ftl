# 设置页面。

settings-title = 设置
settings-nav = 设置分类
settings-nav-models = AI 模型
settings-nav-recovery = 恢复
settings-nav-gateway = 网关
settings-nav-data = 数据
settings-nav-appearance = 外观
settings-nav-about = 关于
settings-back = 返回对话
settings-save = 保存
settings-cancel = 取消
settings-copy = 复制
settings-copied = 已复制
settings-saved = 已保存。

## AI 模型：列表

settings-models-intro = Halo 可以使用的服务商。密钥只留在这台电脑上，存放在只有你能读取的单独文件里。
settings-models-empty = 你还没有添加服务商。练习服务商无需密钥即可回答；有了密钥再添加真正的服务商。
settings-providers = 服务商
settings-provider-default = 默认
settings-provider-practice-about = 内置。它模拟一个服务商，可按需出错，数据不会离开这台电脑。
settings-provider-removed = 已移除 { $name }。离开本页之前，它仍会列在这里。
settings-provider-restore = 恢复
settings-provider-restored = { $name } 已恢复。
settings-provider-restore-gone = 这个服务商已无法恢复，请重新添加。
settings-provider-edit = 编辑
settings-provider-remove = 移除
settings-provider-remove-named = 移除 { $name }
settings-provider-edit-named = 编辑 { $name }
settings-provider-models = { $count ->
    [0] 未列出模型
   *[other] { $count } 个模型
}
settings-provider-key-short = 已保存密钥
settings-provider-key-none = 无密钥
settings-provider-key-env = 来自 { $name }
settings-provider-key-env-missing = 来自 { $name }（尚未设置）
settings-provider-keys-more = { $count ->
   *[other] 另有 { $count } 个
}
settings-default = 默认模型
settings-default-about = 新对话使用它开始；每个对话都可以更换。
settings-default-none = 未选择
settings-default-choose = 服务商和模型
settings-default-saved = 新对话将使用 { $model }。
settings-default-unknown = 请选择列表中的模型。

## AI 模型：添加

settings-add = 添加服务商
settings-add-paste = 粘贴密钥
settings-add-paste-about = Halo 会猜出密钥属于哪家服务商，获取模型列表并测试连接。
settings-add-paste-go = 添加
settings-add-paste-guess = 这看起来是 { $name } 的密钥。
settings-add-paste-unsure = 有多家服务商的密钥都是这种样子，请选择它所属的一家。
settings-add-paste-empty = 请先粘贴密钥，或在下方选择服务商。
settings-add-choose = 或者选择服务商
settings-preset-about-anthropic = Claude 系列模型
settings-preset-about-openai = GPT 系列模型
settings-preset-about-gemini = Gemini 模型
settings-preset-about-openai-responses = 以 OpenAI 的新协议使用 GPT 模型，可看到思考摘要
settings-preset-about-openai-responses-compatible = 任何支持 OpenAI Responses 的服务器或中转
settings-preset-about-gemini-compatible = 任何支持 Google generateContent 的服务器或中转
settings-preset-about-deepseek = DeepSeek 系列模型
settings-preset-about-openrouter = 一个密钥使用多家模型
settings-preset-about-ollama = 在自己电脑上运行的模型，无需密钥
settings-preset-about-openai-compatible = 任何支持 OpenAI Chat Completions 的服务器或中转
settings-preset-about-anthropic-compatible = 任何支持 Anthropic Messages 的服务器或中转
settings-preset-about-practice = 内置的练习服务商

## AI 模型：表单

settings-form-new = 添加 { $preset }
settings-form-name = 名称
settings-form-protocol = 协议
settings-form-protocol-anthropic = Anthropic Messages
settings-form-protocol-openai-chat = OpenAI Chat Completions
settings-form-protocol-openai-responses = OpenAI Responses
settings-form-protocol-gemini = Google generateContent
settings-form-url = 接口地址（Base URL）
settings-form-url-about = 带不带 /v1、末尾有没有斜杠都可以，完整的接口地址也可以。
settings-form-url-called = 将会请求：
settings-form-url-fixed = 练习服务商在 Halo 内部运行，地址不能修改。
settings-form-url-empty = 请填写服务器地址。
settings-form-url-bad = 这不是 Halo 能请求的地址：{ $why }
settings-form-url-plain = 这个地址使用明文 http，并且指向另一台电脑。密钥会不加密地传输，途中任何人都能读到。若服务器支持，请改用 https。
settings-form-key = 密钥
settings-form-key-number = 密钥 { $n }
settings-form-key-another = 再加一个密钥
settings-form-key-another-about = 前一个被拒绝或额度用尽时，按此顺序使用。
settings-form-key-more = 多个密钥
settings-form-key-keep = 留空则保留 { $key }
settings-form-key-keep-short = 留空即保留原密钥
settings-form-key-saved = 已保存：{ $key }
settings-form-key-drop = 移除此密钥
settings-form-key-optional = 本地服务器不需要密钥。
settings-form-key-show = 显示
settings-form-key-hide = 隐藏
settings-form-key-show-what = 显示输入的内容
settings-form-key-page = 获取密钥
settings-form-key-practice = 大多数练习场景接受任意密钥，也可以不填；关于密钥错误的场景只接受 practice-key-ok。
settings-form-key-env = 环境变量
settings-form-key-env-about = 从这个变量读取密钥，不写入磁盘。若上方填写了密钥，则优先使用上方的。
settings-form-key-env-set = 该变量已设置。
settings-form-key-env-unset = 启动 Halo 的环境中没有设置该变量。
settings-form-model = 默认模型
settings-form-model-about = 从列表中选择，或输入服务商支持的任意名称。
settings-form-model-fetch = 获取模型列表
settings-form-model-fetching = 正在获取…
settings-form-model-fetched = { $count ->
    [0] 服务商没有列出模型，请直接输入名称。
   *[other] 服务商列出了 { $count } 个模型。
}
settings-form-model-list = 模型
settings-form-model-none-match = 列表中没有名称包含它的模型，但仍然可以使用。
settings-form-model-refused = 服务商拒绝了“{ $name }”。请为等待中的消息选择其他模型；新对话使用的模型保持不变，除非你勾选下面的选项。
settings-form-model-seen = 能看图片
settings-form-model-tools = 能用工具
settings-form-model-thinks = 会先思考
settings-form-model-window = { $tokens } 个 token
settings-form-model-price = 输入 ${ $input }，输出 ${ $output }
settings-facts = 关于 { $model } 的已知信息
settings-facts-about = 你设置的内容最优先，其次是从回答和错误中得知的，再次是服务商自己的列表，最后是 Halo 自带的目录。价格为每百万 token 的标价。
settings-fact-unknown = 未知
settings-fact-yes = 是
settings-fact-no = 否
settings-fact-window = 可读
settings-fact-window-value = 最多 { $tokens } 个 token
settings-fact-output = 可写
settings-fact-output-value = 每次回答最多 { $tokens } 个 token
settings-fact-vision = 能看图片
settings-fact-tools = 能用工具
settings-fact-reasoning = 会先思考
settings-fact-price = 价格
settings-fact-price-value = 输入 ${ $input }，输出 ${ $output }
settings-fact-price-read = 读缓存 ${ $price }
settings-fact-price-write = 写缓存 ${ $price }
settings-fact-price-up-to = 输入超过 { $tokens } 个 token 时更贵
settings-fact-from-catalogue = 目录，{ $date }
settings-fact-from-provider = 服务商的列表，{ $date }
settings-fact-from-learned = 在此得知，{ $date }
settings-fact-from-person = 由你设置，{ $date }
settings-form-make-default = 用于新对话
settings-form-connection = 连接：代理、证书、时限
settings-form-connection-proxy = 代理
settings-form-connection-proxy-about = 留空则使用所示的通用设置。填 system 使用系统代理，填 direct 不用代理，也可以填写地址：http://主机:8080、https://…、socks5h://用户@主机:1080（也支持 socks4、socks4a、socks5）。这里填写的代理用于该服务商的所有地址，包括本机地址。
settings-form-connection-password = 代理密码
settings-form-connection-password-keep = 留空即保留已保存的密码
settings-form-connection-ca = 额外的证书文件（CA）
settings-form-connection-ca-about = PEM 格式。在系统信任的证书之外额外信任；用于自签证书的服务器，或会检查 TLS 的代理之后。
settings-form-connection-connect = 等待连接的最长时间（秒）
settings-form-connection-first-byte = 等待开始回答的最长时间（秒）
settings-form-connection-idle = 回答中途停顿的最长时间（秒）
settings-form-connection-seconds-about = 没有内容的保活信号不算回答。整个回答的总时长不设上限。
settings-form-test = 测试
settings-form-testing = 正在测试…
settings-form-test-about = 按表单当前内容，从主机名到工具调用逐步检查。与聊天一样，会向模型提出四个简短的问题。
settings-form-saved = { $name } 已保存。
settings-form-added = { $name } 已添加。

## AI 模型：表单中的问题

settings-error-heading = 未保存
settings-error-name-empty = 请为服务商取一个名称。
settings-error-name-long = 名称超过了 { $max } 个字符。
settings-error-env-name = “{ $name }”不能用作环境变量名。只能使用字母、数字和 _，且不能以数字开头。
settings-error-key-chars = 密钥 { $n } 含有不能放进请求头的字符，可能粘贴时带入了其他内容。
settings-error-key-masked = 这是页面上显示的缩短形式，请复制完整的密钥。
settings-error-key-url = 密钥栏里填的是一个网址，是不是填错了位置？
settings-error-proxy-address = 这不是代理。请填写 system、direct，或 http://主机:8080、socks5h://主机:1080 这样的地址。
settings-error-proxy-scheme = Halo 不认识“{ $found }”这种代理，可用的有 http、https、socks4、socks4a、socks5 和 socks5h。
settings-error-proxy-host = 代理地址中没有可用的主机名；主机和端口之后不能再有内容。
settings-error-proxy-port = 代理端口必须是 1 到 65535 之间的数字，后面不能再有内容。
settings-error-proxy-credentials = 代理的用户名和密码不能含有换行或控制字符。
settings-error-proxy-masked = 这是缩短显示的地址，请重新填写完整地址。
settings-error-proxy-user = 填写密码时，地址里要有用户名：http://用户@主机:8080。
settings-error-ca-path = 请填写文件路径。
settings-error-ca-missing = 没有文件 { $path }。
settings-error-ca-unreadable = 无法读取 { $path }：{ $why }
settings-error-ca-empty = { $path } 里没有证书。应为 PEM 格式，即含有“-----BEGIN CERTIFICATE-----”的文本。
settings-error-ca-damaged = { $path } 中的第 { $n } 个证书已损坏。
settings-error-ca-other = 无法使用此文件：{ $why }
settings-error-seconds = 请填写 1 到 { $max } 之间的整数秒数，或留空。
settings-error-preset = 没有名为“{ $name }”的预设。
settings-error-provider = 没有名为“{ $id }”的服务商，可能已在另一个标签页中移除。
settings-error-config = 设置文件无法使用，已保持原样。请修正后再次保存。
settings-error-file = 设置文件无法读取或写入，没有做任何改动。
settings-error-change = 改动没有生效。
settings-error-config-words = 问题所在

## 测试与获取模型

settings-test-good = 可以使用，{ $model } 已回答。
settings-test-failed = 测试在这一步失败：{ $step }
settings-test-ms = { $ms } 毫秒
settings-test-raw-reply = 原始回复
settings-test-learned = 关于该模型新得知：
settings-test-better = 这个地址有应答：
settings-test-use = 使用它
settings-fact-streaming = 流式回答
settings-test-raw = 服务商的原话
settings-test-raw-local = 发生了什么
settings-test-remedies = 可以这样做
settings-test-details = 状态码、响应头和地址
settings-test-status = 状态码
settings-test-address = 地址
settings-test-headers = 响应头
settings-test-no-body = 回答是空的。
settings-fetch-failed = 无法获取模型列表。

## 等待中的消息

settings-waiting = 有一条消息在等待：保存后可以重新发送。
settings-waiting-ready = 已保存。你的消息仍在等待。
settings-waiting-resend = 重新发送等待中的消息
settings-waiting-resend-model = 将等待中的消息发送给 { $model }
settings-waiting-back = 返回对话
settings-waiting-failed = 消息未能重新发送：{ $why }

## 恢复

settings-recovery-intro = 请求失败时 Halo 可以自行做的事。它所做的一切都会显示在对话中并可撤销；已保存的内容绝不会改变。
settings-recovery-retry = 自动重试
settings-recovery-retry-about = 遇到限流、过载和服务商故障时：按服务商要求的时间等待后重新发送，倒计时可随时跳过。最多尝试 { $tries } 次。总共超过 { $seconds } 秒的等待会放进发件箱；只有服务商可以这样要求，并且最多一天。额度用尽、密钥被拒或缺少权限时绝不会自动重试。
settings-recovery-images = 模型看不了图片时，总是自动省去图片
settings-recovery-images-about = 图片仍保留在对话中，换成能看图片的模型时会再次发送。
settings-recovery-shrink = 模型拒收原图时，总是自动缩小图片再发送
settings-recovery-shrink-about = 只为该模型缩小过大的图片、转换它不支持的格式；原图仍保留在对话中。
settings-recovery-compact = 上下文窗口快满时，总是自动压缩
settings-recovery-compact-about = 较早的部分以摘要形式发送；所有消息都保留，这一步可以撤销。
settings-recovery-compact-at = 达到窗口的这一百分比时压缩
settings-recovery-compact-at-about = 对话占满模型窗口的这一比例后，会在发送下一条消息前压缩；未开启上面的许可时，则只会提议。可填 10 到 100，通常为 80。
settings-recovery-compact-at-bad = 百分比须为 10 到 100 的整数。
settings-recovery-always = 以下几项始终开启，因为它们不改变你写的内容：省去模型拒绝的参数、在模型上限较小时请求更短的回答、修正消息顺序。

settings-recovery-env = 由环境变量 { $name } 决定。
settings-failover = 消息可以自行改发到哪里
settings-failover-off = 不改发：先问我
settings-failover-keys = 同一服务商的其他密钥
settings-failover-providers = …或提供相同模型的其他服务商
settings-failover-models = …或下方列表中的其他模型
settings-failover-about = 当某个密钥、服务商或模型失败且等待无济于事时。回答会说明由谁写出以及原因。你选择的模型不变，下一条消息仍从它开始。练习模型不参与。
settings-ladder = 可以代替的模型
settings-ladder-about = 按优先顺序排列。仅当上面的选择允许改用其他模型、并且对话适合该模型时才会使用。
settings-ladder-empty = 列表中还没有模型。
settings-ladder-choose = 服务商/模型
settings-ladder-add = 添加
settings-ladder-up = 上移
settings-ladder-up-of = 上移 { $model }
settings-ladder-down = 下移
settings-ladder-down-of = 下移 { $model }
settings-ladder-remove = 移除
settings-ladder-remove-of = 移除 { $model }
settings-ladder-missing = 服务商 { $provider } 已不存在，因此会被跳过。
settings-ladder-unknown = 这不是已配置服务商的模型。请写成“服务商/模型”。

## 网关

settings-gateway-intro = 其他程序可以通过 Halo 使用你的服务商，并得到它的等待、修复和错误说明。让它们指向这个地址，并使用一个 Halo 密钥。
settings-gateway-address = 地址
settings-gateway-openai = OpenAI 兼容地址
settings-gateway-anthropic = Anthropic 兼容地址
settings-gateway-keys = Halo 密钥
settings-gateway-keys-about = Halo 只保存密钥的指纹，所以密钥只在创建时显示一次。
settings-gateway-keys-none = 还没有密钥。创建一个即可使用网关。
settings-gateway-key-label = 用途
settings-gateway-key-label-example = 例如：我的编辑器
settings-gateway-key-make = 创建新密钥
settings-gateway-key-made = 这是新密钥，只在此刻显示，请复制。
settings-gateway-key-created = 创建于 { $date }
settings-gateway-key-used = 最近使用 { $date }
settings-gateway-key-unused = 尚未使用
settings-gateway-key-remove = 移除
settings-gateway-key-remove-named = 移除密钥“{ $label }”
settings-gateway-key-removed = 密钥“{ $label }”已失效。
settings-gateway-key-unnamed = 未命名
settings-gateway-key-put-back = 撤销移除
settings-gateway-key-back = 密钥“{ $label }”已重新生效。
settings-gateway-models = 模型写作 服务商/模型，例如 { $model }。不写服务商时，Halo 会选择拥有该模型的一家。
settings-gateway-snippets = 如何连接
settings-gateway-snippet-openai = Python，openai
settings-gateway-snippet-anthropic = Python，anthropic
settings-gateway-snippet-curl = curl
settings-gateway-snippet-env = 编程助手的环境变量
settings-gateway-snippet-key = 请用你的 Halo 密钥替换 { $placeholder }。

## 外观

settings-appearance-intro = Halo 在这个浏览器中的样子。
settings-theme = 颜色
settings-theme-system = 跟随系统
settings-theme-light = 浅色
settings-theme-dark = 深色
settings-language = 语言
settings-language-browser = 跟随浏览器
settings-language-en = English
settings-language-zh = 中文

## 关于

settings-about-version = 版本
settings-about-licence = 许可证
settings-about-catalogue = 模型信息来源
settings-about-data = 数据文件夹
settings-about-config = 设置文件
settings-about-secrets = 密钥文件
settings-about-what = Halo 是聊天客户端，也是模型服务商的网关。你的对话和密钥都留在这台电脑上，除了你使用的服务商，不会发送到任何地方。
settings-about-files = 设置文件可以手工编辑。你自己写的内容（包括注释）都会保留。
settings-fact-own = { $fact }：你所知道的
settings-fact-own-tokens = 你的数值（token）
settings-fact-own-in = 你的输入价，$
settings-fact-own-out = 你的输出价，$
settings-fact-own-none = 按已知信息
settings-fact-set = 设置你所知道的
settings-fact-set-about = 清空一栏即为收回。
settings-fact-saved = 已保存。
settings-fact-take-back = 收回
settings-fact-forget = 忘记
settings-fact-forgotten = 已忘记。
settings-fact-restore = 撤销
settings-fact-save-first = 请先保存服务商，然后就可以说明你对其模型的了解。
settings-fact-bad = 无法识别“{ $text }”。
settings-fact-bounds = 必须在 { $least } 到 { $most } 之间。
settings-lessons = 从该服务商得知 { $count } 条信息
settings-lessons-about = 这些来自错误和回答，下一次请求之前就会照此处理。拒绝类的信息 30 天后会再试一次；与之矛盾的回答会立即将其移除。
settings-lesson-doubted = 已超过 30 天，将再试一次
settings-lesson-where = 得知之处
settings-lesson-system = 不接受系统提示；其内容会放进第一条消息
settings-lesson-refused = 不接受 { $name }
settings-lesson-required = 必须提供 { $name }
settings-lesson-bytes = 图片文件最大 { $n } 字节
settings-lesson-count = 一次最多 { $n } 张图片
settings-lesson-side = 图片边长最大 { $n } 像素

## Data

settings-data-intro = 对话是你自己的：可以导出成文件、再导入，或搬到另一台电脑。
settings-data-export = 导出
settings-data-one = 现有 1 个对话。
settings-data-count = 现有 { $count } 个对话。
settings-data-export-about = JSON 文件包含全部内容（错误、尝试和图片都在内），可以再次导入。Markdown 文件便于阅读。两者都不含密钥。
settings-data-export-json = 全部导出（JSON）
settings-data-export-markdown = 全部导出为 Markdown
settings-data-import = 导入
settings-data-file = 文件
settings-data-import-do = 导入
settings-data-added = 新增对话：{ $count } 个。
settings-data-continued = 接着已有部分补全的对话：{ $count } 个。
settings-data-restored = 恢复已删除的对话：{ $count } 个。
settings-data-known = 早已存在的对话：{ $count } 个。
settings-data-differing = 与文件中内容走向不同、保持原样的对话：{ $count } 个。
settings-data-differing-list = 以下对话在这里和文件中走向不同，这里的内容保持原样：
settings-data-import-damaged = 导出前已损坏、因而缺失的记录：{ $count } 条。
settings-data-import-nothing = 文件中没有对话。
settings-data-newer = 这个文件由更新版本的 Halo 写成，请用那个版本导入。没有导入任何内容。
settings-data-file-damaged = 文件已损坏或被改动。没有导入任何内容。
settings-data-store = 未能保存全部对话。每个对话要么完整保存，要么完全没有；再次导入会从这里继续。
settings-data-where = 保存位置
settings-data-where-about = 对话保存在 halo.db 文件中。新版本 Halo 改动它之前会先做副本，文件名带有“backup”。
settings-data-damage = 数据库已损坏
settings-data-damage-read = Halo 读出了 { $conversations } 个对话的 { $records } 条记录。
settings-data-damage-lost = 至少有 { $count } 条记录丢失。
settings-data-damage-files = 损坏的文件保持原样：{ $damaged }。能读出的内容已复制到 { $rescued }。以前的副本也在同一文件夹中。
settings-data-damage-export = 导出能读出的内容
settings-data-damage-go-on = 用能读出的内容继续
settings-data-damage-empty = 从空数据库开始
settings-data-chosen-rescued = 下次启动时，Halo 会用能读出的内容继续，损坏的文件会保留在旁边。请结束 Halo 后重新启动。
settings-data-chosen-empty = 下次启动时，Halo 会从空数据库开始，损坏的文件和能读出的内容都会保留在旁边。请结束 Halo 后重新启动。
