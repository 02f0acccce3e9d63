# Text files in a message.

file-size = { $size } kB
script-file-too-large = “{"{"}name{"}"}” is too large to go into a message. Text files of up to 1 MB can.
script-remove-file = Remove {"{"}name{"}"}
