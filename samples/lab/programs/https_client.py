"""One HTTPS request by Python's ssl module. Arguments: address, port, server name, authorities, certificate and key if any."""

import http.client
import ssl
import sys

address, port, name, authorities, *own = sys.argv[1:]
context = ssl.create_default_context(cafile=authorities)
if own:
    context.load_cert_chain(*own)
connection = http.client.HTTPSConnection(address, int(port), context=context, timeout=10)
connection._create_connection = lambda *_, **__: __import__("socket").create_connection((address, int(port)), 10)
connection.host = name
connection.request("GET", "/orders")
connection.getresponse().read()
