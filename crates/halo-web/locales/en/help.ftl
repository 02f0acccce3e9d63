# Help → Errors: the page of the error reference, and the box that explains an error.

help-link = Help: errors
card-help = What is this error?
help-nav = Parts of this page
help-paste-label = Paste any error
help-paste-placeholder = 429 Too Many Requests …
help-paste-about = The words, the whole JSON, or the output of curl -i with status and headers. It is read on this computer, goes nowhere and is not kept.
help-explain = Explain it
help-empty = There is nothing in the box yet. Paste the error as you saw it, even if it is only a few words.
help-too-long = This has { $size }; an error has a few lines, and Halo reads at most { $max } here. Paste the part around the error. For whole logs there is “halo explain --log FILE”.
help-too-long-unknown = This is far more than the { $max } that Halo reads here. Paste the part around the error. For whole logs there is “halo explain --log FILE”.
help-no-text = This does not look like text, more like the inside of a file. Paste the words of the error as they appear on the screen.
help-its-words = The error as you pasted it
help-no-words = No words came with it.
help-ways = What helps
help-otherwise = If that does not help
help-more = Everything about this kind of error
help-json = The diagnosis as JSON
help-report = The report
help-report-copy = Copy the report
help-speaker-network = The way to the provider failed; no provider spoke.
help-speaker-unknown = The text does not tell which provider it comes from.
help-wait-told = Waiting helps: { $time }, as { $from } says.
help-wait-header = the header { $name }
help-wait-text = its text
help-days = { $n } d
help-hours = { $n } h
help-minutes = { $n } min
help-seconds = { $n } s
help-parameter = Setting
help-window = The model reads (tokens)
help-sent = Sent (tokens)
help-most = The model writes at most (tokens)
help-limit = Limit
help-balance = Balance
help-filter = Find on this page
help-filter-placeholder = A word, a status, a provider
help-filter-none = Nothing on this page fits. Paste the error into the box above instead.
help-looks = { $n ->
    [one] How it looks
   *[other] How it looks, from { $n } sides
}
help-source = Source
help-to-pages = To the providers’ pages
help-pages = Pages
help-codes = { $n } codes from A to Z
help-made-of = Made from the { $rules } rules and { $vendors } vendors that Halo knows, so it says what Halo does. In a terminal: halo errors.
