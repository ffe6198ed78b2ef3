"""TLS 1.2 as it should be, and what it shows of who authenticated."""

from driver.lab import scenario
from driver.truth import Truth, certificate, connection
from driver.wire import ipv4, ipv6, narrow

from .plaintext import nginx

API = "api.shop.test"
ECDSA_GCM = "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"
RSA_GCM = "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384"


def address(host="server", port=8443):
    return f"{ipv4(host)}:{port}"


def tls(server=None, client=ipv4("client"), count=1, **facts):
    """A TLS 1.2 connection as the lab sets it up unless `facts` say otherwise; None leaves a fact out."""
    usual = {
        "posture": "tls", "evidence": "observed", "client_auth": "not-requested", "protocol": "tls",
        "version": "TLSv1.2", "cipher": ECDSA_GCM, "group": "x25519", "sni": API, "resumed": False,
        "established": True,
    }
    known = {key: value for key, value in {**usual, **facts}.items() if value is not None}
    return connection(client, server or address(), count, **known)


def serve_https(lab, *flags, name="api", host="server", port=8443, version="1.2"):
    lab.serve(host, [
        lab.peer, "serve-http", "-listen", address(host, port), "-cert", lab.path(f"{name}.pem"), "-key",
        lab.path(f"{name}.key"), "-max", version, *flags,
    ], port)


def call_https(lab, *flags, server=None, name=API, ca="lab-root", paths=("/orders",), **how):
    urls = [f"https://{server or address()}{path}" for path in paths]
    return lab.call("client", [
        lab.peer, "call-http", "-name", name, "-ca", lab.path(f"{ca}.pem"), "-suites", ECDSA_GCM, "-curves", "X25519",
        *flags, *urls,
    ], **how)


def api_certificate(lab, **flags):
    lab.authority()
    return lab.certificate("api", **{"issuer": "lab-root", "dns": API, "ip": ipv4("server"), **flags})


def spiffe_client(lab, issuer="lab-root"):
    return lab.certificate("orders", issuer=issuer, uri="spiffe://shop.test/ns/shop/sa/orders", usage="client")


def ends(lab, name="orders"):
    return "-cert", lab.path(f"{name}.pem"), "-key", lab.path(f"{name}.key")


@scenario("tls12-one-way", "TLS 1.2 in which only the server authenticates; the server could do TLS 1.3, the client cannot", ["go"])
def tls12_one_way(lab):
    api = api_certificate(lab)
    serve_https(lab, version="1.3")
    with lab.capture():
        call_https(lab, "-max", "1.2", paths=("/orders", "/orders/7"))
    return Truth(
        [tls(alpn="h2")], [certificate(f"{api}.pem", "server", address())], present=["WL4001"],
        note="The server's random ends in the downgrade sentinel, rightly: the client offered TLS 1.2 at most.",
    )


@scenario("tls12-mutual", "TLS 1.2 in which both ends present certificates, issued by an intermediate authority", ["go"])
def tls12_mutual(lab):
    lab.authority()
    lab.authority("lab-intermediate", issuer="lab-root", cn="lab intermediate")
    api = lab.certificate("api", issuer="lab-intermediate", dns=API, uri="spiffe://shop.test/ns/shop/sa/api")
    orders = spiffe_client(lab, "lab-intermediate")
    serve_https(lab, "-auth", "require", "-ca", lab.path("lab-root.pem"))
    with lab.capture():
        call_https(lab, *ends(lab), "-connections", "2")
    holder = ipv4("client")
    return Truth(
        [tls(count=2, posture="mtls", client_auth="presented", alpn="h2")],
        [
            certificate(f"{api}.pem", "server", address()), certificate(f"{api}.pem", "server", address(), 1),
            certificate(f"{orders}.pem", "client", holder), certificate(f"{orders}.pem", "client", holder, 1),
        ],
        absent=["WL4011"],
    )


@scenario("tls12-mutual-nginx", "TLS 1.2 with both certificates between curl and nginx, RSA keys, over IPv6", ["curl", "nginx"])
def tls12_mutual_nginx(lab):
    server = f"[{ipv6('server')}]:8443"
    api = api_certificate(lab, key="rsa2048")
    orders = lab.certificate("orders", issuer="lab-root", dns="orders.shop.test", usage="client", key="rsa2048")
    nginx(
        lab, "server",
        f"listen {server} ssl; ssl_certificate {api}.pem; ssl_certificate_key {api}.key; ssl_protocols TLSv1.2;"
        f"ssl_ciphers ECDHE-RSA-AES256-GCM-SHA384; ssl_ecdh_curve prime256v1; ssl_verify_client on;"
        f"ssl_client_certificate {lab.path('lab-root.pem')}; location / {{ return 200 'fine'; }}",
        8443,
    )
    with lab.capture():
        lab.call("client", [
            "curl", "-sS", "--http1.1", "--connect-to", f"{API}:443:{server}", "--cacert", lab.path("lab-root.pem"),
            "--cert", f"{orders}.pem", "--key", f"{orders}.key", f"https://{API}/",
        ])
    client = f"[{ipv6('client')}]"
    return Truth(
        [tls(server, client, posture="mtls", client_auth="presented", cipher=RSA_GCM, group="secp256r1", alpn="http/1.1")],
        [
            certificate(f"{api}.pem", "server", server), certificate(f"{orders}.pem", "client", client),
            root(lab, "client", client),
        ],
        present=["WL2002"], note="Debian's curl offers TLS 1.0 and 1.1 besides 1.2 and 1.3, although it would refuse them.",
    )


@scenario("tls12-long-chain", "TLS 1.2 with both certificates and chains of three that do not fit one segment", ["go"])
def tls12_long_chain(lab):
    lab.authority(key="rsa2048")
    lab.authority("lab-region", issuer="lab-root", cn="lab region", key="rsa2048")
    lab.authority("lab-zone", issuer="lab-region", cn="lab zone", key="rsa2048")
    api = lab.certificate("api", issuer="lab-zone", dns=API, key="rsa2048")
    orders = lab.certificate("orders", issuer="lab-zone", uri="spiffe://shop.test/ns/shop/sa/orders", usage="client", key="rsa2048")
    serve_https(lab, "-auth", "require", "-ca", lab.path("lab-root.pem"))
    with lab.capture():
        call_https(lab, *ends(lab), "-suites", RSA_GCM)
    made = [("server", address(), api), ("client", ipv4("client"), orders)]
    return Truth(
        [tls(posture="mtls", client_auth="presented", cipher=RSA_GCM, alpn="h2")],
        [certificate(f"{end}.pem", role, holder, at) for role, holder, end in made for at in range(3)],
    )


@scenario("tls12-small-mtu", "TLS 1.2 with both certificates over links that carry 576 bytes: every message comes in pieces", ["go"])
def tls12_small_mtu(lab):
    lab.authority(key="rsa2048")
    lab.authority("lab-zone", issuer="lab-root", cn="lab zone", key="rsa2048")
    api = lab.certificate("api", issuer="lab-zone", dns=API, key="rsa2048")
    orders = lab.certificate("orders", issuer="lab-zone", dns="orders.shop.test", usage="client", key="rsa2048")
    serve_https(lab, "-auth", "require", "-ca", lab.path("lab-root.pem"))
    with narrow("client", "server"), lab.capture():
        call_https(lab, *ends(lab), "-suites", RSA_GCM)
    made = [("server", address(), api), ("client", ipv4("client"), orders)]
    return Truth(
        [tls(posture="mtls", client_auth="presented", cipher=RSA_GCM, alpn="h2")],
        [certificate(f"{end}.pem", role, holder, at) for role, holder, end in made for at in range(2)],
    )


@scenario("tls12-client-declines", "TLS 1.2: the server asks for a certificate, the client has none, and both go on", ["go"])
def tls12_client_declines(lab):
    api = api_certificate(lab)
    serve_https(lab, "-auth", "verify-if-given", "-ca", lab.path("lab-root.pem"))
    with lab.capture():
        call_https(lab, "-connections", "2")
    return Truth(
        [tls(count=2, client_auth="declined", alpn="h2")], [certificate(f"{api}.pem", "server", address())],
        present=["WL4002"],
    )


@scenario("tls12-client-refused", "TLS 1.2: the server asks for a certificate, the client has none, and the server refuses", ["go"])
def tls12_client_refused(lab):
    api = api_certificate(lab)
    serve_https(lab, "-auth", "require", "-ca", lab.path("lab-root.pem"))
    with lab.capture():
        call_https(lab, expect="failure")
    return Truth(
        [tls(posture=None, client_auth="declined", established=False, alpn="h2", alerts=["server: 40"])],
        [certificate(f"{api}.pem", "server", address())], present=["WL8001"], absent=["WL8003"],
    )


@scenario("tls12-resumed-ticket", "TLS 1.2 resumed by a session ticket", ["go"])
def tls12_resumed_ticket(lab):
    api = api_certificate(lab)
    serve_https(lab)
    with lab.capture():
        call_https(lab, "-connections", "3", "-resume")
    resumed = tls(
        count=2, evidence="inherited", group=None, resumed=True, alpn="h2",
    )
    return Truth(
        [tls(alpn="h2"), resumed], [certificate(f"{api}.pem", "server", address())], present=["WL4001"],
        absent=["WL2010"], note="A resumed session inherits what the first connection showed.",
    )


@scenario("tls12-resumed-session-id", "TLS 1.2 with both certificates, resumed by session id", ["openssl"])
def tls12_resumed_session_id(lab):
    api = api_certificate(lab)
    spiffe_client(lab)
    lab.serve("server", [
        "openssl", "s_server", "-accept", address(), "-cert", f"{api}.pem", "-key", f"{api}.key", "-WWW", "-quiet",
        "-tls1_2", "-no_ticket", "-cipher", "ECDHE-ECDSA-AES128-GCM-SHA256", "-groups", "X25519:P-256", "-Verify", "2",
        "-CAfile", lab.path("lab-root.pem"), "-verify_return_error",
    ], 8443)
    with lab.capture():
        for session in ("-sess_out", "-sess_in"):
            openssl_client(lab, address(), *ends(lab), "-tls1_2", "-no_ticket", session, lab.path("session"), path=FILE)
    full = tls(posture="mtls", client_auth="presented")
    resumed = tls(
        posture="mtls", evidence="inherited", client_auth="presented", group=None, resumed=True,
    )
    return Truth(
        [full, resumed],
        [
            certificate(f"{api}.pem", "server", address()),
            root(lab, "server", address()),
            certificate(lab.path("orders.pem"), "client", ipv4("client")),
            root(lab, "client", ipv4("client")),
        ],
        note="A resumed session inherits what the first connection showed.",
    )


def root(lab, role, holder):
    """OpenSSL adds the authority that it was told to trust behind its own certificate."""
    return {**certificate(lab.path("lab-root.pem"), role, holder), "position": 1}


FILE = "/orders.txt"


def openssl_client(lab, server, *flags, name=API, path="/", **how):
    """One request by `openssl s_client`, which ends when the server closes. `s_server -WWW` has FILE and nothing else."""
    return lab.call("client", [
        "openssl", "s_client", "-connect", server, "-servername", name, "-CAfile", lab.path("lab-root.pem"), "-quiet",
        *flags,
    ], input=f"GET {path} HTTP/1.0\r\n\r\n".encode(), **how)
