"""Declares a queue and publishes by pika. Arguments: address, port, then key=value."""

import logging
import sys

import pika
from words import tls, words

logging.disable()
given = words(3)
context = tls(given)
options = pika.SSLOptions(context, given.get("name")) if context else None
connection = pika.BlockingConnection(pika.ConnectionParameters(
    sys.argv[1], int(sys.argv[2]), credentials=pika.PlainCredentials(given["user"], given["password"]), ssl_options=options,
))
channel = connection.channel()
channel.queue_declare("orders", auto_delete=True)
channel.basic_publish("", "orders", b'{"item":"chair"}')
connection.close()
