"""What clients of each stack do with bad certificates, and TLS 1.3 of each stack with its keys.

A client that verifies is asked first, then one that was told not to. Whether it went on is what it said itself: some stacks
take what others refuse, so that is found out at the recording, from its exit code, or from its having the answer.
"""

import os

from driver.lab import leaf, scenario
from driver.truth import Truth, call, certificate
from driver.wire import ipv4

from .grpc import BOTH, lab_node, words_of
from .keys import ORDERS, read13
from .refusals import CLIENTS, call as ask
from .secured import over_tls, roots
from .tls12 import API, address, ends, serve_https

# Flags of the certificate, and the rule that is about it. Names are those of their services unless said otherwise.
BAD = {
    8441: ("self-signed", {"issuer": None}, "WL3001"), 8442: ("expired", {"from": "-2160h", "to": "-72h"}, "WL3003"),
    8443: ("not-yet", {"from": "48h", "to": "2160h"}, "WL3004"), 8444: ("other-name", {"dns": "payments.shop.test"}, "WL3009"),
    8445: ("unknown", {"issuer": "stranger"}, "WL3002"), 8446: ("no-intermediate", {"issuer": "lab-intermediate"}, "WL3015"),
    8447: ("revoked", {}, "WL3007"), 8448: ("weak-key", {"key": "rsa1024"}, "WL3012"), 8449: ("sha1", {"sha1": True, "issuer": "lab-old"}, "WL3013"),
    8450: ("for-clients", {"usage": "client"}, "WL3011"),
}
VALIDITY = {"expired": "expired", "not-yet": "not-yet-valid"}


def made(lab):
    """The old authority has an RSA key, because that is what signs with SHA-1. Clients trust both."""
    lab.authority()
    lab.authority("lab-old", cn="lab old root", key="rsa2048")
    lab.authority("stranger", cn="an authority of nobody")
    lab.authority("lab-intermediate", issuer="lab-root", cn="lab intermediate")
    for name, flags, _ in BAD.values():
        flags = {"issuer": "lab-root", "dns": f"{name}.shop.test", **flags}
        path = lab.certificate(name, **{key: value for key, value in flags.items() if value is not None})
        alone = leaf(f"{path}.pem")
        with open(f"{path}.pem", "w", encoding="ascii") as file:
            file.write(alone)
    crl = lab.revocations("lab-root", "revoked")
    with open(lab.path("lab-root.pem"), "a", encoding="ascii") as file:
        file.write(leaf(lab.path("lab-old.pem")))
    return crl


def judge(argv):
    """A client that takes address, port and words."""

    def run(lab, port, name, crl, lax):
        more = ["lax=yes"] if lax else [f"crl={crl}"] if crl else []
        return [*argv(lab), ipv4("server"), str(port), f"name={name}", f"ca={lab.path('lab-root.pem')}", *more]

    return run


def java(lab):
    jars = os.path.join(lab.build, "java")
    return ["java", "-Xmx128m", "-XX:TieredStopAtLevel=1", "-cp", f"{jars}/*:{jars}", "Judge"]


def curl(lab, port, name, crl, lax):
    trust = ["-k"] if lax else ["--cacert", lab.path("lab-root.pem"), *(["--crlfile", crl] if crl else [])]
    return ["curl", "-sS", "--http1.1", "--connect-to", f"{name}:443:{address(port=port)}", *trust, f"https://{name}/orders"]


def openssl(lab, port, name, crl, lax):
    words = ["openssl", "s_client", "-connect", address(port=port), "-servername", name, "-CAfile", lab.path("both.pem"), "-quiet"]
    return [*words, *([] if lax else ["-verify_return_error", "-verify_hostname", name, *(["-crl_check"] if crl else [])])]


def tonic(lab, port, name, crl, lax):
    """tonic always verifies, and knows of no revocations."""
    return None if lax else words_of(lab, "rust", "call", port, [f"ca={lab.path('lab-root.pem')}", f"name={name}"])


STACKS = {
    "python": (judge(lambda lab: ["/usr/bin/python3", lab.program("judge.py")]), ["python", "go"]),
    "node": (judge(lambda lab: ["node", lab.program("judge.js")]), ["node", "go"]),
    "java": (judge(java), ["java", "go"]), "curl": (curl, ["curl", "go"]), "openssl": (openssl, ["openssl", "go"]),
    "rust": (tonic, ["tonic", "grpc-go"]),
}
# What is looked at when the handshake is over: by Node.js everything, by curl the name.
LATE = {"node": [name for name, _, _ in BAD.values()], "curl": ["other-name"]}


def asked(lab, stack, port, name, crl):
    """What became of a verifying client, and where it did not go on, of a lax one: True where it went on."""
    fate = []
    for lax in (False, True):
        if fate == [True]:
            break
        argv = STACKS[stack][0](lab, port, name, crl, lax)
        if argv is not None:
            said = lab.call("client", ["sh", "-c", '"$@" && echo went-on', "sh", *argv], expect="any", input=b"GET /orders HTTP/1.0\r\n\r\n")
            fate.append(b"went-on" in said or b" 200 OK" in said)
            lab.settle(0.1)
    return fate


def judged(lab, stack):
    lab.keep_small()
    crl = made(lab)
    lab.bundle("both", "lab-root", "lab-old")
    with open(lab.path("both.pem"), "a", encoding="ascii") as both, open(crl, encoding="ascii") as file:
        both.write(file.read())
    for port, (name, _, _) in BAD.items():
        if stack == "rust":
            lab.serve("server", [lab.peer, "serve-grpc", "-listen", address(port=port), "-cert", lab.path(f"{name}.pem"), "-key",
                                 lab.path(f"{name}.key"), "-max", "1.2"], port)
        else:
            serve_https(lab, "-alpn", "http/1.1", name=name, port=port)
    fates = {}
    with lab.capture():
        for port, (name, _, _) in BAD.items():
            fates[port] = asked(lab, stack, port, f"{name}.shop.test", crl if name == "revoked" else None)
    told = []
    for port, fate in fates.items():
        for went_on in fate:
            facts = {} if went_on or BAD[port][0] in LATE.get(stack, ()) else {"posture": None, "evidence": None, "established": False}
            told.append(over_tls(address(port=port), "1.2", "not-requested", sni=f"{BAD[port][0]}.shop.test", **facts))
    refused = [BAD[port][0] for port, fate in fates.items() if not fate[0]]
    rules = {rule for _, _, rule in BAD.values()} | {"WL4001"}
    return Truth(
        told,
        [certificate(lab.path(f"{name}.pem"), "server", address(port=port), validity=VALIDITY.get(name, "valid"))
         for port, (name, _, _) in BAD.items()],
        present=rules | ({"WL4003"} if stack != "rust" else set()) | ({"WL8001"} if stack != "node" else set()),
        maybe={"WL2002", "WL2007", "WL3005", "WL3008", "WL8001", "WL8003", "WL4003"} - ({"WL4003"} if stack != "rust" else set())
        - ({"WL8001"} if stack != "node" else set()),
        trust=lab.bundle("trusted", "lab-root", "lab-old", "lab-intermediate"), crl=crl,
        note=f"Each server is asked by a client that verifies{', then, where that refused, by one that does not' if stack != 'rust' else ''}. Refused: {', '.join(refused)}.",
    )


NAMES = {"node": "Node.js", "java": "Java (JSSE)", "curl": "curl", "openssl": "OpenSSL", "rust": "Rust (tonic, rustls)"}

for each, (_, needed) in STACKS.items():
    scenario(f"tls12-bad-certificates-{each}", f"Ten kinds of bad certificates, and what a client on {NAMES.get(each, each.capitalize())} does with each", needed)(
        lambda lab, stack=each: judged(lab, stack))


def keylog(lab):
    return ["-keylog", lab.path("keys")]


@scenario("tls13-stacks-keys", "TLS 1.3 by five clients, with its keys as the server knew them: one-way, and with certificates", ["go", "openssl", "python", "node", "curl"])
def tls13_stacks_keys(lab):
    lab.authority()
    lab.certificate("api", issuer="lab-root", dns=API, ip=ipv4("server"))
    lab.certificate("orders", issuer="lab-root", dns="orders.shop.test", usage="client")
    mutual = {port + 10: program for port, program in CLIENTS.items()}
    for port in (*CLIENTS, *mutual):
        more = ["-auth", "require", "-ca", lab.path("lab-root.pem")] if port in mutual else []
        serve_https(lab, "-alpn", "http/1.1", *keylog(lab), *more, port=port, version="1.3")
    with lab.capture():
        for port, program in CLIENTS.items():
            ask(lab, program, port)
            ask(lab, program, port + 10, own="orders")
    told = []
    for port, program in (*CLIENTS.items(), *mutual.items()):
        more = {"posture": "mtls", "client_auth": "presented"} if port in mutual else {}
        calls = [call("", "GET /", 1, 200)] if program == "openssl" else ORDERS
        alpn = None if program in ("openssl", "python", "node") else "http/1.1"
        told.append(read13(server=address(port=port), cipher=None, group=None, inside="http/1.1", alpn=alpn, calls=calls, **more))
    return Truth(
        told,
        [*(certificate(lab.path("api.pem"), "server", address(port=port)) for port in (*CLIENTS, *mutual)),
         certificate(lab.path("orders.pem"), "client", ipv4("client")), *roots(lab, ipv4("client"))],
        present=["WL4001"], maybe=["WL2002", "WL3014"], absent=["WL9001"], embedded=lab.path("keys"),
        note="OpenSSL, and what is built on it, adds the root to the certificate of the client.",
    )


GRPC_CLIENTS = {50051: "python", 50052: "node", 50053: "java", 50054: "rust"}


@scenario("grpc-stacks-keys", "gRPC in Python, Node.js, Java and Rust to Go, over mutual TLS 1.3, with its keys in a file of their own", ["grpc-go", "grpcio", "@grpc/grpc-js", "grpc-java", "tonic"])
def grpc_stacks_keys(lab):
    lab.authority()
    lab.certificate("api", issuer="lab-root", dns=API, ip=ipv4("server"))
    lab.certificate("orders", issuer="lab-root", dns="orders.shop.test", usage="client")
    ca, api = lab.path("lab-root.pem"), ends(lab, "api")
    for port in GRPC_CLIENTS:
        lab.serve("server", [lab.peer, "serve-grpc", "-listen", address(port=port), *api, "-ca", ca, "-auth", "require", *keylog(lab)], port)
    with lab.capture():
        for port, language in GRPC_CLIENTS.items():
            cert, key = ends(lab)[1::2]
            lab.call("client", words_of(lab, language, "call", port, [f"ca={ca}", f"name={API}", f"cert={cert}", f"key={key}"]), env=lab_node(lab))
    return Truth(
        [read13(server=address(port=port), cipher=None, group=None, posture="mtls", client_auth="presented", inside="grpc", calls=BOTH)
         for port in GRPC_CLIENTS],
        [*(certificate(lab.path("api.pem"), "server", address(port=port)) for port in GRPC_CLIENTS),
         certificate(lab.path("orders.pem"), "client", ipv4("client")),
         *roots(lab, ipv4("client"))],
        maybe=["WL2002", "WL3014"], absent=["WL1001", "WL9001"], keylog=lab.path("keys"),
    )
