"""Letters and the two protocols that carry them.

`letter` makes one, `smtp` hands it over; `imap` finds and fetches, `incoming` reads whatever came; `endpoint` says
which server is meant, `channel` is the connection to it. What does not belong: what a manifest may say of mail, which
is `tools.declarations.mail`.
"""
