# The frame of every page.

skip-to-main = Skip to the conversation
drawer-open = Show the conversations
drawer-close = Hide the conversations
sidebar-more = More
settings-link = Settings
practice-link = Practice errors
conversation-new = New conversation
conversation-untitled = New conversation

## The conversation list

list-label = Conversations
list-empty = Your conversations will be listed here.
list-today = Today
list-yesterday = Yesterday
list-week = Last 7 days
list-month = Last 30 days
list-older = Older
list-running = An answer is being written
list-waiting = Waiting to send again
list-menu = Menu of “{ $title }”
list-rename = Title
list-rename-save = Rename
list-export-markdown = Export for reading (Markdown)
list-export-json = Export without loss (JSON)
list-delete = Delete

search-label = Search in conversations
search-placeholder = Search
search-title = Search
search-results = What was found
search-empty = Type words that stand in a title, a message or an error.
search-none = Nothing holds all of: { $query }
search-one = Found in one place
search-count = Found in { $count } places
search-many = The latest { $count }; add a word to find fewer
search-in-title = Title
search-in-prompt = Your message
search-in-answer = Answer
search-in-error = Error

conversation-damaged = { $count } records of this conversation are damaged and could not be read. The rest is shown.
damage-bar = The database is damaged. What could be read is shown; nothing new can be stored.
damage-bar-more = What you can do

## Signing in

sign-in-title = Open Halo with a link
sign-in-how = This browser is not signed in. Run this command in a terminal; it prints a fresh link that signs this browser in.
sign-in-link-used = This link was used before or is older than ten minutes. Run this command in a terminal; it prints a fresh one.
sign-in-after = A link works once, for ten minutes. Afterwards this browser stays signed in for 90 days.
sign-in-needed = This browser is not signed in to Halo any more. Run “halo” in a terminal for a fresh link.
refused-host = Halo does not answer to this host name. Open it at the address it printed when it started.
refused-origin = Another page asked for this, so Halo did not do it.

## Problems of the pages themselves

problem-title = That did not work
problem-title-404 = There is nothing here
problem-home = To the conversations
problem-not-found = Nothing has this address.
problem-no-conversation = This conversation does not exist, or it was deleted.
problem-bad-form = Halo could not read what was sent. Reload the page and try again.
problem-busy = An answer is still under way here. Stop it or wait for it; your text is kept.
problem-empty = There is nothing to send yet.
problem-no-target = No model is chosen. Choose one below the text, or add a provider in the settings.
problem-no-provider = The provider “{ $name }” is not set up any more. Choose another model.
problem-no-scenario = This practice scenario does not exist.
problem-does-not-fit = This no longer fits the conversation. The page shows its present state.
problem-nothing-to-compact = There is nothing to compact here yet.
problem-last-message-too-long = The system prompt and the last message alone take about { $used } of the { $window } tokens this model reads, so a summary of the rest does not help. Shorten the message, choose a model that reads more, or begin a new conversation.
problem-pinned-too-long = With the pinned messages the last one takes about { $used } of the { $window } tokens this model reads. Unpin some of them, shorten the message, or choose a model that reads more.
problem-compacting-useless = { $tries } compactions did not make the request fit. Edit the message, choose a model that reads more, or begin a new conversation.
problem-not-a-picture = “{ $name }” cannot be sent as a picture: { $why }
problem-no-file = No file was chosen.
problem-read-only = Nothing can be stored: the database is damaged, and this is what could be read of it. See Settings → Data.
problem-too-large = This has { $size }; Halo takes at most { $max }. Nothing was lost: it is still where it came from.
problem-too-large-unknown = This is more than the { $max } that Halo takes. Nothing was lost: it is still where it came from.
problem-internal = Halo could not do this: { $what }

## An empty conversation

welcome-title = What is on your mind?
welcome-what = Halo talks to language models with your own keys, from your own computer. When a provider reports an error, Halo shows its words, says what they mean, and offers the way forward.
welcome-practice = No provider is set up yet. You can write at once: the practice provider answers, a simulator inside this program.
welcome-add-provider = Add your provider
welcome-practice-link = See how errors are handled

## Practice

practice-title = Practice: every error, on demand
practice-about = Each button sends a prompt to the simulator in this program, which then fails in the way described. Nothing leaves this computer.
practice-none = The practice provider is not running.

## The composer

composer-label = Message
composer-placeholder = Write a message
composer-send = Send
composer-stop = Stop
composer-attach = Add pictures or text files
composer-model = Choose a model (Alt+M)
composer-blind = This model does not take pictures
composer-hint = Enter sends, Shift+Enter breaks the line. /compact shortens, /new starts over, /practice plays errors.
composer-editing = You are editing a message that was not answered.
composer-cancel-edit = Leave it as it was
model-none = No model
model-practice = Practice · { $model }
meter = ≈ { $used } of { $window }
meter-unknown = ≈ { $used } tokens
meter-title = Estimated tokens of the next request, and the model’s window
jump-latest = Jump to latest
no-script = Without scripts, reload the page to see how an answer goes on.

## The model picker

models-title = Choose a model
models-filter = Find a model
models-close = Close
models-practice = Practice
models-practice-about = Answers come from the simulator in this program.
models-sees = Takes pictures
models-sees-unknown = may not take pictures
models-only-seeing = Only models that take pictures are shown, and those of which Halo does not know it.
models-none = No listed model has this in its name.
models-add = Add or change providers

## Messages

message-user = You
message-assistant = Answer
message-model-reported = The name the provider gave in its answer
message-instead = answered by { $by }, because { $first } { $why }
message-instead-until = answered by { $by }, because { $first } { $why } until { $time }
instead-key = key { $n }
instead-at = { $model } at { $provider }
instead-rate-limited = was rate-limited
instead-quota-exhausted = had no credit left
instead-invalid-api-key = was not accepted
instead-account-disabled = was disabled
instead-permission-denied = was not allowed
instead-region-unsupported = is not offered in this region
instead-model-not-found = was not found
instead-endpoint-not-found = was not found at its address
instead-overloaded = was overloaded
instead-server-error = had a fault
instead-timeout = did not answer in time
instead-network = could not be reached
instead-stream-interrupted = broke off
instead-invalid-response = gave no usable answer
instead-context-length-exceeded = is too small for this conversation
instead-image-unsupported = cannot see pictures
instead-other = failed
message-thinking = Thinking
message-thought = Thought for { $duration }
message-copy = Copy as Markdown
message-regenerate = Answer again
message-repeated = The model repeated these words when it continued; they stand here once:
message-regenerate-with = Answer again with another model
message-edit = Edit and send again
message-fork = Write on from here
message-forked = Your next message begins a new branch here. What came after stays beside it.
message-leave-fork = Back to what came after
message-continue = Continue
message-resend = Resend
message-unanswered = There is no answer to this message yet.
message-siblings = Alternatives to this message
message-sibling-previous = Previous alternative
message-sibling-next = Next alternative
message-show-all = Show all of it
message-summarised = Sent only as part of the summary below.
message-pinned = Pinned: sent word for word, whatever is summarised.
message-pin = Pin: keep it out of summaries
message-unpin = Unpin
message-pictures-omitted = Left out of requests to this model. They come back with one that takes them.
message-pictures-smaller = Sent smaller to this model. The original stays as it is.
mended-foreign-thinking = The thinking here is not sent: only the model that wrote it takes it back.
mended-foreign-block = A part of it is not sent: only another provider’s protocol can hold it.
mended-empty-message = Not sent: nothing of it is left for this model.
mended-joined = Sent as one with the message before it.
mended-opening = A note is sent before it, since a conversation has to begin with you.
mended-call-without-result = A tool was asked and has not answered; the model is told so.
mended-result-without-call = The result of a tool whose call is missing; it is sent as text.
message-tool-call = Call of the tool { $name }
message-tool-result = Result of the tool
message-tool-error = The tool failed
message-unknown-part = A part that only { $protocol } knows; it is kept as it came.
message-usage = { $input } in, { $output } out
message-usage-output = { $output } tokens
message-cost = about ${ $cost }
picture-unnamed = Picture
ending-stopped = Stopped. What had come is kept.
ending-interrupted = Incomplete: the answer broke off here. What had come is kept.
ending-length = The model reached its output limit here.
ending-context = The model’s window was full here.
ending-filter = A filter of the provider ended the answer here.
ending-refusal = The model declined to go on.
running-reply = is answering
running-continue = is writing the rest
running-compact = is summarising the older part

## Steps

step-omit-images = Pictures are left out for { $model }
step-omit-older-images = Earlier pictures are left out for { $model }
step-shrink-images = Pictures are sent to { $model } with at most { $side } pixels a side
step-summarise = Earlier messages are sent as a summary ({ $before } → { $after } tokens)
step-drop-parameter = The setting “{ $name }” is not sent to { $model }
step-lower-max-tokens = At most { $max } output tokens are asked of { $model }
step-repair-history = The messages are sent in their plainest form: without thinking, tools as text
step-summary-by = Written by { $model }. Your messages are all still here.
step-summary-by-rule = Made by rule, without a model. Your messages are all still here.
step-summary-in-parts = Written in { $parts } parts by { $model }. Your messages are all still here.
step-summary-edited = Edited by you. Your messages are all still here.
step-edit = Edit
step-edit-label = The summary
step-edit-about = The model reads these words in place of the earlier messages. Undo brings the former ones back.
step-edit-save = Save
step-view = View
step-undo = Undo
step-redo = Redo
step-undone = taken back
step-idle = not needed for the present model

## Error cards

card-words = { $name } says
card-network-words = What the connection reported
card-no-words-status = The provider sent status { $status } and no words.
card-no-words = Nothing came back.
card-show-all = Show all of it
card-show-less = Show less
card-guess = Halo is not sure about this.
card-waiting-helps = Waiting may help.
card-waiting-useless = Waiting does not help.
card-details = Details
card-attempts = Attempts
card-headers = Response headers
card-attempt-nth = Attempt { $n }
card-resend = Resend
card-switch-to = Switch to { $model }
card-switch-other = Switch to another model
card-pick-placeholder = Model
card-compact-note = { $before } → { $after } tokens; nothing is deleted
card-size-note = { $before } → { $after } tokens
card-pictures-note = { $n ->
    [one] The picture stays in the conversation
   *[other] The { $n } pictures stay in the conversation
}
card-purpose-continue = This happened while the rest of the answer was asked for.
card-purpose-compact = This happened while the older part was being summarised.
speaker-halo = Halo itself reported this; nothing was sent.
speaker-halo-ended = Halo itself ended while the answer was on its way.
speaker-network = The network on the way to { $host } failed; no provider spoke.
speaker-broken = The connection was made, and the answer broke off before its end ({ $host }).
speaker-proxy = A relay or proxy in between reported this: { $name }.
speaker-provider = { $name } reported this.
speaker-provider-by = { $name } reported this, handed on by { $carriers }.
attempts-count = { $n ->
    [one] { $n } attempt
   *[other] { $n } attempts
}
detail-status = Status
detail-request-id = Request id
detail-model = Model
detail-url = Address
detail-phase = Where
detail-time = When
detail-took = After
detail-partial = Characters received
detail-kind = Kind
detail-rule = Rule
detail-decided = Decided by
detail-cut = Length
detail-cut-text = longer than Halo keeps; the beginning is shown
phase-connect = while connecting
phase-headers = before the answer began
phase-body = in the answer
phase-stream = in the running stream
outcome-answered = answered
outcome-stopped = stopped
outcome-died = Halo ended meanwhile
outcome-running = under way
wait-automatic = Sending again at { $time }
wait-until = Possible again at { $time }
wait-from-provider = as the provider asked
wait-from-halo = a pause before the next try
wait-from-pace = the key is at its limit, and others are before this one
wait-send-now = Send now
wait-resend-now = Resend now
wait-cancel = Cancel

## Words that scripts show

script-copy = Copy
script-copied = Copied
script-copy-failed = The browser did not allow copying
script-deleted = Conversation deleted
script-undo = Undo
script-failed = That did not work: {"{"}what{"}"}
script-offline = Halo does not answer. Is it still running?
script-paste-too-large = The text has {"{"}size{"}"}; a message may have at most {"{"}max{"}"}. It was not pasted and is still in your clipboard. Paste a part of it, or keep it in a file.
script-not-a-picture = “{"{"}name{"}"}” cannot be sent: it is neither a picture (PNG, JPEG, GIF, WebP) nor a text. Of a PDF or a document, copy the words and paste them.
script-remove-picture = Remove {"{"}name{"}"}
script-countdown = Sending again in {"{"}n{"}"} s
script-due = Sending again now
script-at-automatic = Sending again at {"{"}time{"}"}
script-at = Possible again at {"{"}time{"}"}
script-busy = An answer is still under way. Esc or the square button stops it; your text stays here.
script-editing-pictures = The message you are editing keeps its own pictures. Send or leave it first, then add new ones.
script-use-model = Use “{"{"}name{"}"}” at {"{"}provider{"}"}
script-wait-for-picture = A picture is still being added.
script-seconds = {"{"}n{"}"} s
forewarn-blind = { $model } does not take pictures; this message would be refused.
forewarn-full = About { $used } tokens are more than the { $window } that this model reads; the message would be refused.
forewarn-large = Pictures larger than { $model } takes, or of another form: { $count }. The message would be refused.
forewarn-many = { $model } takes { $most } pictures in one request; the message would be refused.
forewarn-near = About { $used } of the { $window } tokens that this model reads are used.
forewarn-compact = Compacting leaves about { $after }; nothing is deleted.
composer-compact = Compact
script-forewarn-blind = {"{"}model{"}"} does not take pictures; this message would be refused.
script-forewarn-full = About {"{"}used{"}"} tokens are more than the {"{"}window{"}"} that {"{"}model{"}"} reads; the message would be refused.
script-forewarn-near = About {"{"}used{"}"} of the {"{"}window{"}"} tokens that {"{"}model{"}"} reads are used.
script-forewarn-switch = Switch to {"{"}model{"}"}
script-forewarn-choose = Choose a model
script-forewarn-without = Send without pictures
script-forewarn-large = Pictures larger than {"{"}model{"}"} takes, or of another form: {"{"}count{"}"}. This message would be refused.
script-forewarn-many = {"{"}model{"}"} takes {"{"}most{"}"} pictures in one request, and there would be {"{"}count{"}"}; this message would be refused.
script-forewarn-smaller = Send them smaller
script-forewarn-older = Leave out the older ones
script-forewarn-compact = Compact
