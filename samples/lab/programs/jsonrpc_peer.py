"""JSON-RPC 2.0 by Python's own modules: over HTTP, or one object a line over TCP. Arguments: serve or call, address, port, then key=value: how (tcp, http), and those of words.py for TLS."""

import http.client
import http.server
import json
import socket
import socketserver
import sys

from words import calls, server_tls, tls, words


def answered(text):
    asked = json.loads(text)
    if asked["method"] == "inventory.reserve":
        result = {"result": "reserved"}
    else:
        result = {"error": {"code": -32601, "message": "Method not found"}}
    return json.dumps({"jsonrpc": "2.0", **result, "id": asked["id"]}).encode()


class Lines(socketserver.StreamRequestHandler):
    def handle(self):
        for line in self.rfile:
            self.wfile.write(answered(line) + b"\n")


class Posts(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = answered(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def asked():
    for number, method in enumerate(("inventory.reserve", "inventory.reserve", "inventory.vanish")[:calls(3)], 1):
        yield json.dumps({"jsonrpc": "2.0", "method": method, "params": {"item": "chair"}, "id": number}).encode()


def call_tcp(address, port):
    with socket.create_connection((address, port)) as peer:
        if "ca" in given:
            peer = tls(given).wrap_socket(peer, server_hostname=given["name"])
        for one in asked():
            peer.sendall(one + b"\n")
            peer.recv(4096)


def call_http(address, port):
    peer = http.client.HTTPConnection(address, port)
    for one in asked():
        peer.request("POST", "/rpc", one, {"Content-Type": "application/json"})
        peer.getresponse().read()
    peer.close()


what, address, port, given = sys.argv[1], sys.argv[2], int(sys.argv[3]), words(4)
how = given["how"]
if what == "serve":
    kind = socketserver.ThreadingTCPServer if how == "tcp" else http.server.ThreadingHTTPServer
    # Those who called a moment ago may still be remembered by the kernel.
    kind.allow_reuse_address = True
    with kind((address, port), Lines if how == "tcp" else Posts) as server:
        if "cert" in given:
            server.socket = server_tls(given).wrap_socket(server.socket, server_side=True)
        server.serve_forever()
else:
    (call_tcp if how == "tcp" else call_http)(address, port)
