# 对话周围的内容：列表、快捷键、第一个密钥。

list-pinned = 已置顶
list-pin = 置顶
list-unpin = 取消置顶
list-all = { $count ->
   *[other] 显示更早的 { $count } 个对话
}
