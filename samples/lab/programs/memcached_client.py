"""Sets, reads and counts by pymemcache; without TLS it asks for statistics too. Arguments: address, port, then key=value for TLS: ca, cert, key, name, version."""

import sys

from pymemcache.client.base import Client
from words import calls, tls, words

given = words(3)
context = tls(given)
if context:
    # pymemcache knows no other name for a server than its address.
    context.check_hostname = False
client = Client((sys.argv[1], int(sys.argv[2])), tls_context=context)
client.set("stock:chair", "41")
if calls(3) > 1:
    client.get("stock:chair")
    client.incr("stock:chair", 1)
if context is None:
    client.stats()
client.close()
