# 帮助 → 错误：错误参考的页面，以及解释错误的输入框。

help-link = 帮助：错误
card-help = 这是什么错误？
help-nav = 本页内容
help-paste-label = 粘贴任何错误
help-paste-placeholder = 429 Too Many Requests …
help-paste-about = 可以是几句话、完整的 JSON，或带状态码和响应头的 curl -i 输出。只在这台电脑上读取，不会发往别处，也不会保存。
help-explain = 解释
help-empty = 输入框里还没有内容。请把看到的错误原样粘贴进来，哪怕只有几个字。
help-too-long = 内容有 { $size }；一个错误只有几行，这里最多读取 { $max }。请粘贴错误附近的部分。整个日志请用“halo explain --log 文件”。
help-too-long-unknown = 内容远远超过这里读取的上限 { $max }。请粘贴错误附近的部分。整个日志请用“halo explain --log 文件”。
help-no-text = 这看起来不是文字，更像是某个文件的内部数据。请粘贴屏幕上显示的错误文字。
help-its-words = 你粘贴的错误
help-no-words = 没有附带文字。
help-ways = 怎么办
help-otherwise = 如果还是不行
help-more = 关于这类错误的全部说明
help-json = JSON 格式的诊断
help-report = 报告
help-report-copy = 复制报告
help-speaker-network = 通往服务商的路上出了错，服务商没有说话。
help-speaker-unknown = 从文字看不出来自哪家服务商。
help-wait-told = 等待有用：按{ $from }，需要 { $time }。
help-wait-header = 响应头 { $name }
help-wait-text = 原话
help-days = { $n } 天
help-hours = { $n } 小时
help-minutes = { $n } 分钟
help-seconds = { $n } 秒
help-parameter = 设置项
help-window = 模型可读（token）
help-sent = 已发送（token）
help-most = 模型最多可写（token）
help-limit = 限额
help-balance = 余额
help-filter = 在本页查找
help-filter-placeholder = 词语、状态码或服务商
help-filter-none = 本页没有符合的内容。请把错误粘贴到上面的输入框。
help-looks = { $n ->
   *[other] 各家的原话（{ $n } 个来源）
}
help-source = 来源
help-to-pages = 前往服务商的页面
help-pages = 页面
help-codes = 全部 { $n } 个代码（A–Z）
help-made-of = 根据 Halo 的 { $rules } 条规则和 { $vendors } 家服务商生成，所以写的就是 Halo 做的。在终端里：halo errors。
