# Copies of the database, and deleting everything.
backup-title = Backup
backup-about = A whole copy of the database: conversations, pictures, learned facts, signed-in devices. Provider keys and settings are not in it; they lie in secrets.toml and config.toml beside it.
backup-make = Make a backup now
backup-made = The backup is made.
backup-restore = How to go back to a backup
backup-restore-how = End Halo. In the data folder, put halo.db and the files that begin with halo.db- aside, and name the copy halo.db. Start Halo.
backup-delete-title = Delete
backup-delete-about = Takes every conversation off the list. It can be taken back here until Halo ends. Export or back up first if you may want them later.
backup-delete = Delete all conversations
backup-deleted = All conversations are deleted.
backup-undelete = { $count ->
    [one] Bring the deleted conversation back
   *[other] Bring the { $count } deleted conversations back
}
backup-undeleted = The conversations are back.
