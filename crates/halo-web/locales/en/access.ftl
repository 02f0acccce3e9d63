# Signing in with a password, and the devices that are signed in.
settings-nav-devices = Devices
access-title = Sign in to Halo
access-password = Password
access-enter = Sign in
access-link-instead = Sign in with a link instead
access-not-encrypted = This connection is not encrypted: others in the same network can read what you type and what Halo answers. Use it in a network you trust, or put HTTPS before Halo.
access-wrong = This is not the password.
access-locked-seconds = { $count ->
    [one] Too many wrong passwords. The next try is possible in one second.
   *[other] Too many wrong passwords. The next try is possible in { $count } seconds.
}
access-locked-minutes = Too many wrong passwords. The next try is possible in { $count } minutes. A link from the terminal still works.
access-intro = Who is signed in to this Halo, and how other machines get in.
access-devices = Signed in
access-device-unnamed = A browser
access-device-this = this one
access-device-since = since { $date }
access-device-last = last here { $date }
access-revoke = Sign out
access-revoke-named = Sign out { $device }
access-revoke-others = Sign out all others
access-device-gone = That device is signed out.
access-others-gone = All other devices are signed out.
access-make = Set a password
access-change = Change the password
access-make-about = Other machines sign in with it. At least { $count } characters; a few words in a row are good. Setting another one signs all other devices out. Forgotten? “halo password” in a terminal sets a new one.
access-old = The password now
access-new = New password
access-again = The same once more
access-save = Save the password
access-set = The password is saved. All other devices are signed out.
access-remove = Remove the password
access-removed = The password is removed. New devices get in by a link from the terminal only.
access-needed = Halo listens to other machines now, and the password protects it. Start Halo on 127.0.0.1 first, or change the password.
access-differ = The two new passwords are not the same.
access-short = A password needs at least { $count } characters.
access-long = That password is too long.
access-reach = From a phone or another computer
access-reach-here = Halo listens on { $address } and answers this computer only. Set a password, then start it like this; it says at which address others reach it:
access-reach-open = Halo listens on { $address }; other machines in your network reach it and need the password.
access-tls = Without HTTPS, everyone in the same network can read along. For more than your home put a proxy with HTTPS before Halo (Caddy: “reverse_proxy 127.0.0.1:7575”, with “--host your.name” for Halo), or come in through SSH or a VPN such as WireGuard or Tailscale.
