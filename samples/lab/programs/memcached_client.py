"""Sets, reads and counts by pymemcache. Arguments: address, port."""

import sys

from pymemcache.client.base import Client

client = Client((sys.argv[1], int(sys.argv[2])))
client.set("stock:chair", "41")
client.get("stock:chair")
client.incr("stock:chair", 1)
client.stats()
client.close()
