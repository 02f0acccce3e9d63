# 错误陈列：用各服务商的原话，一键重现每种错误。

gallery-link = 以服务商原话显示的所有错误
gallery-title = 错误陈列
gallery-about = Halo 认识的各服务商的每种错误原话。点“播放”会在单独的对话中向本程序内的模拟器发送一条消息，模拟器就用这些原话回答。任何内容都不会离开本机。
gallery-vendor = 服务商
gallery-find = 查找
gallery-count = { $n } 个错误
gallery-any-vendor = 任意服务商
gallery-play = 播放
gallery-own-title = 你自己的规则
gallery-own = 你有 { $rules } 条自己的规则，它们改变了此处 { $n } 个错误的判读。
gallery-own-about = 你自己的规则一经保存，就会对这里的每个错误试用；判读不同的会标出。
gallery-own-reads = 你的规则判读为：{ $title }
gallery-paste = 试一段粘贴的错误
