# What stands around a conversation: the list, the keys, the first key.

list-pinned = Pinned
list-pin = Pin on top
list-unpin = Unpin
list-all = { $count ->
    [one] Show one older conversation
   *[other] Show { $count } older conversations
}
