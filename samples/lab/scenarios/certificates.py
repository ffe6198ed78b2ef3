"""Server certificates with something wrong, and the clients that do not mind.

Each sample is TLS 1.2, where certificates can be read. Clients that accept what they should not were told not to verify.
"""

from driver.lab import scenario
from driver.truth import Truth, certificate
from driver.wire import ipv4

from .tls12 import API, FILE, address, call_https, ends, openssl_client, serve_https, tls

H2 = {"alpn": "h2"}


@scenario("tls12-expired-self-signed", "An expired self-signed certificate: one client goes on regardless, one refuses", ["go"])
def tls12_expired_self_signed(lab):
    api = lab.certificate("api", dns=API, o="Acme Co", **{"from": "-2160h", "to": "-72h"})
    serve_https(lab)
    with lab.capture():
        call_https(lab, "-insecure", ca="api")
        call_https(lab, ca="api", expect="failure")
    refused = tls(posture=None, established=False, alerts=["client: 42"], **H2)
    return Truth(
        [tls(**H2), refused], [certificate(f"{api}.pem", "server", address(), validity="expired")],
        present=["WL3001", "WL3003", "WL4001", "WL8001"],
    )


@scenario("tls12-validity-periods", "Certificates not valid yet, about to expire, and valid for ten years", ["go"])
def tls12_validity_periods(lab):
    lab.authority("lab-root", to="98000h")
    periods = {
        "future": (8441, "72h", "2160h", "not-yet-valid"),
        "ending": (8442, "-8500h", "72h", "valid"),
        "decade": (8443, "-1h", "87600h", "valid"),
    }
    told, shown = [], []
    for name, (port, start, end, validity) in periods.items():
        host = f"{name}.shop.test"
        made = lab.certificate(name, issuer="lab-root", dns=host, **{"from": start, "to": end})
        serve_https(lab, name=name, port=port)
        told.append(tls(address(port=port), sni=host, **H2))
        shown.append(certificate(f"{made}.pem", "server", address(port=port), validity=validity))
    with lab.capture(bare_acks=False):
        for name, (port, *_) in periods.items():
            call_https(lab, "-insecure", server=address(port=port), name=f"{name}.shop.test")
    return Truth(told, shown, present=["WL3004", "WL3005", "WL3006", "WL4001"])


@scenario("tls12-name-mismatch", "A certificate for another name than the client asked for", ["go"])
def tls12_name_mismatch(lab):
    lab.authority()
    api = lab.certificate("api", issuer="lab-root", dns=API)
    serve_https(lab)
    with lab.capture():
        call_https(lab, "-insecure", name="payments.shop.test")
        call_https(lab, name="payments.shop.test", expect="failure")
    refused = tls(posture=None, established=False, sni="payments.shop.test", alerts=["client: 42"], **H2)
    return Truth(
        [tls(sni="payments.shop.test", **H2), refused], [certificate(f"{api}.pem", "server", address())],
        present=["WL3009", "WL4001", "WL8001"],
    )


@scenario("tls12-no-san", "A certificate with a common name only", ["go"])
def tls12_no_san(lab):
    lab.authority()
    api = lab.certificate("api", issuer="lab-root", cn=API)
    serve_https(lab)
    with lab.capture():
        call_https(lab, "-insecure")
    return Truth(
        [tls(**H2)], [certificate(f"{api}.pem", "server", address())], present=["WL3010", "WL4001"], maybe=["WL3009"]
    )


@scenario("tls12-wrong-key-usage", "A server that shows a certificate made for clients", ["go"])
def tls12_wrong_key_usage(lab):
    lab.authority()
    api = lab.certificate("api", issuer="lab-root", dns=API, usage="client")
    serve_https(lab)
    with lab.capture():
        call_https(lab, "-insecure")
    return Truth([tls(**H2)], [certificate(f"{api}.pem", "server", address())], present=["WL3011", "WL4001"])


@scenario("tls12-weak-certificates", "A 1024-bit RSA key, and a certificate signed with SHA-1", ["openssl"])
def tls12_weak_certificates(lab):
    lab.authority(key="rsa2048")
    short = lab.certificate("short", issuer="lab-root", dns="short.shop.test", key="rsa1024")
    sha1 = lab.certificate("sha1", issuer="lab-root", dns="sha1.shop.test", key="rsa2048", sha1=True)
    for port, made in ((8441, short), (8442, sha1)):
        lab.serve("server", [
            "openssl", "s_server", "-accept", address(port=port), "-cert", f"{made}.pem", "-key", f"{made}.key",
            "-WWW", "-quiet", "-tls1_2", "-cipher", "ECDHE-RSA-AES256-GCM-SHA384:@SECLEVEL=0", "-groups", "X25519",
        ], port)
    with lab.capture():
        for port, name in ((8441, "short"), (8442, "sha1")):
            flags = ["-tls1_2", "-cipher", "DEFAULT:@SECLEVEL=0"]
            openssl_client(lab, address(port=port), *flags, name=f"{name}.shop.test", path=FILE)
    suite = "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384"
    return Truth(
        [
            tls(address(port=8441), sni="short.shop.test", cipher=suite),
            tls(address(port=8442), sni="sha1.shop.test", cipher=suite),
        ],
        [
            certificate(f"{short}.pem", "server", address(port=8441)),
            certificate(f"{sha1}.pem", "server", address(port=8442)),
        ],
        present=["WL3012", "WL3013", "WL4001"],
    )


@scenario("tls12-shared-certificate", "One certificate and key on two hosts that go by different names", ["go"])
def tls12_shared_certificate(lab):
    lab.authority()
    names = {"server": API, "backend": "billing.shop.test"}
    shared = lab.certificate("api", issuer="lab-root", dns=",".join(names.values()))
    for host in names:
        serve_https(lab, host=host)
    with lab.capture(bare_acks=False):
        for host, name in names.items():
            call_https(lab, server=address(host), name=name)
    return Truth(
        [tls(address(host), sni=name, **H2) for host, name in names.items()],
        [certificate(f"{shared}.pem", "server", address(host)) for host in names],
        present=["WL3014", "WL4001"],
    )


@scenario("tls12-client-certificate-expired", "TLS 1.2: the client's certificate has expired, and the server refuses it", ["go"])
def tls12_client_certificate_expired(lab):
    lab.authority()
    api = lab.certificate("api", issuer="lab-root", dns=API)
    orders = lab.certificate("orders", issuer="lab-root", dns="orders.shop.test", usage="client", **{"from": "-2160h", "to": "-1h"})
    serve_https(lab, "-auth", "require", "-ca", lab.path("lab-root.pem"))
    with lab.capture():
        call_https(lab, *ends(lab), expect="failure")
    refused = tls(posture=None, client_auth="presented", established=False, alerts=["server: 45"], **H2)
    return Truth(
        [refused],
        [
            certificate(f"{api}.pem", "server", address()),
            certificate(f"{orders}.pem", "client", ipv4("client"), validity="expired"),
        ],
        present=["WL3003", "WL8001"],
    )
