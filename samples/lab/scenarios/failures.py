"""Handshakes that fail, and peers that expected something else."""

from driver.lab import scenario
from driver.truth import Truth, certificate, connection
from driver.wire import ipv4

from .plaintext import clear
from .tls12 import API, ECDSA_GCM, address, api_certificate, call_https, openssl_client, serve_https, tls


@scenario("tls-no-common-version", "A server that insists on TLS 1.3 and a client that stops at TLS 1.2", ["go", "openssl"])
def tls_no_common_version(lab):
    api_certificate(lab)
    serve_https(lab, "-min", "1.3", version="1.3")
    with lab.capture():
        openssl_client(lab, address(), "-tls1_2", expect="failure")
    refused = connection(
        ipv4("client"), address(), protocol="tls", sni=API, established=False, alerts=["server: 70"],
    )
    return Truth([refused], present=["WL8001"])


@scenario("tls-no-common-suite", "Client and server without a cipher suite in common", ["go", "openssl"])
def tls_no_common_suite(lab):
    api_certificate(lab)
    serve_https(lab, "-suites", ECDSA_GCM)
    with lab.capture():
        openssl_client(lab, address(), "-tls1_2", "-cipher", "ECDHE-RSA-AES256-GCM-SHA384", expect="failure")
    refused = connection(
        ipv4("client"), address(), protocol="tls", sni=API, established=False, alerts=["server: 40"],
    )
    return Truth([refused], present=["WL8001"])


@scenario("mixed-posture", "Plaintext and TLS on one port", ["go"])
def mixed_posture(lab):
    api = api_certificate(lab)
    serve_https(lab, "-both", "-alpn", "http/1.1")
    with lab.capture():
        lab.call("client", [lab.peer, "call-http", f"http://{address()}/orders"])
        call_https(lab, "-alpn", "http/1.1")
    plain = clear(address(), "http/1.1", [{"service": "", "method": "GET /orders", "count": 1, "status": 200}])
    return Truth(
        [plain, tls(alpn="http/1.1")], [certificate(f"{api}.pem", "server", address())],
        present=["WL1001", "WL1004", "WL4001"],
    )


@scenario("protocol-mismatch", "Plaintext sent to TLS ports, and TLS sent to a plaintext port", ["curl", "go", "grpc-go", "node"])
def protocol_mismatch(lab):
    api = api_certificate(lab)
    grpc, https, http = address(port=50051), address(), address(port=8080)
    lab.serve("server", [lab.peer, "serve-grpc", "-listen", grpc, "-cert", f"{api}.pem", "-key", f"{api}.key"], 50051)
    serve_https(lab)
    lab.serve("server", ["node", lab.program("http1_service.js"), ipv4("server"), "8080"], 8080)
    with lab.capture():
        lab.call("client", ["curl", "-sS", f"http://{grpc}/"], expect="failure")
        lab.call("client", ["curl", "-sS", f"http://{https}/"], expect="any")
        lab.call("client", ["curl", "-sS", f"https://{http}/"], expect="failure")
    return Truth(
        [
            connection(ipv4("client"), grpc),
            connection(ipv4("client"), https),
            connection(ipv4("client"), http, mismatch=True, established=False),
        ],
        present=["WL1010", "WL8004"], maybe=["WL1001", "WL2002", "WL8001"],
        note="The gRPC server closes without a word, the HTTPS server with a plaintext 400, the HTTP server with a 400.",
    )
