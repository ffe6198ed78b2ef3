"""A service with a protocol of its own making: an amount of two bytes, a colour of one, little-endian, no greeting."""

import socket
import struct
import sys

ASKED = [(712, 3), (14, 9), (3321, 1)]


def serve(host, port):
    with socket.create_server((host, port)) as listener:
        while True:
            peer, _ = listener.accept()
            with peer:
                while len(asked := peer.recv(3)) == 3:
                    amount, colour = struct.unpack("<HB", asked)
                    peer.sendall(struct.pack("<BIH", colour, amount * 17, 0xBEAD))


def ask(host, port):
    for _ in range(2):
        with socket.create_connection((host, port)) as peer:
            for amount, colour in ASKED:
                peer.sendall(struct.pack("<HB", amount, colour))
                peer.recv(7)


{"serve": serve, "ask": ask}[sys.argv[1]](sys.argv[2], int(sys.argv[3]))
