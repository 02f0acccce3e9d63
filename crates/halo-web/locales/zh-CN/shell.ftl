# 对话周围的内容：列表、快捷键、第一个密钥。

meter-cost = { $cost } 起
list-pinned = 已置顶
list-pin = 置顶
list-unpin = 取消置顶
list-all = { $count ->
   *[other] 显示更早的 { $count } 个对话
}

## 密钥

welcome-key = 有密钥？粘贴到这里
key-set-up = 设置此服务商
key-in-message = 这看起来像服务商的密钥。能读到此对话的人都能使用它。
problem-key-as-message = 这是服务商的密钥，没有发送。请用它设置服务商；若要作为消息发送，请加上其他文字。
start-title = 用密钥设置服务商
start-about = Halo 会判断这是谁的密钥，用一个小问题测试它，然后开始对话。密钥留在本机，只会发给它的服务商。
start-key = 密钥
start-told = 这看起来是 { $name } 的密钥。
start-chosen = { $name } 的密钥。
start-go = 测试并开始
start-again = 再次测试
start-anyway = 仍然保留
start-url = 其他地址（中转站或自己的服务器）
start-url-about = 使用服务商自己的地址时留空。
start-unknown = Halo 认识的服务商都没有这种形式的密钥。请选择它属于谁；若是中转站，请在上面填写地址。
start-other = 它属于其他服务商
start-ready = { $name } 可以使用。现在写的内容会发给 { $model }。

## 快捷键

keys-title = 快捷键
keys-open = 显示所有快捷键
keys-close = 关闭
keys-send = 发送
keys-line = 换行
keys-stop = 停止回答，关闭已打开的内容
keys-last = 取回上一条消息
keys-search = 搜索对话
keys-new = 新对话
keys-model = 选择模型
keys-list = 此列表
script-answered = 回答已完成：{"{"}text{"}"}

## 服务商

settings-preset-about-groq = 开放模型，回答很快
settings-preset-about-xai = Grok 系列模型
settings-preset-about-moonshot = Kimi 系列模型
