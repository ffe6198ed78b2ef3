#!/usr/bin/env python3
"""Records TLS sessions with their keys for tests/keys.rs: one text file per session.

usage: tests/vectors/record.py            (needs openssl 3; writes beside itself)

A file has the key log's lines, then one line per piece of the conversation: `>` what the client sent, `<` what the
server sent, in hexadecimal. openssl s_server and s_client speak over a proxy of this program, which writes down what
passes. Both ends present certificates where the name says mutual.
"""
import os, pathlib, re, socket, subprocess, sys, tempfile, threading, time

HERE = pathlib.Path(__file__).resolve().parent
REQUEST = b"GET /ledger HTTP/1.1\r\nhost: ledger.internal\r\n\r\n"
# name, options of both ends, whether the client is asked for a certificate
SESSIONS = [
    ("tls13-aes128-gcm-mutual", ["-tls1_3", "-ciphersuites", "TLS_AES_128_GCM_SHA256"], True),
    ("tls13-aes128-ccm", ["-tls1_3", "-ciphersuites", "TLS_AES_128_CCM_SHA256"], False),
    ("tls13-aes128-ccm8-mutual", ["-tls1_3", "-ciphersuites", "TLS_AES_128_CCM_8_SHA256", "-cipher", "ALL:@SECLEVEL=0"], True),
    ("tls12-aes128-ccm", ["-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-CCM"], False),
    ("tls12-aes256-ccm8", ["-tls1_2", "-cipher", "ECDHE-ECDSA-AES256-CCM8:@SECLEVEL=0"], False),
    ("tls12-aes256-gcm-without-ems", ["-tls1_2", "-cipher", "ECDHE-ECDSA-AES256-GCM-SHA384"], False),
    ("tls12-chacha20", ["-tls1_2", "-cipher", "ECDHE-ECDSA-CHACHA20-POLY1305"], False),
    ("tls12-aes128-cbc-sha-encrypt-then-mac", ["-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-SHA"], False),
    ("tls12-aes128-cbc-sha-mac-then-encrypt", ["-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-SHA", "-no_etm"], False),
    ("tls12-aes128-cbc-sha256-encrypt-then-mac", ["-tls1_2", "-cipher", "ECDHE-ECDSA-AES128-SHA256"], False),
    ("tls12-aes256-cbc-sha384-mac-then-encrypt", ["-tls1_2", "-cipher", "ECDHE-ECDSA-AES256-SHA384", "-no_etm"], False),
    ("tls11-aes256-cbc-sha-mac-then-encrypt", ["-tls1_1", "-cipher", "ECDHE-ECDSA-AES256-SHA:@SECLEVEL=0", "-no_etm"], False),
    ("tls10-aes128-cbc-sha-encrypt-then-mac", ["-tls1", "-cipher", "ECDHE-ECDSA-AES128-SHA:@SECLEVEL=0"], False),
    ("tls10-aes128-cbc-sha-mac-then-encrypt", ["-tls1", "-cipher", "ECDHE-ECDSA-AES128-SHA:@SECLEVEL=0", "-no_etm"], False),
]


# What there is no option for.
PLAIN_MASTER_SECRET = """openssl_conf = all
[all]
ssl_conf = tls
[tls]
system_default = options
[options]
Options = -ExtendedMasterSecret
"""


def certificate(folder, name):
    subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                    "-days", "3650", "-subj", f"/CN={name}", "-keyout", folder / f"{name}.key",
                    "-out", folder / f"{name}.pem"], check=True, capture_output=True)
    return ["-cert", str(folder / f"{name}.pem"), "-key", str(folder / f"{name}.key")]


def pump(source, target, mark, lines):
    while True:
        try:
            piece = source.recv(65536)
        except OSError:
            piece = b""
        if not piece:
            try:
                target.shutdown(socket.SHUT_WR)
            except OSError:
                pass
            return
        lines.append((mark, piece))
        target.sendall(piece)


def record(folder, name, both, mutual, server, client):
    port = 20443
    log = folder / f"{name}.keys"
    (folder / "openssl.cnf").write_text(PLAIN_MASTER_SECRET if name.endswith("without-ems") else "")
    environment = {**os.environ, "OPENSSL_CONF": str(folder / "openssl.cnf")}
    listen = ["openssl", "s_server", "-port", str(port), "-quiet", "-naccept", "1", "-rev", *server, *both]
    if mutual:
        listen += ["-Verify", "1", "-verify_quiet"]
    spoken = subprocess.Popen(listen, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=environment)
    time.sleep(0.4)
    proxy = socket.create_server(("127.0.0.1", 0))
    lines = []

    def relay():
        near, _ = proxy.accept()
        far = socket.create_connection(("127.0.0.1", port))
        ways = [threading.Thread(target=pump, args=way) for way in
                ((near, far, ">", lines), (far, near, "<", lines))]
        [way.start() for way in ways]
        [way.join() for way in ways]

    thread = threading.Thread(target=relay, daemon=True)
    thread.start()
    call = ["openssl", "s_client", "-connect", f"127.0.0.1:{proxy.getsockname()[1]}", "-servername",
            "ledger.internal", "-keylogfile", str(log), *(client if mutual else []), *both]
    caller = subprocess.Popen(call, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, env=environment)
    time.sleep(0.4)
    try:
        caller.stdin.write(REQUEST)
        caller.stdin.flush()
        time.sleep(0.4)
        caller.stdin.write(b"Q\n")
        caller.stdin.close()
    except BrokenPipeError:
        pass
    caller.wait(timeout=10)
    thread.join(timeout=10)
    spoken.kill()
    said = caller.stderr.read().decode()
    if not log.exists() or not re.search(r"^C", log.read_text(), re.M):
        return f"not recorded: {said[-300:]} {spoken.stderr.read().decode()[-300:]}"
    keys = [line for line in log.read_text().splitlines() if not line.startswith("#")]
    text = "\n".join(keys + [f"{mark} {piece.hex()}" for mark, piece in lines]) + "\n"
    (HERE / f"{name}.txt").write_text(text)
    return f"{len(text)} bytes"


def main():
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        server, client = certificate(folder, "ledger.internal"), certificate(folder, "caller.internal")
        for name, both, mutual in SESSIONS:
            print(name, record(folder, name, both, mutual, server, client))


if __name__ == "__main__":
    sys.exit(main())
