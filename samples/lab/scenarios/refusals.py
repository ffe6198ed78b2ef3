"""TLS 1.3 between different stacks: who authenticated, and who refused whom, when nothing of it can be read.

These are for what is inferred from the shape of the encrypted records. Each client has a server port of its own, so that
the order of connections does not matter.
"""

from driver.lab import scenario
from driver.truth import Truth, certificate
from driver.wire import ipv4

from .plaintext import nginx
from .tls12 import API, address, api_certificate, call_https, ends, openssl_client, serve_https
from .tls13 import AES_256, tls13

CLIENTS = {8441: "go", 8442: "openssl", 8443: "python", 8444: "node", 8445: "curl"}
# With these groups, and those of Go's servers, every one of the clients ends up with X25519.
GROUPS = "X25519"


def silent(port, really, count=1, **facts):
    """What is true of a TLS 1.3 connection of which nothing is asserted that only inference can tell."""
    facts = {"posture": None, "client_auth": None, "established": None, "group": None, "cipher": None, **facts}
    if facts.get("true_established") is False:
        facts["true_posture"] = None
    return tls13(address(port=port), really=really, count=count, **facts)


def call(lab, program, port, *, own=None, ca="lab-root", **how):
    """One request by a program that verifies the server, with the certificate `own` if any."""
    ca, own = lab.path(f"{ca}.pem"), ends(lab, own) if own else ()
    pair = own[1::2]
    if program == "go":
        flags = ["-insist"] if own else []
        return lab.call("client", [
            lab.peer, "call-http", "-name", API, "-ca", ca, "-alpn", "http/1.1", *own, *flags,
            f"https://{address(port=port)}/orders",
        ], **how)
    if program == "openssl":
        return openssl_client(lab, address(port=port), "-CAfile", ca, "-verify_return_error", *own, **how)
    if program == "curl":
        pair = ["--cert", pair[0], "--key", pair[1]] if pair else []
        return lab.call("client", [
            "curl", "-sS", "--http1.1", "--tlsv1.2", "--connect-to", f"{API}:443:{address(port=port)}", "--cacert", ca, *pair,
            f"https://{API}/orders",
        ], **how)
    word = {"python": ["/usr/bin/python3", "https_client.py"], "node": ["node", "https_client.js"]}[program]
    return lab.call("client", [word[0], lab.program(word[1]), ipv4("server"), str(port), API, ca, *pair], **how)


def hidden_ends(lab, ports, clients=()):
    return [
        *(certificate(lab.path("api.pem"), "server", address(port=port), visible=False) for port in ports),
        *(certificate(lab.path(f"{name}.pem"), "client", ipv4("client"), visible=False) for name in clients),
    ]


def everybody(lab, *flags, **how):
    for port in CLIENTS:
        serve_https(lab, "-alpn", "http/1.1", *flags, port=port, version="1.3")
    with lab.capture():
        for port, program in CLIENTS.items():
            call(lab, program, port, **how)


PROGRAMS = ["go", "openssl", "python", "node", "curl"]


@scenario("tls13-stacks-one-way", "TLS 1.3 by five clients: only the server authenticates", PROGRAMS)
def tls13_stacks_one_way(lab):
    api_certificate(lab)
    everybody(lab)
    return Truth(
        [silent(port, "not-requested") for port in CLIENTS], hidden_ends(lab, CLIENTS), present=["WL4001", "WL9001"],
        maybe=["WL2002"],
    )


@scenario("tls13-stacks-mutual", "TLS 1.3 by five clients that present certificates", PROGRAMS)
def tls13_stacks_mutual(lab):
    api_certificate(lab)
    lab.certificate("orders", issuer="lab-root", dns="orders.shop.test", usage="client")
    everybody(lab, "-auth", "require", "-ca", lab.path("lab-root.pem"), own="orders")
    return Truth(
        [silent(port, "presented") for port in CLIENTS], hidden_ends(lab, CLIENTS, ["orders"]), present=["WL9001"],
        maybe=["WL2002"], absent=["WL4001", "WL4002"],
    )


@scenario("tls13-stacks-declined", "TLS 1.3 by five clients that are asked for a certificate and have none", PROGRAMS)
def tls13_stacks_declined(lab):
    api_certificate(lab)
    everybody(lab, "-auth", "verify-if-given", "-ca", lab.path("lab-root.pem"))
    return Truth(
        [silent(port, "declined") for port in CLIENTS], hidden_ends(lab, CLIENTS), present=["WL4002", "WL9001"],
        maybe=["WL2002"], absent=["WL4001"],
    )


@scenario("tls13-stacks-refuse-server", "TLS 1.3 by five clients that refuse a server of an unknown authority", PROGRAMS)
def tls13_stacks_refuse_server(lab):
    api_certificate(lab)
    lab.authority("stranger", cn="an authority of nobody")
    everybody(lab, ca="stranger", expect="failure")
    return Truth(
        [silent(port, None, true_established=False) for port in CLIENTS], hidden_ends(lab, CLIENTS),
        present=["WL8001"], maybe=["WL2002", "WL8002", "WL9001"], absent=["WL4001", "WL4002", "WL4003"],
    )


@scenario("tls13-stacks-refuse-client", "TLS 1.3 by five clients whose certificates the server refuses", PROGRAMS)
def tls13_stacks_refuse_client(lab):
    api_certificate(lab)
    lab.authority("stranger", cn="an authority of nobody")
    lab.certificate("orders", issuer="stranger", dns="orders.shop.test", usage="client")
    everybody(lab, "-auth", "require", "-ca", lab.path("lab-root.pem"), own="orders", expect="any")
    return Truth(
        [silent(port, "presented", true_established=False) for port in CLIENTS], hidden_ends(lab, CLIENTS, ["orders"]),
        present=["WL8001"], maybe=["WL2002", "WL8003", "WL9001"], absent=["WL4001", "WL4002"],
    )


@scenario("tls13-nginx", "TLS 1.3 to nginx: one-way, mutual, optional and declined, and refused for want of a certificate", ["curl", "nginx"])
def tls13_nginx(lab):
    api_certificate(lab)
    lab.certificate("orders", issuer="lab-root", dns="orders.shop.test", usage="client")
    common = (
        f"ssl_certificate {lab.path('api.pem')}; ssl_certificate_key {lab.path('api.key')}; ssl_protocols TLSv1.3;"
        f"ssl_client_certificate {lab.path('lab-root.pem')}; location / {{ return 200 'fine'; }}"
    )
    verify = {8441: "off", 8442: "on", 8443: "optional", 8444: "on"}
    blocks = [f"listen {address(port=port)} ssl; ssl_verify_client {how}; {common}" for port, how in verify.items()]
    nginx(lab, "server", " } server { ".join(blocks), 8444)
    with lab.capture():
        for port in verify:
            call(lab, "curl", port, own="orders" if port == 8442 else None)
    return Truth(
        [
            silent(8441, "not-requested", cipher=AES_256), silent(8442, "presented", cipher=AES_256),
            silent(8443, "declined", cipher=AES_256), silent(8444, "declined", cipher=AES_256),
        ],
        hidden_ends(lab, verify, ["orders"]), present=["WL4001", "WL4002", "WL9001"], maybe=["WL2002"],
        note="nginx finishes the handshake without a certificate and then answers 400, on port 8444.",
    )
