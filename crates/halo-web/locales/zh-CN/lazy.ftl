# 长对话中尚未显示在页面上的部分。

lazy-earlier = 更早的消息
lazy-later = 更晚的消息
