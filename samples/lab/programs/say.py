"""Says what standard input has, and reads until the other end closes or is quiet for a second. Arguments: address, port."""

import socket
import sys

with socket.create_connection((sys.argv[1], int(sys.argv[2]))) as connection:
    connection.sendall(sys.stdin.buffer.read())
    connection.settimeout(1)
    try:
        while connection.recv(4096):
            pass
    except TimeoutError:
        pass
