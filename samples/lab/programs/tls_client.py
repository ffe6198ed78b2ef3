"""A TLS 1.2 client without the extended master secret. Arguments: address, port, server name, authorities, key log if any."""

import socket
import ssl
import sys

NO_EXTENDED_MASTER_SECRET = 1  # SSL_OP_NO_EXTENDED_MASTER_SECRET of OpenSSL 3

address, port, name, authorities, *keylog = sys.argv[1:]
context = ssl.create_default_context(cafile=authorities)
context.maximum_version = ssl.TLSVersion.TLSv1_2
if keylog:
    context.keylog_filename = keylog[0]
context.options |= NO_EXTENDED_MASTER_SECRET
with socket.create_connection((address, int(port))) as plain, context.wrap_socket(plain, server_hostname=name) as tls:
    tls.sendall(b"GET /orders.txt HTTP/1.0\r\n\r\n")
    while tls.recv(4096):
        pass
