"""Reads a mailbox with Python's own clients, by the login of the protocol itself. Arguments: imap or pop3, address, port, user, password."""

import imaplib
import poplib
import sys

kind, address, port, user, password = sys.argv[1:]
if kind == "imap":
    client = imaplib.IMAP4(address, int(port))
    client.login(user, password)
    client.select("INBOX")
    client.search(None, "ALL")
    client.logout()
else:
    client = poplib.POP3(address, int(port))
    client.user(user)
    client.pass_(password)
    client.stat()
    client.quit()
