"""One HTTPS request by Python's ssl module. Arguments: address, port, then key=value: name, ca, crl, lax (verify nothing)."""

import socket
import ssl
import sys

from words import words

given = words(3)
context = ssl.create_default_context(cafile=given["ca"])
if "crl" in given:
    context.load_verify_locations(given["crl"])
    context.verify_flags |= ssl.VERIFY_CRL_CHECK_LEAF
if "lax" in given:
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
with socket.create_connection((sys.argv[1], int(sys.argv[2])), 10) as plain:
    with context.wrap_socket(plain, server_hostname=given["name"]) as peer:
        peer.sendall(f"GET /orders HTTP/1.1\r\nHost: {given['name']}\r\nConnection: close\r\n\r\n".encode())
        while peer.recv(4096):
            pass
