"""Sends one message by STOMP 1.2. Arguments: address, port, login, passcode."""

import sys
import time

import stomp

address, port, login, passcode = sys.argv[1:]
connection = stomp.Connection12([(address, int(port))], heartbeats=(0, 0), vhost="/")
connection.connect(login, passcode, wait=True)
connection.send("/queue/orders", "chair")
time.sleep(0.2)
connection.disconnect()
time.sleep(0.2)
