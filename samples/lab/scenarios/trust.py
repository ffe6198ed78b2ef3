"""Certificates judged against an authority that the users trust: issuers, chains, revocations, and who shows what.

Each sample is TLS 1.2, where certificates can be read, and has the users' bundle beside it. Clients that accept what
they should not were told not to verify.
"""

from driver.lab import leaf, scenario
from driver.truth import Truth, certificate
from driver.wire import far, ipv4

from .plaintext import nginx
from .tls12 import API, address, call_https, ends, openssl_client, serve_https, spiffe_client, tls

H2 = {"alpn": "h2"}
ORDERS = "orders.shop.test"


def refused(*alerts, server=None, **facts):
    return tls(server, posture=None, established=False, alerts=list(alerts), **{**H2, **facts})


def shown(lab, *names, server=None, position=0):
    return [certificate(lab.path(f"{name}.pem"), "server", server or address(), position) for name in names]


def trusting(lab, **more):
    return {"trust": lab.bundle("trusted", "lab-root"), **more}


@scenario("tls12-trusted", "TLS 1.2 with both certificates from the users' authority: nothing to complain about", ["go"])
def tls12_trusted(lab):
    lab.authority()
    lab.authority("lab-intermediate", issuer="lab-root", cn="lab intermediate")
    api = lab.certificate("api", issuer="lab-intermediate", dns=API, uri="spiffe://shop.test/ns/shop/sa/api", usage="both")
    orders = spiffe_client(lab, "lab-intermediate")
    serve_https(lab, "-auth", "require", "-ca", lab.path("lab-root.pem"))
    with lab.capture():
        call_https(lab, *ends(lab))
    made = [("server", address(), api), ("client", ipv4("client"), orders)]
    return Truth(
        [tls(posture="mtls", client_auth="presented", **H2)],
        [certificate(f"{end}.pem", role, holder, at) for role, holder, end in made for at in range(2)],
        absent=["WL3002", "WL3007", "WL3015", "WL3016", "WL3017", "WL4003", "WL4004", "WL4005", "WL4006"], **trusting(lab),
    )


@scenario("tls12-unknown-issuer", "A certificate of an authority that nobody trusts: one client goes on regardless, two refuse", ["go", "openssl"])
def tls12_unknown_issuer(lab):
    lab.authority()
    lab.authority("stranger", cn="an authority of nobody")
    lab.certificate("api", issuer="stranger", dns=API)
    serve_https(lab)
    with lab.capture():
        call_https(lab, "-insecure")
        call_https(lab, expect="failure")
        openssl_client(
            lab, address(), "-tls1_2", "-verify_return_error", "-cipher", "ECDHE-ECDSA-AES128-GCM-SHA256", "-groups",
            "X25519", expect="failure",
        )
    return Truth(
        [tls(**H2), refused("client: 42"), refused("client: 48", alpn=None)], shown(lab, "api"),
        present=["WL3002", "WL4001", "WL4003", "WL8001"], absent=["WL3001", "WL3015"], **trusting(lab),
    )


@scenario("tls12-missing-intermediate", "A server that leaves its intermediate authority out: one client goes on regardless, one refuses", ["go"])
def tls12_missing_intermediate(lab):
    lab.authority()
    lab.authority("lab-intermediate", issuer="lab-root", cn="lab intermediate")
    api = lab.certificate("api", issuer="lab-intermediate", dns=API)
    alone = leaf(f"{api}.pem")
    with open(f"{api}.pem", "w", encoding="ascii") as file:
        file.write(alone)
    serve_https(lab)
    with lab.capture():
        call_https(lab, "-insecure")
        call_https(lab, expect="failure")
    return Truth(
        [tls(**H2), refused("client: 42")], shown(lab, "api"), present=["WL3015", "WL4001", "WL8001"],
        maybe=["WL3002", "WL4003"], **trusting(lab),
    )


@scenario("tls12-disordered-chain", "A server that sends its chain in the wrong order, with the root and a stranger", ["go"])
def tls12_disordered_chain(lab):
    lab.authority()
    lab.authority("lab-intermediate", issuer="lab-root", cn="lab intermediate")
    lab.authority("stranger", cn="an authority of nobody")
    api = lab.certificate("api", issuer="lab-intermediate", dns=API)
    chain = [leaf(lab.path(f"{name}.pem")) for name in ("api", "lab-root", "stranger", "lab-intermediate")]
    with open(f"{api}.pem", "w", encoding="ascii") as file:
        file.write("".join(chain))
    serve_https(lab)
    with lab.capture():
        call_https(lab)
    return Truth(
        [tls(**H2)], [one for at in range(4) for one in shown(lab, "api", position=at)],
        present=["WL3015", "WL4001"], absent=["WL3002", "WL4003"], **trusting(lab),
        note="The chain can be built all the same, and the client did: only its order and its excess are wrong.",
    )


@scenario("tls12-revoked", "A revoked certificate: a client that does not ask goes on, one that has the list refuses", ["go", "openssl"])
def tls12_revoked(lab):
    lab.authority()
    lab.certificate("api", issuer="lab-root", dns=API, crl="http://crl.shop.test/lab-root.crl")
    billing = lab.certificate("billing", issuer="lab-root", dns="billing.shop.test")
    crl = lab.revocations("lab-root", "api")
    serve_https(lab)
    serve_https(lab, name="billing", host="backend")
    with open(lab.path("both.pem"), "w", encoding="ascii") as file:
        for path in (lab.path("lab-root.pem"), crl):
            with open(path, encoding="ascii") as part:
                file.write(part.read())
    with lab.capture(bare_acks=False):
        call_https(lab)
        openssl_client(
            lab, address(), "-tls1_2", "-CAfile", lab.path("both.pem"), "-crl_check", "-verify_return_error", "-cipher",
            "ECDHE-ECDSA-AES128-GCM-SHA256", "-groups", "X25519", expect="failure",
        )
        call_https(lab, server=address("backend"), name="billing.shop.test")
    return Truth(
        [tls(**H2), refused("client: 44", alpn=None), tls(address("backend"), sni="billing.shop.test", **H2)],
        [*shown(lab, "api"), certificate(f"{billing}.pem", "server", address("backend"))],
        present=["WL3007", "WL4001", "WL4003", "WL8001"], absent=["WL3002", "WL3008"], **trusting(lab, crl=crl),
        note="Only the certificate of api is revoked, not that of billing.",
    )


@scenario("tls12-client-other-authority", "TLS 1.2: a client certificate of another authority: one server refuses it, one takes whatever comes", ["go"])
def tls12_client_other_authority(lab):
    lab.authority()
    lab.authority("stranger", cn="an authority of nobody")
    api = lab.certificate("api", issuer="lab-root", dns=API)
    orders = lab.certificate("orders", issuer="stranger", dns=ORDERS, usage="client")
    serve_https(lab, "-auth", "require", "-ca", lab.path("lab-root.pem"))
    serve_https(lab, "-auth", "request", port=8444)
    with lab.capture():
        call_https(lab, *ends(lab), "-insist", expect="failure")
        call_https(lab, *ends(lab), server=address(port=8444))
    return Truth(
        [
            refused("server: 48", client_auth="presented"),
            tls(address(port=8444), posture="mtls", client_auth="presented", **H2),
        ],
        [
            *shown(lab, "api"), *shown(lab, "api", server=address(port=8444)),
            certificate(f"{orders}.pem", "client", ipv4("client")),
        ],
        present=["WL3002", "WL8001"], absent=["WL4001", "WL4002"], maybe=["WL3014"], **trusting(lab),
        note=f"The second server at {api.rsplit('/', 1)[1]} asks for certificates and verifies none.",
    )


@scenario("tls12-server-certificate-as-client", "TLS 1.2: a service calls another with its server certificate: one refuses it, one does not look", ["go", "nginx"])
def tls12_server_certificate_as_client(lab):
    lab.authority()
    billing = lab.certificate("billing", issuer="lab-root", dns="billing.shop.test")
    api = lab.certificate("api", issuer="lab-root", dns=API)
    serve_https(lab, "-auth", "require", "-ca", lab.path("lab-root.pem"), host="backend", name="billing")
    serve_https(lab, "-auth", "request", host="backend", name="billing", port=8444)
    serve_https(lab)
    how = {"name": "billing.shop.test"}
    with lab.capture(bare_acks=False):
        call_https(lab)
        from_server(lab, 8443, expect="failure")
        from_server(lab, 8444)
    to_billing = {"client": ipv4("server"), "sni": how["name"], "client_auth": "presented"}
    return Truth(
        [
            tls(**H2), refused("server: 42", server=address("backend"), **to_billing),
            tls(address("backend", 8444), posture="mtls", **to_billing, **H2),
        ],
        [
            certificate(f"{api}.pem", "server", address()), certificate(f"{billing}.pem", "server", address("backend")),
            certificate(f"{billing}.pem", "server", address("backend", 8444)),
            certificate(f"{api}.pem", "client", ipv4("server")),
        ],
        present=["WL3011", "WL4001", "WL4004", "WL8001"], maybe=["WL3014"], **trusting(lab),
    )


def from_server(lab, port, **how):
    """The host `server` calls `backend` with the certificate that it serves with."""
    return lab.call("server", [
        lab.peer, "call-http", "-name", "billing.shop.test", "-ca", lab.path("lab-root.pem"), "-suites",
        "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", "-curves", "X25519", *ends(lab, "api"),
        f"https://{address('backend', port)}/orders",
    ], **how)


@scenario("tls12-shared-client-certificate", "TLS 1.2: two hosts call with one client certificate that names nobody in particular", ["go"])
def tls12_shared_client_certificate(lab):
    lab.authority()
    lab.certificate("api", issuer="lab-root", dns=API)
    client = lab.certificate("client", issuer="lab-root", usage="client")
    serve_https(lab, "-auth", "require", "-ca", lab.path("lab-root.pem"))
    words = [
        lab.peer, "call-http", "-name", API, "-ca", lab.path("lab-root.pem"), "-suites",
        "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", "-curves", "X25519", *ends(lab, "client"), f"https://{address()}/orders",
    ]
    with lab.capture(bare_acks=False):
        for host in ("client", "caller"):
            lab.call(host, words)
    return Truth(
        [tls(client=ipv4(host), posture="mtls", client_auth="presented", **H2) for host in ("client", "caller")],
        [*shown(lab, "api"), *(certificate(f"{client}.pem", "client", ipv4(host)) for host in ("client", "caller"))],
        present=["WL4004"], maybe=["WL3010", "WL3014"], **trusting(lab),
    )


@scenario("tls12-rotation", "A server gets a new certificate of the same authority for the same name, while its clients stay", ["go"])
def tls12_rotation(lab):
    lab.authority()
    lab.certificate("api", issuer="lab-root", dns=API, **{"from": "-1200h", "to": "240h"})
    lab.certificate("renewed", issuer="lab-root", dns=API, cn="api")
    replaced(lab, "renewed")
    return Truth(
        [tls(count=2, **H2), tls(count=2, **H2)], shown(lab, "api", "renewed"), present=["WL4001"],
        maybe=["WL3005", "WL4005"], absent=["WL3002", "WL3019", "WL4003", "WL4006"], **trusting(lab),
        note="A rotation as it should be: the identity and the issuer stay, the key and the dates change.",
    )


@scenario("tls12-issuer-change", "The certificate of a known server suddenly comes from an authority that nobody knows", ["go"])
def tls12_issuer_change(lab):
    lab.authority()
    lab.authority("stranger", cn="an authority of nobody")
    lab.certificate("api", issuer="lab-root", dns=API)
    lab.certificate("replaced", issuer="stranger", dns=API, cn="api")
    replaced(lab, "replaced", "-insecure")
    return Truth(
        [tls(count=2, **H2), tls(count=2, **H2)], shown(lab, "api", "replaced"),
        present=["WL3002", "WL4001", "WL4003", "WL4006"], maybe=["WL4005"], **trusting(lab),
    )


@scenario("tls12-man-in-the-middle", "Another program, with another TLS library and a hop further away, answers at the address of a known server", ["go", "nginx"])
def tls12_man_in_the_middle(lab):
    lab.authority()
    lab.authority("stranger", cn="an authority of nobody")
    lab.certificate("api", issuer="lab-root", dns=API)
    lab.certificate("forged", issuer="stranger", dns=API, cn="api")
    curves = "-curves", "X25519,P-256"  # nginx wants the curve of its certificate
    with lab.capture(bare_acks=False):
        known = serving(lab, "api")
        call_https(lab, *curves, "-connections", "2")
        lab.stop(known)
        with far("server"):
            nginx(
                lab, "server", f"listen {address()} ssl; ssl_certificate forged.pem; ssl_certificate_key forged.key;"
                "ssl_protocols TLSv1.2; location / { return 200 'yours'; }", 8443,
            )
            call_https(lab, "-insecure", *curves, "-connections", "2")
    return Truth(
        [tls(count=2, **H2), tls(count=2, alpn="http/1.1")], shown(lab, "api", "forged"),
        present=["WL3002", "WL4001", "WL4003", "WL4006"], maybe=["WL4005"], **trusting(lab),
        note="The packets of the second server begin with a time to live of 63, as if they had come over a router.",
    )


def replaced(lab, name, *flags):
    """Two calls, another certificate on the same address and port, two calls."""
    with lab.capture(bare_acks=False):
        first = serving(lab, "api")
        call_https(lab, *flags, "-connections", "2")
        lab.stop(first)
        serving(lab, name)
        call_https(lab, *flags, "-connections", "2")


def serving(lab, name, host="server", port=8443):
    return lab.serve(host, [
        lab.peer, "serve-http", "-listen", address(host, port), "-cert", lab.path(f"{name}.pem"), "-key",
        lab.path(f"{name}.key"), "-max", "1.2",
    ], port)


@scenario("tls12-impostor", "Another host answers to a known name with a certificate of its own making: one client believes it, one does not", ["go"])
def tls12_impostor(lab):
    lab.authority()
    lab.certificate("api", issuer="lab-root", dns=API)
    forged = lab.certificate("forged", dns=API, cn="api")
    serve_https(lab)
    serve_https(lab, name="forged", host="backend")
    with lab.capture(bare_acks=False):
        call_https(lab)
        call_https(lab, "-insecure", server=address("backend"))
        call_https(lab, server=address("backend"), expect="failure")
    return Truth(
        [tls(**H2), tls(address("backend"), **H2), refused("client: 42", server=address("backend"))],
        [*shown(lab, "api"), certificate(f"{forged}.pem", "server", address("backend"))],
        present=["WL3001", "WL4001", "WL4003", "WL4005", "WL8001"], maybe=["WL3002", "WL4006"], **trusting(lab),
    )


@scenario("tls12-alternating-identities", "Two identities in turn on one address and port, as when a man in the middle comes and goes", ["go"])
def tls12_alternating_identities(lab):
    lab.authority()
    lab.certificate("api", issuer="lab-root", dns=API)
    lab.certificate("billing", issuer="lab-root", dns="billing.shop.test")
    with lab.capture(bare_acks=False):
        for name in ("api", "billing", "api", "billing"):
            server = serving(lab, name)
            call_https(lab, "-insecure")
            lab.stop(server)
    return Truth(
        [tls(count=4, **H2)], shown(lab, "api", "billing"), present=["WL3009", "WL4001", "WL4003", "WL4005"],
        absent=["WL3002", "WL4006"], **trusting(lab),
    )


@scenario("tls12-duplicate-serial", "Two different certificates of one issuer with the same serial number", ["go"])
def tls12_duplicate_serial(lab):
    lab.authority()
    lab.certificate("api", issuer="lab-root", dns=API, serial="4711")
    billing = lab.certificate("billing", issuer="lab-root", dns="billing.shop.test", serial="4711")
    serve_https(lab)
    serve_https(lab, name="billing", host="backend")
    with lab.capture(bare_acks=False):
        call_https(lab)
        call_https(lab, server=address("backend"), name="billing.shop.test")
    return Truth(
        [tls(**H2), tls(address("backend"), sni="billing.shop.test", **H2)],
        [*shown(lab, "api"), certificate(f"{billing}.pem", "server", address("backend"))],
        present=["WL3017", "WL4001"], **trusting(lab),
    )


@scenario("tls12-authority-as-leaf", "A server that shows a certificate made for signing others", ["go"])
def tls12_authority_as_leaf(lab):
    lab.authority()
    lab.certificate("api", issuer="lab-root", dns=API, usage="ca")
    serve_https(lab)
    with lab.capture():
        call_https(lab, "-insecure")
    return Truth([tls(**H2)], shown(lab, "api"), present=["WL3011", "WL4001"], maybe=["WL4003"], **trusting(lab))


@scenario("tls12-names", "Names that fit and names that do not: wildcards, addresses, and clients that ask for no name", ["go"])
def tls12_names(lab):
    lab.authority()
    names = {
        8441: ("wildcard", {"dns": "*.shop.test"}, "cart.shop.test", True),
        8442: ("too-deep", {"dns": "*.shop.test"}, "a.cart.shop.test", False),
        8443: ("by-address", {"ip": ipv4("server")}, ipv4("server"), True),
        8444: ("other-address", {"ip": ipv4("backend")}, ipv4("server"), False),
    }
    told, seen = [], []
    for port, (name, flags, asked, _) in names.items():
        made = lab.certificate(name, issuer="lab-root", **flags)
        serve_https(lab, name=name, port=port)
        told.append(tls(address(port=port), sni=None if asked == ipv4("server") else asked, **H2))
        seen.append(certificate(f"{made}.pem", "server", address(port=port)))
    with lab.capture(bare_acks=False):
        for port, (_, _, asked, fits) in names.items():
            call_https(lab, *([] if fits else ["-insecure"]), server=address(port=port), name=asked)
    return Truth(told, seen, present=["WL3009", "WL3016", "WL4001", "WL4003"], absent=["WL3002"], **trusting(lab),
                 note="Ports 8442 and 8444 have the names that do not fit.")


@scenario("tls12-any-client-certificate", "nginx asks for a client certificate and takes one of an authority that it does not know", ["curl", "nginx"])
def tls12_any_client_certificate(lab):
    lab.authority()
    lab.authority("stranger", cn="an authority of nobody")
    api = lab.certificate("api", issuer="lab-root", dns=API)
    orders = lab.certificate("orders", issuer="stranger", dns=ORDERS, usage="client")
    nginx(
        lab, "server",
        f"listen {address()} ssl; ssl_certificate {api}.pem; ssl_certificate_key {api}.key; ssl_protocols TLSv1.2;"
        f"ssl_ciphers ECDHE-ECDSA-AES128-GCM-SHA256; ssl_ecdh_curve X25519:prime256v1; ssl_verify_client optional_no_ca;"
        "location / { return 200 'fine'; }",
        8443,
    )
    with lab.capture():
        lab.call("client", [
            "curl", "-sS", "--http1.1", "--tlsv1.2", "--connect-to", f"{API}:443:{address()}", "--cacert",
            lab.path("lab-root.pem"), "--cert", f"{orders}.pem", "--key", f"{orders}.key", f"https://{API}/",
        ])
    return Truth(
        [tls(posture="mtls", client_auth="presented", alpn="http/1.1")],
        [*shown(lab, "api"), certificate(f"{orders}.pem", "client", ipv4("client"))],
        present=["WL3002"], maybe=["WL2002"], **trusting(lab),
    )
