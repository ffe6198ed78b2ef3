"""Makes, reads and removes a node by kazoo. Arguments: address:port, user and password if any."""

import logging
import sys

from kazoo.client import KazooClient

logging.disable()
address, *login = sys.argv[1:]
client = KazooClient(address, auth_data=[("digest", ":".join(login))] if login else None, timeout=30)
client.start(10)
client.ensure_path("/dubbo/shop.Inventory/providers")
path = client.create("/dubbo/shop.Inventory/providers/node", b"10.77.0.4:20880", ephemeral=True)
client.get(path)
client.get_children("/dubbo/shop.Inventory/providers")
client.stop()
client.close()
