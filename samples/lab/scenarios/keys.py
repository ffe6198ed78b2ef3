"""TLS of which the session keys are known: what is hidden without them can be read with them.

Keys are those of the recorded sessions and of nothing else. Most samples have them inside, as pcapng decryption
secrets; one has them beside it, as a key log.
"""

from driver.lab import scenario
from driver.truth import Truth, call, certificate
from driver.wire import ipv4

from .plaintext import GRPC_CALLS, TOKEN
from .tls12 import API, FILE, address, api_certificate, call_https, ends, openssl_client, serve_https, spiffe_client, tls
from .tls13 import AES_256, tls13

ORDERS = [call("", "GET /orders", 1, 200)]
CHACHA = "TLS_CHACHA20_POLY1305_SHA256"


def keyed(lab, **more):
    return {"embedded": lab.path("keys"), **more}


def log(lab):
    return "-keylog", lab.path("keys")


def read13(**facts):
    """A TLS 1.3 connection as it is with its keys."""
    usual = {"posture": "tls", "evidence": "decrypted", "client_auth": "not-requested", "protocol": None, "alpn": "h2",
             "true_posture": None, "really": None, "inside": "h2", "calls": ORDERS}
    return tls13(**{**usual, **facts})


def read12(**facts):
    """A TLS 1.2 connection as it is with its keys: its handshake is readable without them."""
    return tls(**{"protocol": None, "alpn": "h2", "inside": "h2", "calls": ORDERS, **facts})


def served(lab, holder=None):
    return certificate(lab.path("api.pem"), "server", holder or address())


@scenario("tls13-keys-one-way", "TLS 1.3 with its keys: only the server authenticates", ["go"])
def tls13_keys_one_way(lab):
    api_certificate(lab)
    serve_https(lab, version="1.3")
    with lab.capture():
        call_https(lab, *log(lab), "-connections", "2")
    return Truth([read13(count=2)], [served(lab)], present=["WL4001"], absent=["WL9001"], **keyed(lab))


@scenario("tls13-keys-mutual", "TLS 1.3 with its keys: both ends present certificates", ["go"])
def tls13_keys_mutual(lab):
    api_certificate(lab)
    orders = spiffe_client(lab)
    serve_https(lab, "-auth", "require", "-ca", lab.path("lab-root.pem"), version="1.3")
    with lab.capture():
        call_https(lab, *log(lab), *ends(lab))
    return Truth(
        [read13(posture="mtls", client_auth="presented")],
        [served(lab), certificate(f"{orders}.pem", "client", ipv4("client"))], absent=["WL9001"], **keyed(lab),
    )


@scenario("tls13-keys-declined", "TLS 1.3 with its keys: the server asks for a certificate, the client has none, and both go on", ["go"])
def tls13_keys_declined(lab):
    api_certificate(lab)
    serve_https(lab, "-auth", "verify-if-given", "-ca", lab.path("lab-root.pem"), version="1.3")
    with lab.capture():
        call_https(lab, *log(lab))
    return Truth([read13(client_auth="declined")], [served(lab)], present=["WL4002"], absent=["WL9001"], **keyed(lab))


@scenario("tls13-keys-refused", "TLS 1.3 with its keys: the server refuses a client without a certificate, and a client refuses the server", ["go"])
def tls13_keys_refused(lab):
    api_certificate(lab)
    lab.authority("stranger")
    serve_https(lab, "-auth", "require", "-ca", lab.path("lab-root.pem"), version="1.3")
    with lab.capture():
        call_https(lab, *log(lab), expect="failure")
        call_https(lab, *log(lab), ca="stranger", expect="failure")
    refused = {"posture": None, "established": False, "inside": None, "calls": None}
    return Truth(
        [read13(client_auth="declined", **refused), read13(client_auth=None, **refused)], [served(lab)],
        present=["WL8001"], absent=["WL9001"], **keyed(lab),
        note="The server refuses with an encrypted alert 116, the client with 42.",
    )


@scenario("tls13-keys-bad-certificates", "TLS 1.3 with its keys: expired, for another name, self-signed, of no known authority, and nobody minds", ["go"])
def tls13_keys_bad_certificates(lab):
    lab.authority()
    lab.authority("stranger", cn="an authority of nobody")
    kinds = {
        8441: ("expired", {"issuer": "lab-root", "from": "-2160h", "to": "-72h"}, "expired.shop.test", "expired"),
        8442: ("other-name", {"issuer": "lab-root"}, "payments.shop.test", "valid"),
        8443: ("self-signed", {}, "self-signed.shop.test", "valid"),
        8444: ("unknown", {"issuer": "stranger"}, "unknown.shop.test", "valid"),
    }
    told, shown = [], []
    for port, (name, flags, asked, validity) in kinds.items():
        made = lab.certificate(name, dns=f"{name}.shop.test", **flags)
        serve_https(lab, name=name, port=port, version="1.3")
        told.append(read13(server=address(port=port), sni=asked))
        shown.append(certificate(f"{made}.pem", "server", address(port=port), validity=validity))
    with lab.capture():
        for port, (_, _, asked, _) in kinds.items():
            call_https(lab, *log(lab), "-insecure", server=address(port=port), name=asked)
    return Truth(
        told, shown, present=["WL3001", "WL3002", "WL3003", "WL3009", "WL4001", "WL4003"], absent=["WL9001"],
        **keyed(lab, trust=lab.bundle("trusted", "lab-root")),
    )


@scenario("tls13-keys-suites", "TLS 1.3 with its keys: AES-256, ChaCha20 and AES-128 with CCM, after a HelloRetryRequest and by a hybrid group", ["openssl", "go"])
def tls13_keys_suites(lab):
    api_certificate(lab)
    by_suite = {8441: AES_256, 8442: CHACHA, 8443: "TLS_AES_128_CCM_SHA256"}
    for port, suite in by_suite.items():
        s_server(lab, port, "-tls1_3", "-ciphersuites", suite, "-groups", "X25519")
    serve_https(lab, "-curves", "P-384", port=8444, version="1.3")
    serve_https(lab, port=8445, version="1.3")
    with lab.capture():
        for port, suite in by_suite.items():
            openssl_client(lab, address(port=port), "-tls1_3", "-ciphersuites", suite, "-keylogfile", lab.path("keys"), path=FILE)
        call_https(lab, *log(lab), "-curves", "X25519,P-384", server=address(port=8444))
        call_https(lab, *log(lab), "-curves", "X25519MLKEM768,X25519", server=address(port=8445))
    www = {"alpn": None, "inside": "http/1.1", "calls": [call("", "GET /orders.txt", 1, 200)]}
    return Truth(
        [
            *(read13(server=address(port=port), cipher=suite, **www) for port, suite in by_suite.items()),
            read13(server=address(port=8444), group="secp384r1", hello_retry=True),
            read13(server=address(port=8445), group="X25519MLKEM768"),
        ],
        [served(lab, address(port=port)) for port in range(8441, 8446)], present=["WL4001"],
        absent=["WL9001"], maybe=["WL2003"], **keyed(lab),
    )


@scenario("tls12-keys-suites", "TLS 1.2 with its keys: GCM, ChaCha20, CBC with and without encrypt-then-MAC, and no extended master secret", ["openssl", "python", "go"])
def tls12_keys_suites(lab):
    api_certificate(lab)
    spoken = {
        8441: ("ECDHE-ECDSA-AES128-GCM-SHA256", "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", []),
        8442: ("ECDHE-ECDSA-CHACHA20-POLY1305", "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256", []),
        8443: ("ECDHE-ECDSA-AES256-SHA384", "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA384", []),
        8444: ("ECDHE-ECDSA-AES128-SHA", "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA", ["-no_etm"]),
        8445: ("ECDHE-ECDSA-AES256-GCM-SHA384", "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384", []),
    }
    for port, (cipher, _, flags) in spoken.items():
        s_server(lab, port, "-tls1_2", "-cipher", cipher, "-groups", "X25519:P-256", *flags)
    by_go = ["-suites", "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA", "-alpn", "http/1.1"]
    serve_https(lab, *by_go, port=8446)
    with lab.capture():
        for port, (cipher, _, flags) in list(spoken.items())[:4]:
            openssl_client(
                lab, address(port=port), "-tls1_2", "-cipher", cipher, *flags, "-keylogfile", lab.path("keys"), path=FILE,
            )
        lab.call("client", [
            "/usr/bin/python3", lab.program("tls_client.py"), ipv4("server"), "8445", API, lab.path("lab-root.pem"),
            lab.path("keys"),
        ])
        call_https(lab, *log(lab), *by_go, server=address(port=8446))
    www = {"alpn": None, "inside": "http/1.1", "calls": [call("", "GET /orders.txt", 1, 200)]}
    return Truth(
        [
            *(read12(server=address(port=port), cipher=suite, **www) for port, (_, suite, _) in spoken.items()),
            read12(server=address(port=8446), cipher=by_go[1], alpn="http/1.1", inside="http/1.1"),
        ],
        [served(lab, address(port=port)) for port in range(8441, 8447)], present=["WL2007", "WL4001"],
        maybe=["WL2003"], **keyed(lab),
    )


def s_server(lab, port, *flags):
    api = lab.path("api")
    lab.serve("server", [
        "openssl", "s_server", "-accept", address(port=port), "-cert", f"{api}.pem", "-key", f"{api}.key", "-WWW",
        "-quiet", *flags,
    ], port)


@scenario("tls12-keys-mutual", "TLS 1.2 with its keys: both ends present certificates, three connections, two of them resumed", ["go"])
def tls12_keys_mutual(lab):
    api_certificate(lab)
    orders = spiffe_client(lab)
    serve_https(lab, "-auth", "require", "-ca", lab.path("lab-root.pem"))
    with lab.capture():
        call_https(lab, *log(lab), *ends(lab), "-connections", "3", "-resume")
    resumed = read12(posture=None, true_posture="mtls", client_auth=None, true_client_auth="presented",
                     evidence=None, group=None, resumed=True, count=2, inside=None, calls=None)
    return Truth(
        [read12(posture="mtls", client_auth="presented"), resumed],
        [served(lab), certificate(f"{orders}.pem", "client", ipv4("client"))], **keyed(lab),
        note="Go writes no keys of the sessions that it resumed.",
    )


@scenario("tls13-keys-resumed", "TLS 1.3 with its keys: a session resumed by a pre-shared key", ["openssl"])
def tls13_keys_resumed(lab):
    api_certificate(lab)
    s_server(lab, 8443, "-tls1_3", "-groups", "X25519")
    with lab.capture():
        for session in ("-sess_out", "-sess_in"):
            openssl_client(lab, address(), "-tls1_3", session, lab.path("session"), "-keylogfile", lab.path("keys"), path=FILE)
    www = {"alpn": None, "cipher": AES_256, "inside": "http/1.1", "calls": [call("", "GET /orders.txt", 1, 200)]}
    resumed = {"posture": None, "evidence": None, "client_auth": None, "true_posture": "tls", "resumed": True}
    return Truth(
        [read13(resumed=False, **www), read13(**{**www, **resumed})], [served(lab)], present=["WL4001"], **keyed(lab),
    )


@scenario("grpc-tls13-keys", "gRPC over mutual TLS 1.3 with its keys, and a bearer token inside", ["go", "grpc-go"])
def grpc_tls13_keys(lab):
    grpc_over_tls(lab)
    return Truth(**grpc_truth(lab), **keyed(lab))


@scenario("grpc-tls13-keylog", "gRPC over mutual TLS 1.3 with its keys in a file of their own, and a bearer token inside", ["go", "grpc-go"])
def grpc_tls13_keylog(lab):
    grpc_over_tls(lab)
    return Truth(**grpc_truth(lab), keylog=lab.path("keys"))


def grpc_over_tls(lab):
    api = api_certificate(lab)
    spiffe_client(lab)
    listen = address(port=50051)
    ca = lab.path("lab-root.pem")
    lab.serve("server", [
        lab.peer, "serve-grpc", "-listen", listen, "-cert", f"{api}.pem", "-key", f"{api}.key", "-auth", "require",
        "-ca", ca,
    ], 50051)
    with lab.capture():
        lab.call("client", [
            lab.peer, "call-grpc", "-name", API, "-ca", ca, "-curves", "X25519", *ends(lab), *log(lab), "-token", TOKEN,
            listen,
        ])


def grpc_truth(lab):
    listen = address(port=50051)
    session = read13(server=listen, posture="mtls", client_auth="presented", inside="grpc", calls=GRPC_CALLS,
                     auth_schemes=["bearer"])
    return {
        "connections": [session],
        "certificates": [
            certificate(lab.path("api.pem"), "server", listen),
            certificate(lab.path("orders.pem"), "client", ipv4("client")),
        ],
        "absent": ["WL1001", "WL1003", "WL9001"], "secrets": [TOKEN],
    }
