"""Publishes one message by paho-mqtt. Arguments: address, port, then key=value."""

import sys

import paho.mqtt.client as mqtt
from words import tls, words

client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id="orders-1")
client.tls_set_context(tls(words(3)))
client.connect(sys.argv[1], int(sys.argv[2]))
client.loop_start()
client.publish("shop/orders", "chair", qos=1).wait_for_publish(5)
client.disconnect()
client.loop_stop()
