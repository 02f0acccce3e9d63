# The settings pages.

settings-title = Settings
settings-nav = Sections of the settings
settings-nav-models = AI Model
settings-nav-recovery = Recovery
settings-nav-gateway = Gateway
settings-nav-data = Data
settings-nav-appearance = Appearance
settings-nav-about = About
settings-back = Back to the conversations
settings-save = Save
settings-cancel = Cancel
settings-copy = Copy
settings-copied = Copied
settings-saved = Saved.

## AI Model: the list

settings-models-intro = The providers Halo can talk to. Keys stay on this computer, in a file of their own that only you can read.
settings-models-empty = No provider of your own yet. The practice provider answers at once and needs no key; add a real one when you have a key.
settings-providers = Providers
settings-provider-default = Default
settings-provider-practice-about = Built in. It imitates a provider, fails on demand and never leaves this computer.
settings-provider-removed = { $name } is removed. It stays listed here until you leave this page.
settings-provider-restore = Restore
settings-provider-restored = { $name } is back.
settings-provider-restore-gone = This provider can no longer be brought back. Please add it again.
settings-provider-edit = Edit
settings-provider-remove = Remove
settings-provider-remove-named = Remove { $name }
settings-provider-edit-named = Edit { $name }
settings-provider-models = { $count ->
    [0] no models listed
    [one] { $count } model
   *[other] { $count } models
}
settings-provider-key-short = a key is saved
settings-provider-key-none = no key
settings-provider-key-env = from { $name }
settings-provider-key-env-missing = from { $name }, which is not set
settings-provider-keys-more = { $count ->
    [one] and { $count } more
   *[other] and { $count } more
}
settings-default = Default model
settings-default-about = New conversations start with it. Each conversation can change it.
settings-default-none = None chosen
settings-default-choose = Provider and model
settings-default-saved = New conversations now start with { $model }.
settings-default-unknown = Choose one of the models in the list.

## AI Model: adding

settings-add = Add a provider
settings-add-paste = Paste a key
settings-add-paste-about = Halo guesses whose key it is, fetches the models and tests the way there.
settings-add-paste-go = Add
settings-add-paste-guess = This looks like a key of { $name }.
settings-add-paste-unsure = Several providers hand out keys that look like this. Choose the one it belongs to.
settings-add-paste-empty = Paste a key first, or choose a provider below.
settings-add-choose = Or choose a provider
settings-preset-about-anthropic = Claude models
settings-preset-about-openai = GPT models
settings-preset-about-openai-responses = GPT models by OpenAI’s newer protocol, with summaries of their thinking
settings-preset-about-gemini = Gemini models
settings-preset-about-openai-responses-compatible = Any server or relay that speaks OpenAI Responses
settings-preset-about-gemini-compatible = Any server or relay that speaks Google’s generateContent
settings-preset-about-deepseek = DeepSeek models
settings-preset-about-openrouter = Models of many makers behind one key
settings-preset-about-ollama = Models on your own computer; no key needed
settings-preset-about-openai-compatible = Any server or relay that speaks OpenAI Chat Completions
settings-preset-about-anthropic-compatible = Any server or relay that speaks Anthropic Messages
settings-preset-about-practice = Built-in practice provider

## AI Model: the form

settings-form-new = Add { $preset }
settings-form-name = Name
settings-form-protocol = Protocol
settings-form-protocol-anthropic = Anthropic Messages
settings-form-protocol-openai-chat = OpenAI Chat Completions
settings-form-protocol-openai-responses = OpenAI Responses
settings-form-protocol-gemini = Google generateContent
settings-form-url = Base URL
settings-form-url-about = With or without /v1, with or without a slash at the end; the full address of the endpoint works too.
settings-form-url-called = This will be called:
settings-form-url-fixed = The practice provider runs inside Halo; its address is not yours to set.
settings-form-url-empty = Enter the address of the server.
settings-form-url-bad = This is no address Halo can call: { $why }
settings-form-url-plain = This address is plain http and leads to another computer. Your key would travel there unencrypted, readable for everyone on the way. Use https where the server offers it.
settings-form-key = Key
settings-form-key-number = Key { $n }
settings-form-key-another = Another key
settings-form-key-another-about = Used in this order when one is refused or used up.
settings-form-key-more = Several keys
settings-form-key-keep = Leave empty to keep { $key }
settings-form-key-keep-short = Leave empty to keep it
settings-form-key-saved = Saved: { $key }
settings-form-key-drop = Remove this key
settings-form-key-optional = Local servers need no key.
settings-form-key-show = Show
settings-form-key-hide = Hide
settings-form-key-show-what = Show what is typed
settings-form-key-page = Get a key
settings-form-key-practice = Most practice scenarios take any key or none. The ones about a wrong key accept only practice-key-ok.
settings-form-key-env = Environment variable
settings-form-key-env-about = The key is read from this variable; nothing is written to disk. A key typed above comes first.
settings-form-key-env-set = The variable is set.
settings-form-key-env-unset = The variable is not set in the environment Halo was started in.
settings-form-model = Default model
settings-form-model-about = Choose one, or type any name your provider knows.
settings-form-model-fetch = Fetch models
settings-form-model-fetching = Fetching…
settings-form-model-fetched = { $count ->
    [0] The provider lists no models. Type a name.
    [one] The provider lists { $count } model.
   *[other] The provider lists { $count } models.
}
settings-form-model-list = Models
settings-form-model-none-match = No listed model has this in its name. You can use it all the same.
settings-form-model-refused = The provider refused “{ $name }”. Choose another model for the waiting message; what new conversations use stays as it is, unless you tick the box.
settings-form-model-seen = sees pictures
settings-form-model-tools = uses tools
settings-form-model-thinks = thinks first
settings-form-model-window = { $tokens } tokens
settings-form-model-price = ${ $input } in, ${ $output } out
settings-facts = What is known about { $model }
settings-facts-about = What you set counts first, then what answers and errors taught, then the provider's own list, and last the catalogue that comes with Halo. Prices are list prices for a million tokens.
settings-fact-unknown = unknown
settings-fact-yes = yes
settings-fact-no = no
settings-fact-window = Reads
settings-fact-window-value = up to { $tokens } tokens
settings-fact-output = Writes
settings-fact-output-value = up to { $tokens } tokens in one answer
settings-fact-vision = Sees pictures
settings-fact-tools = Uses tools
settings-fact-reasoning = Thinks first
settings-fact-price = Price
settings-fact-price-value = ${ $input } in, ${ $output } out
settings-fact-price-read = ${ $price } from the cache
settings-fact-price-write = ${ $price } into the cache
settings-fact-price-up-to = more for input of over { $tokens } tokens
settings-fact-from-catalogue = catalogue, { $date }
settings-fact-from-provider = the provider's list, { $date }
settings-fact-from-learned = learned here, { $date }
settings-fact-from-person = set by you, { $date }
settings-form-make-default = Use it for new conversations
settings-form-connection = Connection: proxy, certificates, time limits
settings-form-connection-proxy = Proxy
settings-form-connection-proxy-about = Empty: as shown, the general setting. “system” uses the system’s proxy, “direct” none, or give an address: http://host:8080, https://…, socks5h://user@host:1080 (socks4, socks4a, socks5 too). A proxy given here is used for every address of this provider, this computer’s own included.
settings-form-connection-password = Password of the proxy
settings-form-connection-password-keep = Leave empty to keep the saved one
settings-form-connection-ca = File of further certificates (CA)
settings-form-connection-ca-about = PEM. Trusted besides what the system trusts; needed for servers with a certificate of your own or behind a proxy that inspects TLS.
settings-form-connection-connect = Longest wait for a connection, in seconds
settings-form-connection-first-byte = Longest wait for the answer to begin, in seconds
settings-form-connection-idle = Longest pause inside an answer, in seconds
settings-form-connection-seconds-about = Signs of life without content do not count as an answer. There is no limit on how long an answer takes in all.
settings-form-test = Test
settings-form-testing = Testing…
settings-form-test-about = Goes step by step from the host name to a tool call with what stands in the form now. It asks the model four short questions, just as the chat does.
settings-form-saved = { $name } is saved.
settings-form-added = { $name } is added.

## AI Model: what is wrong with a form

settings-error-heading = Not saved
settings-error-name-empty = Give the provider a name.
settings-error-name-long = The name is longer than { $max } characters.
settings-error-env-name = “{ $name }” cannot be the name of an environment variable. Letters, digits and _ are allowed, and it cannot begin with a digit.
settings-error-key-chars = Key { $n } contains characters that cannot be sent in a request header. Perhaps something was pasted along with it.
settings-error-key-masked = This is the shortened form of a key, as pages show it. Copy the whole key.
settings-error-key-url = What stands in the key field is an address. Did it slip into the wrong field?
settings-error-proxy-address = This is no proxy. Write system, direct, or an address such as http://host:8080 or socks5h://host:1080.
settings-error-proxy-scheme = “{ $found }” is no kind of proxy Halo knows. There are http, https, socks4, socks4a, socks5 and socks5h.
settings-error-proxy-host = The address of the proxy names no usable host; nothing may follow host and port.
settings-error-proxy-port = The port of the proxy must be a number from 1 to 65535, with nothing behind it.
settings-error-proxy-credentials = User and password of the proxy must not hold line breaks or control characters.
settings-error-proxy-masked = This is the shortened form of an address. Enter the address again.
settings-error-proxy-user = A password needs an address with a user: http://user@host:8080.
settings-error-ca-path = Enter the path of a file.
settings-error-ca-missing = There is no file { $path }.
settings-error-ca-unreadable = { $path } cannot be read: { $why }
settings-error-ca-empty = There is no certificate in { $path }. Expected is PEM, a text with “-----BEGIN CERTIFICATE-----”.
settings-error-ca-damaged = Certificate { $n } in { $path } is damaged.
settings-error-ca-other = This file cannot be used: { $why }
settings-error-seconds = Enter a whole number of seconds from 1 to { $max }, or nothing.
settings-error-preset = There is no preset called “{ $name }”.
settings-error-provider = There is no provider called “{ $id }”. It may have been removed in another tab.
settings-error-config = The settings file could not be used, and it was left as it is. Mend it, then save again.
settings-error-file = The settings file could not be read or written. Nothing was changed.
settings-error-change = The change was not made.
settings-error-config-words = What is wrong there

## Test and Fetch models

settings-test-good = It works. { $model } answered.
settings-test-failed = The test failed at this step: { $step }
settings-test-ms = { $ms } ms
settings-test-raw-reply = The reply as it came
settings-test-learned = Learned about this model:
settings-test-better = This address answers:
settings-test-use = Use it
settings-fact-streaming = Streams its answers
settings-test-raw = What the provider said
settings-test-raw-local = What happened
settings-test-remedies = What you can do
settings-test-details = Status, headers and address
settings-test-status = Status
settings-test-address = Address
settings-test-headers = Headers
settings-test-no-body = The answer was empty.
settings-fetch-failed = The list of models could not be fetched.

## A message that waits

settings-waiting = A message is waiting: after saving you can send it again.
settings-waiting-ready = Saved. Your message is still waiting.
settings-waiting-resend = Resend the waiting message
settings-waiting-resend-model = Resend the waiting message to { $model }
settings-waiting-back = Back to the conversation
settings-waiting-failed = The message could not be sent again: { $why }

## Recovery

settings-recovery-intro = What Halo may do by itself when a request fails. Everything it does stands in the conversation and can be taken back; what is stored is never changed.
settings-recovery-retry = Try again by itself
settings-recovery-retry-about = Rate limits, overload and faults at the provider: wait as long as the provider asks, then send again, with a countdown you can cut short. At most { $tries } tries. Waits of more than { $seconds } seconds in all stand in the outbox; only a provider can ask for them, and for a day at most. Used-up credit, refused keys and missing rights are never tried again by themselves.
settings-recovery-images = Always leave pictures out for models that cannot see
settings-recovery-images-about = The pictures stay in the conversation and are sent again to a model that can see.
settings-recovery-shrink = Always send pictures smaller where a model refuses them as they are
settings-recovery-shrink-about = Large pictures are made smaller for that model, and forms it does not take are changed. The originals stay in the conversation.
settings-recovery-compact = Always compact when the window is nearly full
settings-recovery-compact-about = The older part goes out as a summary; every message stays, and the step can be undone.
settings-recovery-compact-at = Compact from this share of the window on, in percent
settings-recovery-compact-at-about = A conversation that fills so much of what its model reads is compacted before the next message is sent; without the permission above it is offered. 10 to 100; usually 80.
settings-recovery-compact-at-bad = The share is a whole number from 10 to 100.
settings-recovery-always = Always on, because they change nothing you wrote: leaving out a parameter the model refused, asking for a shorter answer where the model's maximum is smaller, and mending the order of messages.

settings-recovery-env = Decided by the environment variable { $name }.
settings-failover = Where else a message may go by itself
settings-failover-off = Nowhere: ask me
settings-failover-keys = To another key of the same provider
settings-failover-providers = … or to another provider that has the same model
settings-failover-models = … or to another model from the list below
settings-failover-about = When a key, provider or model fails and waiting does not help. The answer says who wrote it and why. Your choice of model stays, and the next message begins with it again. Practice models take no part.
settings-ladder = Models that may stand in
settings-ladder-about = Best first. They are asked only where the choice above goes as far as another model, and only if the conversation fits them.
settings-ladder-empty = No model is on the list yet.
settings-ladder-choose = provider/model
settings-ladder-add = Add
settings-ladder-up = Up
settings-ladder-up-of = Move { $model } up
settings-ladder-down = Down
settings-ladder-down-of = Move { $model } down
settings-ladder-remove = Remove
settings-ladder-remove-of = Remove { $model }
settings-ladder-missing = There is no provider { $provider } any more, so it is passed over.
settings-ladder-unknown = This is no model of a configured provider. Write it as provider/model.

## Gateway

settings-gateway-intro = Other programs can use your providers through Halo: they get its waiting, its repairs and its explanations of errors. Point them at this address and give them a Halo key.
settings-gateway-address = Address
settings-gateway-openai = OpenAI-compatible base URL
settings-gateway-anthropic = Anthropic-compatible base URL
settings-gateway-keys = Halo keys
settings-gateway-keys-about = Halo keeps only a fingerprint of each key, so a key can be shown just once, when it is made.
settings-gateway-keys-none = No key yet. Make one to use the gateway.
settings-gateway-key-label = What is it for?
settings-gateway-key-label-example = for example: my editor
settings-gateway-key-make = Make a new key
settings-gateway-key-made = This is the new key. It is shown only now; copy it.
settings-gateway-key-created = made { $date }
settings-gateway-key-used = last used { $date }
settings-gateway-key-unused = not used yet
settings-gateway-key-remove = Remove
settings-gateway-key-remove-named = Remove the key “{ $label }”
settings-gateway-key-removed = The key “{ $label }” no longer works.
settings-gateway-key-unnamed = without a name
settings-gateway-key-put-back = Put it back
settings-gateway-key-back = The key “{ $label }” works again.
settings-gateway-models = A model is named provider/model, for example { $model }. Without a provider Halo takes the one that has the model.
settings-gateway-snippets = How to connect
settings-gateway-snippet-openai = Python, openai
settings-gateway-snippet-anthropic = Python, anthropic
settings-gateway-snippet-curl = curl
settings-gateway-snippet-env = Environment of coding agents
settings-gateway-snippet-key = Put your Halo key in place of { $placeholder }.

## Appearance

settings-appearance-intro = How Halo looks in this browser.
settings-theme = Colours
settings-theme-system = As the system
settings-theme-light = Light
settings-theme-dark = Dark
settings-language = Language
settings-language-browser = As the browser
settings-language-en = English
settings-language-zh = 中文

## About

settings-about-version = Version
settings-about-licence = Licence
settings-about-catalogue = Facts about models
settings-about-data = Data folder
settings-about-config = Settings file
settings-about-secrets = Keys file
settings-about-what = Halo is a chat client and a gateway for model providers. Your conversations and keys stay on this computer; nothing is sent anywhere but to the providers you use.
settings-about-files = You can edit the settings file by hand. What you write in it by yourself, comments included, is kept.
settings-fact-own = { $fact }: what you know
settings-fact-own-tokens = your figure, in tokens
settings-fact-own-in = your price in, $
settings-fact-own-out = your price out, $
settings-fact-own-none = as known
settings-fact-set = Set what you know
settings-fact-set-about = An emptied field is taken back.
settings-fact-saved = Kept.
settings-fact-take-back = Take back
settings-fact-forget = Forget
settings-fact-forgotten = Forgotten.
settings-fact-restore = Undo
settings-fact-save-first = Save the provider first; then you can say what you know about its models.
settings-fact-bad = “{ $text }” cannot be read.
settings-fact-bounds = it must be between { $least } and { $most }.
settings-lessons = { $count ->
    [one] One thing learned from this provider
   *[other] { $count } things learned from this provider
}
settings-lessons-about = Errors and answers taught this. It is heeded before the next request. A refusal is tried again after 30 days, and an answer that contradicts it removes it at once.
settings-lesson-doubted = older than 30 days, will be tried again
settings-lesson-where = where it was learned
settings-lesson-system = Takes no system prompt; its words go into the first message
settings-lesson-refused = Does not take { $name }
settings-lesson-required = Demands { $name }
settings-lesson-bytes = Takes picture files of up to { $n } bytes
settings-lesson-count = Takes up to { $n } pictures at once
settings-lesson-side = Takes pictures of up to { $n } pixels a side

## Data

settings-data-intro = Your conversations are yours: take them out as files, bring them back, move them to another computer.
settings-data-export = Export
settings-data-one = There is one conversation.
settings-data-count = There are { $count } conversations.
settings-data-export-about = The JSON file holds everything, errors, attempts and pictures included, and can be imported again. The Markdown file is for reading. Keys are in neither.
settings-data-export-json = Export all (JSON)
settings-data-export-markdown = Export all for reading (Markdown)
settings-data-import = Import
settings-data-file = File
settings-data-import-do = Import
settings-data-added = Conversations added: { $count }.
settings-data-continued = Conversations continued from where they ended here: { $count }.
settings-data-restored = Deleted conversations brought back: { $count }.
settings-data-known = Conversations that were here already: { $count }.
settings-data-differing = Conversations that have gone on differently here and were left as they are: { $count }.
settings-data-differing-list = These have gone on differently here and in the file. The ones here were left as they are:
settings-data-import-damaged = Records that were damaged before the export and are missing: { $count }.
settings-data-import-nothing = The file holds no conversations.
settings-data-newer = A newer Halo has written this file. Import it with that one. Nothing was imported.
settings-data-file-damaged = The file is damaged or was changed. Nothing was imported.
settings-data-store = The conversations could not all be stored. Each one is stored whole or not at all; importing again goes on from there.
settings-data-where = Where it is kept
settings-data-where-about = The file halo.db holds the conversations. Copies named “backup” are made before a new version of Halo changes it.
settings-data-damage = The database is damaged
settings-data-damage-read = Halo could read { $records } records of { $conversations } conversations.
settings-data-damage-lost = At least { $count } records are lost.
settings-data-damage-files = The damaged file is left as it is: { $damaged }. What could be read was copied to { $rescued }. Copies that were made earlier lie beside them.
settings-data-damage-export = Export what can be read
settings-data-damage-go-on = Go on with what could be read
settings-data-damage-empty = Begin with an empty database
settings-data-chosen-rescued = At its next start, Halo goes on with what could be read. The damaged file is kept beside it. End Halo and start it again.
settings-data-chosen-empty = At its next start, Halo begins with an empty database. The damaged file and what could be read are kept beside it. End Halo and start it again.
