"""Answers in a made-up binary protocol. Arguments: address, port."""

import socket
import sys

with socket.create_server((sys.argv[1], int(sys.argv[2]))) as listener:
    while True:
        connection, _ = listener.accept()
        with connection:
            said = connection.recv(4096)
            connection.sendall(bytes([0x07, 0x22, len(said)]) + said[::-1])
