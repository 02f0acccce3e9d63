# What stands around a conversation: the list, the keys, the first key.

meter-cost = from { $cost }
list-pinned = Pinned
list-pin = Pin on top
list-unpin = Unpin
list-all = { $count ->
    [one] Show one older conversation
   *[other] Show { $count } older conversations
}

## A key

welcome-key = Have a key? Paste it here
key-set-up = Set up this provider
key-in-message = This looks like a provider's key. Anyone who can read this conversation could use it.
problem-key-as-message = This is a provider's key and was not sent. Set up its provider with it, or add words to send it as a message.
start-title = Set up a provider by its key
start-about = Halo tells whose key it is, tests it with one small question and begins a conversation. The key stays on this machine and goes to its provider only.
start-key = Key
start-told = This looks like a key of { $name }.
start-chosen = A key of { $name }.
start-go = Test it and begin
start-again = Test again
start-anyway = Keep it all the same
start-url = Another address (relay or server of your own)
start-url-about = Leave it empty for the provider's own address.
start-unknown = No provider that Halo knows hands out keys that look like this. Choose the one it belongs to; for a relay give its address above.
start-other = It belongs to another provider
start-ready = { $name } works. What you write now goes to { $model }.

## Keys

keys-title = Keys
keys-open = Show all keys
keys-close = Close
keys-send = Send
keys-line = New line
keys-stop = Stop the answer, close what is open
keys-last = Bring back your last message
keys-search = Search conversations
keys-new = New conversation
keys-model = Choose a model
keys-list = This list
script-answered = The answer is there: {"{"}text{"}"}

## Providers

settings-preset-about-groq = Open models, answered fast
settings-preset-about-xai = Grok models
settings-preset-about-moonshot = Kimi models
