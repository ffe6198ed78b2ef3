"""Subscribes, publishes, and asks once by nats-py. Arguments: address, port, then key=value."""

import asyncio
import sys

import nats
from words import tls, words


async def main():
    given = words(3)
    context = tls(given)
    more = {"tls": context, "tls_hostname": given.get("name"), "tls_handshake_first": "first" in given} if context else {}
    connection = await nats.connect(
        f"{'tls' if context else 'nats'}://{sys.argv[1]}:{sys.argv[2]}", user=given.get("user"), password=given.get("password"),
        token=given.get("token"), nkeys_seed=given.get("seed"), user_credentials=given.get("creds"), name="orders", allow_reconnect=False, max_reconnect_attempts=0, **more,
    )
    subscription = await connection.subscribe("shop.orders.*")
    await connection.publish("shop.orders.new", b'{"item":"chair"}')
    await subscription.next_msg(timeout=2)
    await connection.drain()


async def quiet(error):
    del error


asyncio.run(main())
