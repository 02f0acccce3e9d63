# 每个页面的框架。

skip-to-main = 跳到对话
drawer-open = 显示对话列表
drawer-close = 收起对话列表
sidebar-more = 更多
settings-link = 设置
practice-link = 演练错误
conversation-new = 新对话
conversation-untitled = 新对话

## 对话列表

list-label = 对话
list-empty = 你的对话会列在这里。
list-today = 今天
list-yesterday = 昨天
list-week = 最近 7 天
list-month = 最近 30 天
list-older = 更早
list-running = 正在回答
list-waiting = 等待重新发送
list-menu = “{ $title }”的菜单
list-rename = 标题
list-rename-save = 重命名
list-export-markdown = 导出为便于阅读的 Markdown
list-export-json = 完整导出（JSON）
list-delete = 删除

search-label = 搜索对话
search-placeholder = 搜索
search-title = 搜索
search-results = 搜索结果
search-empty = 输入标题、消息或错误中的字词。
search-none = 没有同时包含这些字词的内容：{ $query }
search-one = 找到 1 处
search-count = 找到 { $count } 处
search-many = 最近的 { $count } 处；再加一个词可缩小范围
search-in-title = 标题
search-in-prompt = 你的消息
search-in-answer = 回答
search-in-error = 错误

conversation-damaged = 此对话有 { $count } 条记录已损坏，无法读取。其余内容照常显示。
damage-bar = 数据库已损坏。能读出的内容都在这里，但无法再保存新内容。
damage-bar-more = 可以怎么做

## 登录

sign-in-title = 用链接打开 Halo
sign-in-how = 这个浏览器还没有登录。请在终端运行下面的命令，它会打印一个新的登录链接。
sign-in-link-used = 这个链接已经用过，或者已超过十分钟。请在终端运行下面的命令，获取新的链接。
sign-in-after = 每个链接只能用一次，十分钟内有效。登录后，这个浏览器在 90 天内无需再次登录。
sign-in-needed = 这个浏览器的登录已失效。请在终端运行“halo”获取新的链接。
refused-host = Halo 不接受这个主机名。请使用启动时打印的地址。
refused-origin = 这个请求来自别的页面，Halo 没有执行。

## 页面自身的问题

problem-title = 没有成功
problem-title-404 = 这里什么也没有
problem-home = 回到对话
problem-not-found = 没有这个地址。
problem-no-conversation = 这个对话不存在，或已被删除。
problem-bad-form = Halo 读不懂提交的内容。请刷新页面后重试。
problem-busy = 这里还有一个回答在进行。请停止它或等它结束；你的文字都还在。
problem-empty = 还没有可发送的内容。
problem-no-target = 还没有选择模型。请在输入框下方选择，或在设置中添加服务商。
problem-no-provider = 服务商“{ $name }”已不存在。请选择其他模型。
problem-no-scenario = 没有这个演练场景。
problem-does-not-fit = 这个操作已不适用于当前对话。页面显示的是最新状态。
problem-nothing-to-compact = 这里还没有可以压缩的内容。
problem-last-message-too-long = 仅系统提示和最后一条消息就约占 { $used } 个 token，而该模型可读 { $window } 个，压缩其余部分无济于事。请缩短消息、换用窗口更大的模型，或开始新对话。
problem-pinned-too-long = 连同固定的消息，最后一条消息约占 { $used } 个 token，而该模型可读 { $window } 个。请取消部分固定、缩短消息，或换用窗口更大的模型。
problem-compacting-useless = 压缩了 { $tries } 次，请求仍然放不下。请编辑消息、换用窗口更大的模型，或开始新对话。
problem-not-a-picture = “{ $name }”不能作为图片发送：{ $why }
problem-no-file = 没有选择文件。
problem-read-only = 无法保存：数据库已损坏，这里显示的是能读出的内容。请看“设置 → 数据”。
problem-too-large = 内容有 { $size }，Halo 最多接受 { $max }。什么都没有丢失，原内容仍在原处。
problem-too-large-unknown = 内容超过了 Halo 接受的上限 { $max }。什么都没有丢失，原内容仍在原处。
problem-internal = Halo 无法完成：{ $what }

## 空对话

welcome-title = 想聊点什么？
welcome-what = Halo 在你自己的电脑上，用你自己的密钥与语言模型对话。服务商报错时，Halo 会原样显示它的话，说明含义，并给出可以一键执行的办法。
welcome-practice = 还没有设置服务商。你可以马上开始写：演练服务商会回答，它是本程序内的模拟器。
welcome-add-provider = 添加服务商
welcome-practice-link = 看看错误如何处理

## 演练

practice-title = 演练：随时重现每一种错误
practice-about = 每个按钮都会向本程序内的模拟器发送一条消息，它会按所述方式出错。没有任何内容离开这台电脑。
practice-none = 演练服务商没有运行。

## 输入框

composer-label = 消息
composer-placeholder = 输入消息
composer-send = 发送
composer-stop = 停止
composer-attach = 添加图片或文本文件
composer-model = 选择模型（Alt+M）
composer-blind = 这个模型不支持图片
composer-hint = Enter 发送，Shift+Enter 换行。/compact 压缩，/new 新对话，/practice 演练错误。
composer-editing = 正在编辑一条未得到回答的消息。
composer-cancel-edit = 保持原样
model-none = 未选择模型
model-practice = 演练 · { $model }
meter = ≈ { $used } / { $window }
meter-unknown = ≈ { $used } 个 token
meter-title = 下一次请求的估计 token 数与模型的窗口
jump-latest = 跳到最新
no-script = 未启用脚本时，请刷新页面查看回答的进展。

## 模型选择

models-title = 选择模型
models-filter = 查找模型
models-close = 关闭
models-practice = 演练
models-practice-about = 回答来自本程序内的模拟器。
models-sees = 支持图片
models-sees-unknown = 不确定是否支持图片
models-only-seeing = 只列出支持图片的模型，以及 Halo 不确定的模型。
models-none = 列表中没有名称含有它的模型。
models-add = 添加或修改服务商

## 消息

message-user = 你
message-assistant = 回答
message-model-reported = 服务商在回答中给出的名称
message-instead = 由 { $by } 回答，因为 { $first } { $why }
message-instead-until = 由 { $by } 回答，因为 { $first } { $why }（至 { $time }）
instead-key = 密钥 { $n }
instead-at = { $provider } 的 { $model }
instead-rate-limited = 被限流
instead-quota-exhausted = 额度用尽
instead-invalid-api-key = 未被接受
instead-account-disabled = 已被停用
instead-permission-denied = 没有权限
instead-region-unsupported = 不在此地区提供
instead-model-not-found = 未找到
instead-endpoint-not-found = 地址上未找到
instead-overloaded = 过载
instead-server-error = 出现故障
instead-timeout = 没有及时回答
instead-network = 无法连接
instead-stream-interrupted = 中断
instead-invalid-response = 没有给出可用的回答
instead-context-length-exceeded = 容不下这段对话
instead-image-unsupported = 看不了图片
instead-other = 失败
message-thinking = 思考过程
message-thought = 思考了 { $duration }
message-copy = 复制为 Markdown
message-regenerate = 重新回答
message-repeated = 模型续写时重复了以下文字，这里只保留一次：
message-regenerate-with = 换个模型重新回答
message-edit = 编辑后重新发送
message-fork = 从这里继续写
message-forked = 你的下一条消息会在此开出新分支，之后的内容仍保留在旁边。
message-leave-fork = 回到之后的内容
message-continue = 继续
message-resend = 重新发送
message-unanswered = 这条消息还没有得到回答。
message-siblings = 这条消息的其他版本
message-sibling-previous = 上一个版本
message-sibling-next = 下一个版本
message-show-all = 显示全部
message-summarised = 仅作为下方摘要的一部分发送。
message-pinned = 已固定：无论如何压缩，都会原文发送。
message-pin = 固定：不纳入摘要
message-unpin = 取消固定
message-pictures-omitted = 发给当前模型的请求不含这些图片；换用接受它们的模型后会恢复。
message-pictures-smaller = 发给当前模型的是缩小后的图片，原图不变。
mended-foreign-thinking = 不发送此处的思考过程：只有写下它的模型才接受。
mended-foreign-block = 其中一部分不发送：只有另一服务商的协议能容纳它。
mended-empty-message = 不发送：对当前模型而言已无内容。
mended-joined = 与上一条消息合并发送。
mended-opening = 其前会加一句说明，因为对话必须由你开始。
mended-call-without-result = 调用了工具但没有结果；会如实告诉模型。
mended-result-without-call = 工具结果缺少对应的调用；以文本形式发送。
message-tool-call = 调用工具 { $name }
message-tool-result = 工具的结果
message-tool-error = 工具出错
message-unknown-part = 只有 { $protocol } 认识的部分，已原样保留。
message-usage = 输入 { $input }，输出 { $output }
message-usage-output = { $output } 个 token
message-cost = 约 ${ $cost }
picture-unnamed = 图片
ending-stopped = 已停止。已收到的内容保留。
ending-interrupted = 不完整：回答在这里中断。已收到的内容保留。
ending-length = 模型在这里达到了输出上限。
ending-context = 模型的窗口在这里已满。
ending-filter = 服务商的过滤器在这里结束了回答。
ending-refusal = 模型拒绝继续。
running-reply = 正在回答
running-continue = 正在续写
running-compact = 正在总结较早的部分

## 步骤

step-omit-images = 发给 { $model } 时不含图片
step-omit-older-images = 发给 { $model } 时不含较早的图片
step-shrink-images = 发给 { $model } 的图片每边最多 { $side } 像素
step-summarise = 较早的消息以摘要形式发送（{ $before } → { $after } token）
step-drop-parameter = 不再向 { $model } 发送设置“{ $name }”
step-lower-max-tokens = 向 { $model } 最多请求 { $max } 个输出 token
step-repair-history = 以最简形式发送消息：不含思考过程，工具内容转为文本
step-summary-by = 由 { $model } 撰写。你的消息全部都在。
step-summary-by-rule = 按规则生成，未使用模型。你的消息全部都在。
step-summary-in-parts = 由 { $model } 分 { $parts } 段撰写。你的消息全部都在。
step-summary-edited = 由你编辑。你的消息全部都在。
step-edit = 编辑
step-edit-label = 摘要
step-edit-about = 模型会读到这些文字，而不是较早的消息。撤销可恢复先前的内容。
step-edit-save = 保存
step-view = 查看
step-undo = 撤销
step-redo = 重做
step-undone = 已撤销
step-idle = 当前模型不需要

## 错误卡片

card-words = { $name } 的原话
card-network-words = 连接报告的内容
card-no-words-status = 服务商返回状态 { $status }，没有任何文字。
card-no-words = 没有收到任何内容。
card-show-all = 显示全部
card-show-less = 收起
card-guess = Halo 对此不太确定。
card-waiting-helps = 等待可能有用。
card-waiting-useless = 等待没有用。
card-details = 详情
card-attempts = 尝试记录
card-headers = 响应头
card-attempt-nth = 第 { $n } 次尝试
card-resend = 重新发送
card-switch-to = 切换到 { $model }
card-switch-other = 切换到其他模型
card-pick-placeholder = 模型
card-compact-note = { $before } → { $after } token；不会删除任何内容
card-size-note = { $before } → { $after } token
card-pictures-note = { $n ->
   *[other] { $n } 张图片仍保留在对话中
}
card-purpose-continue = 这发生在请求续写回答时。
card-purpose-compact = 这发生在总结较早部分时。
speaker-halo = 这是 Halo 自己报告的，没有发送任何内容。
speaker-halo-ended = 回答到达途中，Halo 自己结束了。
speaker-network = 通往 { $host } 的网络出错，服务商没有说话。
speaker-broken = 连接已建立，但回答没有到结尾就断了（{ $host }）。
speaker-proxy = 这是中间的中转或代理报告的：{ $name }。
speaker-provider = 这是 { $name } 报告的。
speaker-provider-by = 这是 { $name } 报告的，经由 { $carriers } 转达。
attempts-count = { $n ->
   *[other] { $n } 次尝试
}
detail-status = 状态
detail-request-id = 请求 ID
detail-model = 模型
detail-url = 地址
detail-phase = 阶段
detail-time = 时间
detail-took = 耗时
detail-partial = 已收到字符
detail-kind = 类别
detail-rule = 规则
detail-decided = 依据
detail-cut = 长度
detail-cut-text = 超过 Halo 保留的上限，显示的是开头部分
phase-connect = 连接时
phase-headers = 回答开始之前
phase-body = 回答正文中
phase-stream = 流式传输中
outcome-answered = 已回答
outcome-stopped = 已停止
outcome-died = Halo 中途退出
outcome-running = 进行中
wait-automatic = { $time } 自动重新发送
wait-until = { $time } 后可再次发送
wait-from-provider = 按服务商的要求
wait-from-halo = 下一次尝试前的停顿
wait-from-pace = 密钥已到上限，前面还有其他请求
wait-send-now = 立即发送
wait-resend-now = 立即重新发送
wait-cancel = 取消

## 脚本显示的文字

script-copy = 复制
script-copied = 已复制
script-copy-failed = 浏览器不允许复制
script-deleted = 对话已删除
script-undo = 撤销
script-failed = 没有成功：{"{"}what{"}"}
script-offline = Halo 没有响应。它还在运行吗？
script-paste-too-large = 文字有 {"{"}size{"}"}，一条消息最多 {"{"}max{"}"}。没有粘贴，内容仍在剪贴板中。请粘贴其中一部分，或保存为文件。
script-not-a-picture = “{"{"}name{"}"}”无法发送：它既不是图片（PNG、JPEG、GIF、WebP），也不是文本。PDF 或文档请复制其中的文字再粘贴。
script-remove-picture = 移除 {"{"}name{"}"}
script-countdown = {"{"}n{"}"} 秒后重新发送
script-due = 正在重新发送
script-at-automatic = {"{"}time{"}"} 自动重新发送
script-at = {"{"}time{"}"} 后可再次发送
script-busy = 还有一个回答在进行。按 Esc 或方形按钮可以停止它；你的文字会留在这里。
script-editing-pictures = 正在编辑的消息保留它自己的图片。请先发送或放弃编辑，再添加新图片。
script-use-model = 使用 {"{"}provider{"}"} 的“{"{"}name{"}"}”
script-wait-for-picture = 图片还在添加中。
script-seconds = {"{"}n{"}"} 秒
forewarn-blind = { $model } 不支持图片，这条消息会被拒绝。
forewarn-full = 约 { $used } 个 token，超过该模型可读的 { $window } 个，消息会被拒绝。
forewarn-large = 有 { $count } 张图片超过 { $model } 的限制或格式不受支持，消息会被拒绝。
forewarn-many = { $model } 每次请求最多接受 { $most } 张图片，消息会被拒绝。
forewarn-near = 该模型可读 { $window } 个 token，已用约 { $used } 个。
forewarn-compact = 压缩后约为 { $after } 个；不会删除任何内容。
composer-compact = 压缩对话
script-forewarn-blind = {"{"}model{"}"} 不支持图片，这条消息会被拒绝。
script-forewarn-full = 约 {"{"}used{"}"} 个 token，超过 {"{"}model{"}"} 可读的 {"{"}window{"}"} 个，消息会被拒绝。
script-forewarn-near = {"{"}model{"}"} 可读 {"{"}window{"}"} 个 token，已用约 {"{"}used{"}"} 个。
script-forewarn-switch = 换用 {"{"}model{"}"}
script-forewarn-choose = 选择模型
script-forewarn-without = 不带图片发送
script-forewarn-large = 有 {"{"}count{"}"} 张图片超过 {"{"}model{"}"} 的限制或格式不受支持，这条消息会被拒绝。
script-forewarn-many = {"{"}model{"}"} 每次请求最多接受 {"{"}most{"}"} 张图片，现在会有 {"{"}count{"}"} 张，这条消息会被拒绝。
script-forewarn-smaller = 缩小后发送
script-forewarn-older = 省去较早的图片
script-forewarn-compact = 压缩对话
