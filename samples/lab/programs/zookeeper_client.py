"""Makes, reads and removes a node by kazoo, or looks whether one is there. Arguments: address:port, then key=value: user, password, and for TLS ca, cert, key, patience."""

import logging
import sys

from kazoo.client import KazooClient
from words import calls, words

logging.disable()
given = words(2)
more = {"auth_data": [("digest", f"{given['user']}:{given['password']}")]} if "user" in given else {}
if "ca" in given:
    more = {"use_ssl": True, "ca": given["ca"], "certfile": given.get("cert"), "keyfile": given.get("key"), "check_hostname": False}
if "patience" in given:
    more["connection_retry"] = {"max_tries": 0}
client = KazooClient(sys.argv[1], timeout=30, **more)
client.start(float(given.get("patience", 10)))
if calls(2) == 1:
    client.exists("/zookeeper")
    client.stop()
    sys.exit()
client.ensure_path("/dubbo/shop.Inventory/providers")
path = client.create("/dubbo/shop.Inventory/providers/node", b"10.77.0.4:20880", ephemeral=True)
client.get(path)
client.get_children("/dubbo/shop.Inventory/providers")
client.stop()
client.close()
