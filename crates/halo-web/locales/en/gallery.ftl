# The fault gallery: every error in the providers' own words, played by a click.

gallery-link = All errors in the providers' own words
gallery-title = Fault gallery
gallery-about = Every kind of error in the words of the providers that Halo knows. Play sends a prompt to the simulator in this program, in a conversation of its own, which answers with exactly these words. Nothing leaves this computer.
gallery-vendor = Provider
gallery-find = Find
gallery-count = { $n ->
    [one] One error
   *[other] { $n } errors
}
gallery-any-vendor = Any provider
gallery-play = Play
gallery-own-title = Your own rules
gallery-own = You have { $rules } rules of your own; they change how { $n } of the errors here are read.
gallery-own-about = A rule of your own is tried against every error here as soon as it is saved; those it reads differently are marked.
gallery-own-reads = Your rules read this as: { $title }
gallery-paste = Try a pasted error
