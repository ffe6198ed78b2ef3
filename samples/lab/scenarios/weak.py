"""Old versions, weak suites, and handshakes that were tampered with."""

from driver.lab import scenario
from driver.truth import Truth, certificate
from driver.wire import ipv4

from .tls12 import API, FILE, RSA_GCM, address, api_certificate, call_https, openssl_client, serve_https, tls
from .tls13 import tls13

ANY_SUITE = "ALL:COMPLEMENTOFALL:@SECLEVEL=0"


@scenario("tls10-tls11", "TLS 1.0 and TLS 1.1", ["openssl"])
def tls10_tls11(lab):
    lab.authority(key="rsa2048")
    told, shown = [], []
    for port, flag, version in ((8441, "-tls1", "TLSv1.0"), (8442, "-tls1_1", "TLSv1.1")):
        name = f"legacy-{port}"
        made = lab.certificate(name, issuer="lab-root", dns=f"{name}.shop.test", key="rsa2048")
        lab.serve("server", [
            "openssl", "s_server", "-accept", address(port=port), "-cert", f"{made}.pem", "-key", f"{made}.key",
            "-WWW", "-quiet", flag, "-cipher", "ECDHE-RSA-AES128-SHA:@SECLEVEL=0",
        ], port)
        told.append(tls(address(port=port), version=version, cipher="TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA",
                        sni=f"{name}.shop.test"))
        shown.append(certificate(f"{made}.pem", "server", address(port=port)))
    with lab.capture():
        for port, flag in ((8441, "-tls1"), (8442, "-tls1_1")):
            openssl_client(lab, address(port=port), flag, "-cipher", ANY_SUITE, name=f"legacy-{port}.shop.test", path=FILE)
    return Truth(told, shown, present=["WL2001", "WL2002", "WL4001"], maybe=["WL2003", "WL2006"])


@scenario("tls12-weak-suites", "TLS 1.2 with static RSA, a 1024-bit Diffie-Hellman group, no encryption, no authentication, 3DES and RC4", ["openssl", "go"])
def tls12_weak_suites(lab):
    lab.authority(key="rsa2048")
    primes = lab.path("dh1024.pem")
    lab.call("server", ["openssl", "dhparam", "-dsaparam", "-out", primes, "1024"])
    static, ephemeral = ["-cipher", "AES128-SHA:@SECLEVEL=0"], ["-cipher", "DHE-RSA-AES128-GCM-SHA256:@SECLEVEL=0"]
    by_openssl = [
        (8441, "static", static, "TLS_RSA_WITH_AES_128_CBC_SHA", None),
        (8442, "small-dh", [*ephemeral, "-dhparam", primes], "TLS_DHE_RSA_WITH_AES_128_GCM_SHA256", None),
        (8443, "null", ["-cipher", "ECDHE-RSA-NULL-SHA:@SECLEVEL=0"], "TLS_ECDHE_RSA_WITH_NULL_SHA", "x25519"),
        (8444, "anonymous", ["-nocert", "-cipher", "ADH-AES128-GCM-SHA256:@SECLEVEL=0"],
         "TLS_DH_anon_WITH_AES_128_GCM_SHA256", None),
    ]
    by_go = [
        (8445, "triple-des", "TLS_ECDHE_RSA_WITH_3DES_EDE_CBC_SHA"),
        (8446, "rc4", "TLS_ECDHE_RSA_WITH_RC4_128_SHA"),
    ]
    old = {"GODEBUG": "tls3des=1,tlsrsakex=1"}
    told, shown = [], []
    for port, name, *_ in [*by_openssl, *by_go]:
        made = lab.certificate(name, issuer="lab-root", dns=f"{name}.shop.test", key="rsa2048")
        if name != "anonymous":
            shown.append(certificate(f"{made}.pem", "server", address(port=port)))
    for port, name, flags, suite, group in by_openssl:
        made = [] if "-nocert" in flags else ["-cert", lab.path(f"{name}.pem"), "-key", lab.path(f"{name}.key")]
        lab.serve("server", [
            "openssl", "s_server", "-accept", address(port=port), *made, "-WWW", "-quiet", "-tls1_2", *flags,
        ], port)
        told.append(tls(address(port=port), cipher=suite, group=group, sni=f"{name}.shop.test"))
    for port, name, suite in by_go:
        serve_https(lab, "-suites", suite, "-alpn", "http/1.1", name=name, port=port)
        told.append(tls(address(port=port), cipher=suite, sni=f"{name}.shop.test", alpn="http/1.1"))
    with lab.capture():
        for port, name, *_ in by_openssl:
            openssl_client(lab, address(port=port), "-tls1_2", "-cipher", ANY_SUITE, name=f"{name}.shop.test", path=FILE)
        for port, name, suite in by_go:
            call_https(lab, "-suites", suite, "-alpn", "http/1.1", server=address(port=port), name=f"{name}.shop.test",
                       env=old)
    return Truth(told, shown, present=["WL2003", "WL2004", "WL2005", "WL4001"], maybe=["WL2006", "WL2007"])


@scenario("tls12-weak-signature", "TLS 1.2 in which the server signs its key exchange with SHA-1", ["openssl"])
def tls12_weak_signature(lab):
    api = api_certificate(lab, key="rsa2048")
    lab.serve("server", [
        "openssl", "s_server", "-accept", address(), "-cert", f"{api}.pem", "-key", f"{api}.key", "-WWW", "-quiet",
        "-tls1_2", "-cipher", "ECDHE-RSA-AES256-GCM-SHA384:@SECLEVEL=0", "-sigalgs", "RSA+SHA1",
    ], 8443)
    with lab.capture():
        openssl_client(lab, address(), "-tls1_2", "-cipher", "DEFAULT:@SECLEVEL=0", "-sigalgs", "RSA+SHA256:RSA+SHA1", path=FILE)
    return Truth(
        [tls(cipher=RSA_GCM)], [certificate(f"{api}.pem", "server", address())], present=["WL2006", "WL4001"]
    )


@scenario("tls12-no-extended-master-secret", "TLS 1.2 without the extended master secret", ["python", "go"])
def tls12_no_extended_master_secret(lab):
    api = api_certificate(lab)
    serve_https(lab)
    with lab.capture():
        lab.call("client", [
            "/usr/bin/python3", lab.program("tls_client.py"), ipv4("server"), "8443", API, lab.path("lab-root.pem"),
        ])
    return Truth(
        [tls()], [certificate(f"{api}.pem", "server", address())], present=["WL2007", "WL4001"]
    )


@scenario("tls12-downgrade-attack", "A man in the middle hides the client's TLS 1.3; the client sees the sentinel and refuses", ["go", "python"])
def tls12_downgrade_attack(lab):
    api = api_certificate(lab)
    serve_https(lab, version="1.3")
    proxy = address("backend")
    lab.serve("backend", [
        "/usr/bin/python3", lab.program("downgrade_proxy.py"), ipv4("backend"), "8443", ipv4("server"), "8443",
    ], 8443)
    with lab.capture():
        call_https(lab, server=proxy, expect="failure")
    broken = {"posture": None, "client_auth": None, "group": None, "established": False, "alpn": "h2"}
    return Truth(
        [
            tls(proxy, alerts=["client: 47"], **broken),
            tls(client=ipv4("backend"), alerts=["client: 47"], **broken),
        ],
        [certificate(f"{api}.pem", "server", proxy), certificate(f"{api}.pem", "server", address())],
        present=["WL2008", "WL8001"], maybe=["WL3014", "WL4001"],
        note="Only the client's leg offers TLS 1.3: the sentinel is evidence there, and as it should be on the other leg.",
    )


@scenario("tls13-and-tls12", "One server, a TLS 1.2 and a TLS 1.3 client", ["go"])
def tls13_and_tls12(lab):
    api = api_certificate(lab)
    serve_https(lab, version="1.3")
    with lab.capture():
        call_https(lab, "-max", "1.2")
        call_https(lab)
    return Truth(
        [tls(alpn="h2"), tls13()], [certificate(f"{api}.pem", "server", address())], present=["WL4001", "WL9001"]
    )
