"""What only several sessions together tell: changes of authority, protection that goes away, refusals that repeat.

Each sample but the one about early data is TLS 1.2, where certificates can be read.
"""

from driver.lab import scenario
from driver.truth import Truth, certificate
from driver.wire import ipv4

from .plaintext import nginx
from .tls12 import API, ECDSA_GCM, address, api_certificate, call_https, ends, openssl_client, serve_https, spiffe_client, tls
from .tls13 import AES_256, hidden, tls13
from .trust import H2, refused, serving, shown

PORTS = (8441, 8442, 8443)


@scenario("tls12-authority-change", "Two of three servers are renewed by a new authority, the third is forgotten", ["go"])
def tls12_authority_change(lab):
    lab.authority()
    lab.authority("new-root", cn="lab-root 2")
    for port in PORTS:
        lab.certificate(f"old-{port}", issuer="lab-root", dns=f"s{port}.shop.test")
    for port in PORTS[:2]:
        lab.certificate(f"new-{port}", issuer="new-root", dns=f"s{port}.shop.test", cn=f"old-{port}")

    def call(port):
        call_https(lab, "-insecure", "-alpn", "http/1.1", server=address(port=port), name=f"s{port}.shop.test")

    with lab.capture(bare_acks=False):
        first = {port: serving(lab, f"old-{port}", port=port) for port in PORTS}
        for port in PORTS:
            call(port)
        for port in PORTS[:2]:
            lab.stop(first[port])
            serving(lab, f"new-{port}", port=port)
        for port in PORTS:
            call(port)
    at = {port: address(port=port) for port in PORTS}
    return Truth(
        [tls(at[port], count=2, sni=f"s{port}.shop.test", alpn="http/1.1") for port in PORTS],
        [one for port in PORTS for one in shown(lab, f"old-{port}", server=at[port])]
        + [one for port in PORTS[:2] for one in shown(lab, f"new-{port}", server=at[port])],
        present=["WL3019", "WL4001", "WL4006"], absent=["WL4005"],
    )


@scenario("tls12-mutual-no-more", "A client calls with its certificate, and after a change without", ["go"])
def tls12_mutual_no_more(lab):
    lab.authority()
    lab.certificate("api", issuer="lab-root", dns=API)
    orders = spiffe_client(lab)
    serve_https(lab, "-auth", "verify-if-given", "-ca", lab.path("lab-root.pem"))
    with lab.capture(bare_acks=False):
        call_https(lab, *ends(lab), "-alpn", "http/1.1", "-connections", "3")
        call_https(lab, "-alpn", "http/1.1", "-connections", "3")
    return Truth(
        [
            tls(count=3, posture="mtls", client_auth="presented", alpn="http/1.1"),
            tls(count=3, client_auth="declined", alpn="http/1.1"),
        ],
        [*shown(lab, "api"), certificate(f"{orders}.pem", "client", ipv4("client"))],
        present=["WL4002", "WL4011"],
    )


@scenario("tls12-refused-by-clients", "Two clients refuse the certificate of a server whose authority they do not know", ["go"])
def tls12_refused_by_clients(lab):
    lab.authority()
    lab.authority("stranger", cn="an authority of nobody")
    lab.certificate("api", issuer="stranger", dns=API)
    serve_https(lab)
    words = [
        lab.peer, "call-http", "-name", API, "-ca", lab.path("lab-root.pem"), "-suites", ECDSA_GCM, "-curves", "X25519",
        f"https://{address()}/orders",
    ]
    with lab.capture():
        for host in ("client", "caller"):
            lab.call(host, words, expect="failure")
    return Truth(
        [refused("client: 42", client=ipv4(host)) for host in ("client", "caller")], shown(lab, "api"),
        present=["WL8001", "WL8002"],
    )


@scenario("tls12-client-refused-again", "A client whose certificate has expired is refused, and tries again", ["go"])
def tls12_client_refused_again(lab):
    lab.authority()
    lab.certificate("api", issuer="lab-root", dns=API)
    orders = lab.certificate(
        "orders", issuer="lab-root", uri="spiffe://shop.test/ns/shop/sa/orders", usage="client",
        **{"from": "-2160h", "to": "-72h"},
    )
    serve_https(lab, "-auth", "require", "-ca", lab.path("lab-root.pem"))
    with lab.capture(bare_acks=False):
        for _ in range(2):
            call_https(lab, *ends(lab), expect="failure")
    return Truth(
        [refused("server: 45", count=2, client_auth="presented")],
        [*shown(lab, "api"), certificate(f"{orders}.pem", "client", ipv4("client"), validity="expired")],
        present=["WL3003", "WL8001", "WL8003"],
    )


@scenario("tls13-early-data", "TLS 1.3 with a request in early data, which the server takes", ["openssl"])
def tls13_early_data(lab):
    api = api_certificate(lab)
    lab.serve("server", [
        "openssl", "s_server", "-accept", address(), "-cert", f"{api}.pem", "-key", f"{api}.key", "-quiet", "-tls1_3",
        "-groups", "X25519", "-early_data", "-no_anti_replay",
    ], 8443)
    early = lab.path("early")
    with open(early, "w", encoding="ascii") as file:
        file.write("POST /orders HTTP/1.1\r\nHost: api.shop.test\r\nContent-Length: 0\r\n\r\n")
    talk = ["openssl", "s_client", "-connect", address(), "-servername", API, "-CAfile", lab.path("lab-root.pem"), "-tls1_3"]
    script = 'sleep 1 | "$@"'
    with lab.capture():
        lab.call("client", ["sh", "-c", script, "sh", *talk, "-sess_out", lab.path("session")], expect="any")
        lab.call(
            "client", ["sh", "-c", script, "sh", *talk, "-sess_in", lab.path("session"), "-early_data", early],
            expect="any",
        )
    return Truth(
        [tls13(cipher=AES_256, resumed=False), tls13(cipher=AES_256, resumed=True, evidence="inherited")],
        [hidden(lab, "api", "server", address())], present=["WL2009", "WL4001", "WL9001"],
    )


@scenario("tls12-long-tickets", "A server whose session tickets are good for thirty days", ["nginx", "openssl"])
def tls12_long_tickets(lab):
    api = api_certificate(lab)
    nginx(
        lab, "server",
        f"listen {address()} ssl; ssl_certificate {api}.pem; ssl_certificate_key {api}.key; ssl_protocols TLSv1.2;"
        "ssl_ciphers ECDHE-ECDSA-AES128-GCM-SHA256; ssl_ecdh_curve X25519; ssl_session_timeout 30d;"
        "location / { return 200 'fine'; }",
        8443,
    )
    with lab.capture():
        openssl_client(lab, address(), "-tls1_2")
    return Truth(
        [tls()], [certificate(f"{api}.pem", "server", address())], present=["WL2010", "WL4001"],
    )
