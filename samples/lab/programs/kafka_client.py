"""Produces one record by kafka-python. Arguments: address:port, then key=value."""

import sys

from kafka import KafkaProducer
from words import tls, words

given = words(2)
context = tls(given)
if context:
    context.check_hostname = False
more = {}
if "mechanism" in given:
    more = {"sasl_mechanism": given["mechanism"], "sasl_plain_username": given["user"], "sasl_plain_password": given["password"]}
if "patience" in given:
    more |= {"bootstrap_timeout_ms": int(given["patience"]), "max_block_ms": 4000, "reconnect_backoff_ms": 9000, "reconnect_backoff_max_ms": 9000}
producer = KafkaProducer(
    bootstrap_servers=sys.argv[1], client_id="orders", acks=1, ssl_context=context, retries=3,
    security_protocol=("SASL_" if "mechanism" in given else "") + ("SSL" if context else "PLAINTEXT"), **more,
)
producer.send("shop.orders", b'{"item":"chair"}').get(timeout=20)
producer.close()
