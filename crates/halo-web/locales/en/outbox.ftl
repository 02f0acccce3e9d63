# What runs, waits and is queued: the page, the marks in the list, the note above the input.

outbox-link = Outbox
outbox-title = Outbox
outbox-about = What is being sent now, and what Halo will send by itself. It goes on with this after it was ended and started again.
outbox-empty = Nothing is under way, and nothing waits to be sent.
outbox-running = Under way
outbox-waiting = Waiting
outbox-queued = In line
outbox-sending = being answered
outbox-in-line = Not sent yet; others to the same provider go first
outbox-due = Its time has come; it is sent when the one before it to the same provider has begun to be answered
outbox-until = Will be sent at { $time }
outbox-why-provider = The provider asked for this pause.
outbox-why-halo = A pause before the next try.
outbox-why-pace = A pause so that the provider is not asked too often.
outbox-words = { $name } says
outbox-network-words = What the connection reported
outbox-words-cut = The beginning; all of it stands on the card in the conversation.
outbox-open = Open the conversation
outbox-send-now = Send now
outbox-cancel = Cancel
outbox-stop = Stop
outbox-another-model = Use another model now
outbox-model = Model
outbox-use-model = Send to it
outbox-tries = { $n ->
    [one] { $n } attempt so far
   *[other] { $n } attempts so far
}
list-waiting-until = Waiting; will be sent again at { $time }
list-queued = In line to be sent
waits-note = A message waits here; it will be sent at { $time }.
waits-note-in-line = A message waits here until others to the same provider were sent.
waits-busy = A message waits here until { $time }. Send it now or cancel it first; your text stays here.
waits-busy-in-line = A message is in line here. Send it now or cancel it first; your text stays here.
problem-waiting = A message waits here until { $time }. Send it now or cancel it first; your text is kept.
problem-elsewhere = Another Halo runs on this data folder and sends its messages. Nothing was sent from here.
