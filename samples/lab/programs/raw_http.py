"""Sends one request exactly as given on standard input and reads the answer. Arguments: address, port."""

import socket
import sys

with socket.create_connection((sys.argv[1], int(sys.argv[2]))) as connection:
    connection.sendall(sys.stdin.buffer.read())
    connection.settimeout(5)
    while connection.recv(4096):
        pass
