# 数据库的副本，以及全部删除。
backup-title = 备份
backup-about = 数据库的完整副本：对话、图片、学到的信息、已登录的设备。不含服务商密钥和设置，它们在旁边的 secrets.toml 和 config.toml 里。
backup-make = 立即备份
backup-made = 备份已完成。
backup-restore = 如何恢复备份
backup-restore-how = 结束 Halo。在数据文件夹中，把 halo.db 和以 halo.db- 开头的文件移到别处，再把副本改名为 halo.db，然后启动 Halo。
backup-delete-title = 删除
backup-delete-about = 把所有对话从列表中移除。在 Halo 结束之前可以在这里撤销。如果以后可能需要，请先导出或备份。
backup-delete = 删除所有对话
backup-deleted = 所有对话已删除。
backup-undelete = 恢复删除的 { $count } 个对话
backup-undeleted = 对话已恢复。
