"""Declares a queue and publishes by py-amqp, which can log in by AMQPLAIN. Arguments: address, port, user, password."""

import sys

import amqp

connection = amqp.Connection(
    f"{sys.argv[1]}:{sys.argv[2]}", userid=sys.argv[3], password=sys.argv[4], login_method="AMQPLAIN", heartbeat=0,
)
connection.connect()
channel = connection.channel()
channel.queue_declare("orders", auto_delete=True)
channel.basic_publish(amqp.Message(b'{"item":"chair"}'), exchange="", routing_key="orders")
connection.close()
