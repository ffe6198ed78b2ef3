"""A service and a client on Cap'n Proto RPC. Arguments: serve or call, address, port."""

import asyncio
import os
import sys

import capnp

what, address, port = sys.argv[1:]
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
        server = await capnp.AsyncIoStream.create_server(served, address, port)
        async with server:
            await server.serve_forever()
    stream = await capnp.AsyncIoStream.create_connection(host=address, port=port)
    client = capnp.TwoPartyClient(stream)
    inventory = client.bootstrap().cast_as(schema.Inventory)
    for item in ("chair", "table"):
        await inventory.reserve(item)
    try:
        await inventory.reserve("unicorn")
    except capnp.KjException:
        pass
    client.close()


asyncio.run(capnp.run(main()))
