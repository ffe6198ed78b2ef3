"""A service and a client on Cap'n Proto RPC. Arguments: serve or call, address, port, then key=value: those of words.py for TLS."""

import asyncio
import os
import sys

import capnp
from words import calls, server_tls, tls, words

what, address, port, given = sys.argv[1], sys.argv[2], sys.argv[3], words(4)
schema = capnp.load(os.path.join(os.path.dirname(os.path.abspath(__file__)), "inventory.capnp"))


class Inventory(schema.Inventory.Server):
    async def reserve(self, item, **_):
        if item == "unicorn":
            raise ValueError(f"no item called {item}")
        return f"reserved {item}"


async def served(stream):
    await capnp.TwoPartyServer(stream, bootstrap=Inventory()).on_disconnect()


async def main():
    if what == "serve":
        server = await capnp.AsyncIoStream.create_server(served, address, port, ssl=server_tls(given) if "cert" in given else None)
        async with server:
            await server.serve_forever()
    secured = {"ssl": tls(given), "server_hostname": given["name"]} if "ca" in given else {}
    stream = await capnp.AsyncIoStream.create_connection(host=address, port=port, **secured)
    client = capnp.TwoPartyClient(stream)
    inventory = client.bootstrap().cast_as(schema.Inventory)
    for item in ("chair", "table")[:calls(3)]:
        await inventory.reserve(item)
    if calls(3) > 2:
        try:
            await inventory.reserve("unicorn")
        except capnp.KjException:
            pass
    client.close()


asyncio.run(capnp.run(main()))
