"""TLS 1.3: certificates are encrypted; what the client did shows in the lengths of records, and may be inferred."""

from driver.lab import scenario
from driver.truth import Truth, certificate, connection
from driver.wire import ipv4

from .tls12 import API, FILE, address, api_certificate, call_https, ends, openssl_client, serve_https, spiffe_client

AES_128 = "TLS_AES_128_GCM_SHA256"
AES_256 = "TLS_AES_256_GCM_SHA384"


def tls13(server=None, count=1, really="not-requested", **facts):
    """A TLS 1.3 connection; `really` is what the client did to authenticate itself, which nobody can read."""
    usual = {
        "posture": "mtls" if really == "presented" else "tls", "evidence": "inferred", "client_auth": really,
        "protocol": "tls", "version": "TLSv1.3", "cipher": AES_128, "group": "x25519", "sni": API,
        "hello_retry": False, "established": True,
    }
    known = {key: value for key, value in {**usual, **facts}.items() if value is not None}
    return connection(ipv4("client"), server or address(), count, **known)


def hidden(lab, name, role, holder):
    return certificate(lab.path(f"{name}.pem"), role, holder, visible=False)


@scenario("tls13-one-way", "TLS 1.3 in which only the server authenticates", ["go"])
def tls13_one_way(lab):
    api_certificate(lab)
    serve_https(lab, version="1.3")
    with lab.capture():
        call_https(lab, "-connections", "2")
    return Truth([tls13(count=2)], [hidden(lab, "api", "server", address())], present=["WL4001", "WL9001"])


@scenario("tls13-mutual", "TLS 1.3 in which both ends present certificates", ["go"])
def tls13_mutual(lab):
    api_certificate(lab)
    spiffe_client(lab)
    serve_https(lab, "-auth", "require", "-ca", lab.path("lab-root.pem"), version="1.3")
    with lab.capture():
        call_https(lab, *ends(lab), "-connections", "2")
    return Truth(
        [tls13(count=2, really="presented")],
        [hidden(lab, "api", "server", address()), hidden(lab, "orders", "client", ipv4("client"))],
        present=["WL9001"],
    )


@scenario("tls13-hybrid-group", "TLS 1.3 with a post-quantum hybrid group", ["go"])
def tls13_hybrid_group(lab):
    api_certificate(lab)
    serve_https(lab, version="1.3")
    with lab.capture():
        call_https(lab, "-curves", "X25519MLKEM768,X25519")
    return Truth(
        [tls13(group="X25519MLKEM768")], [hidden(lab, "api", "server", address())], present=["WL4001", "WL9001"]
    )


@scenario("tls13-hello-retry", "TLS 1.3 with a HelloRetryRequest: the server insists on another group", ["go"])
def tls13_hello_retry(lab):
    api_certificate(lab)
    serve_https(lab, "-curves", "P-384", version="1.3")
    with lab.capture():
        call_https(lab, "-curves", "X25519,P-384")
    return Truth(
        [tls13(group="secp384r1", hello_retry=True)], [hidden(lab, "api", "server", address())], present=["WL4001", "WL9001"]
    )


@scenario("tls13-resumed", "TLS 1.3 resumed by a pre-shared key", ["openssl"])
def tls13_resumed(lab):
    api = api_certificate(lab)
    lab.serve("server", [
        "openssl", "s_server", "-accept", address(), "-cert", f"{api}.pem", "-key", f"{api}.key", "-WWW", "-quiet",
        "-tls1_3", "-groups", "X25519",
    ], 8443)
    with lab.capture():
        for session in ("-sess_out", "-sess_in"):
            openssl_client(lab, address(), "-tls1_3", session, lab.path("session"), path=FILE)
    return Truth(
        [tls13(cipher=AES_256, resumed=False), tls13(cipher=AES_256, resumed=True, evidence="inherited")],
        [hidden(lab, "api", "server", address())], present=["WL4001", "WL9001"], absent=["WL2009"],
    )


@scenario("tls13-client-declines", "TLS 1.3: the server asks for a certificate, the client has none, and both go on", ["go"])
def tls13_client_declines(lab):
    api_certificate(lab)
    serve_https(lab, "-auth", "verify-if-given", "-ca", lab.path("lab-root.pem"), version="1.3")
    with lab.capture():
        call_https(lab)
    return Truth(
        [tls13(really="declined")], [hidden(lab, "api", "server", address())], present=["WL4002", "WL9001"]
    )


@scenario("tls13-client-refused", "TLS 1.3: the server asks for a certificate, the client has none, and the server refuses", ["go"])
def tls13_client_refused(lab):
    api_certificate(lab)
    serve_https(lab, "-auth", "require", "-ca", lab.path("lab-root.pem"), version="1.3")
    with lab.capture():
        call_https(lab, expect="failure")
    refused = tls13(posture="unknown", really="declined", established=False)
    return Truth(
        [refused], [hidden(lab, "api", "server", address())], present=["WL8001", "WL9001"],
        note="The refusal is an encrypted alert: only its length and place tell it from a handshake that went well.",
    )


@scenario("tls13-offers-tls10", "TLS 1.3 by a client that would accept TLS 1.0 as well", ["go"])
def tls13_offers_tls10(lab):
    api_certificate(lab)
    serve_https(lab, version="1.3")
    with lab.capture():
        call_https(lab, "-min", "1.0")
    return Truth([tls13()], [hidden(lab, "api", "server", address())], present=["WL2002", "WL4001", "WL9001"])


@scenario("grpc-tls13", "gRPC over TLS 1.3, one-way", ["go", "grpc-go"])
def grpc_tls13(lab):
    api = api_certificate(lab)
    listen = address(port=50051)
    lab.serve("server", [lab.peer, "serve-grpc", "-listen", listen, "-cert", f"{api}.pem", "-key", f"{api}.key"], 50051)
    with lab.capture():
        lab.call("client", [
            lab.peer, "call-grpc", "-name", API, "-ca", lab.path("lab-root.pem"), "-curves", "X25519", listen,
        ])
    return Truth([tls13(listen)], [hidden(lab, "api", "server", listen)], present=["WL4001", "WL9001"])
