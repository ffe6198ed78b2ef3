"""Calls and requests that cross readable."""

from driver.lab import scenario
from driver.truth import Truth, call, connection
from driver.wire import ipv4, ipv6

TOKEN = "lab-not-a-real-token"

GRPC_CALLS = [
    call("shop.v1.Inventory", "Reserve", 3, 0),
    call("shop.v1.Payments", "Charge", 3, 0),
    call("shop.v1.Inventory", "Lookup", 1, 5),
    call("shop.v1.Inventory", "Watch", 1, 0),
]


def clear(server, protocol, calls, count=1, client=ipv4("client"), **facts):
    return connection(client, server, count, posture="plaintext", evidence="observed", protocol=protocol, calls=calls, **facts)


@scenario("grpc-plaintext", "gRPC without TLS: several methods, a stream and an error, over two connections", ["go", "grpc-go"])
def grpc_plaintext(lab):
    address = f"{ipv4('server')}:50051"
    lab.serve("server", [lab.peer, "serve-grpc", "-listen", address], 50051)
    with lab.capture():
        lab.call("client", [lab.peer, "call-grpc", "-plaintext", "-connections", "2", address])
    return Truth([clear(address, "grpc", GRPC_CALLS, count=2)], present=["WL1001"])


@scenario("grpc-long", "One long gRPC connection without TLS: two hundred calls that lean on the header tables", ["go", "grpc-go"])
def grpc_long(lab):
    address = f"{ipv4('server')}:50051"
    lab.serve("server", [lab.peer, "serve-grpc", "-listen", address], 50051)
    with lab.capture():
        lab.call("client", [lab.peer, "call-grpc", "-plaintext", "-rounds", "100", address])
    many = [{**one, "count": 100} if one["count"] == 3 else one for one in GRPC_CALLS]
    return Truth([clear(address, "grpc", many)], present=["WL1001"])


@scenario("grpc-plaintext-token", "gRPC without TLS by the C core, with a bearer token in the metadata", ["grpcio", "go", "grpc-go"])
def grpc_plaintext_token(lab):
    address = f"{ipv4('server')}:50051"
    lab.serve("server", [lab.peer, "serve-grpc", "-listen", address], 50051)
    with lab.capture():
        lab.call("client", [lab.python, lab.program("grpc_client.py"), address, TOKEN])
    calls = [call("shop.v1.Inventory", "Reserve", 2, 0), call("shop.v1.Payments", "Charge", 2, 0)]
    return Truth(
        [clear(address, "grpc", calls, auth_schemes=["bearer"])], present=["WL1001"], never_shown=[TOKEN]
    )


@scenario("http1-bearer", "HTTP/1.1 with a bearer token: kept alive, chunked both ways", ["curl", "node"])
def http1_bearer(lab):
    address = f"{ipv4('server')}:8080"
    lab.serve("server", ["node", lab.program("http1_service.js"), ipv4("server"), "8080"], 8080)
    ask = ["-sS", "-o", "/dev/null", "-H", f"Authorization: Bearer {TOKEN}"]
    with lab.capture():
        lab.call("client", [
            "curl", *ask, f"http://{address}/orders?limit=2", "--next", *ask, f"http://{address}/orders/7", "--next",
            *ask, "-H", "Transfer-Encoding: chunked", "-d", '{"item":"chair"}', f"http://{address}/orders",
        ])
    calls = [call("", "GET /orders", 1, 200), call("", "GET /orders/*", 1, 200), call("", "POST /orders", 1, 201)]
    return Truth(
        [clear(address, "http/1.1", calls, auth_schemes=["bearer"])], present=["WL1001"], absent=["WL3018"],
        never_shown=[TOKEN],
    )


@scenario("http1-ipv6", "HTTP/1.1 over IPv6 to nginx, with one answer 404", ["curl", "nginx"])
def http1_ipv6(lab):
    server, client = f"[{ipv6('server')}]:8080", f"[{ipv6('client')}]"
    nginx(lab, "server", f"listen {server}; location /health {{ return 200 'fine'; }} location / {{ return 404; }}", 8080)
    with lab.capture():
        lab.call("client", ["curl", "-sS", "-g", f"http://{server}/health", f"http://{server}/nothing"])
    calls = [call("", "GET /health", 1, 200), call("", "GET /nothing", 1, 404)]
    return Truth([clear(server, "http/1.1", calls, client=client)], present=["WL1001"])


@scenario("h2c-prior-knowledge", "HTTP/2 without TLS, by prior knowledge", ["node"])
def h2c_prior_knowledge(lab):
    address = f"{ipv4('server')}:8080"
    lab.serve("server", ["node", lab.program("http2_service.js"), ipv4("server"), "8080"], 8080)
    with lab.capture():
        program = lab.program("http2_client.js")
        lab.call("client", ["node", program, f"http://{address}", "/catalogue", "/catalogue", "/missing"])
    calls = [call("", "GET /catalogue", 2, 200), call("", "GET /missing", 1, 404)]
    return Truth([clear(address, "h2", calls)], present=["WL1001"])


@scenario("h2c-upgrade", "HTTP/1.1 that is upgraded to HTTP/2 without TLS", ["curl", "go", "x-net"])
def h2c_upgrade(lab):
    address = f"{ipv4('server')}:8080"
    lab.serve("server", [lab.peer, "serve-http", "-listen", address, "-h2c"], 8080)
    with lab.capture():
        lab.call("client", ["curl", "-sS", "--http2", f"http://{address}/orders", f"http://{address}/missing"])
    calls = [call("", "GET /orders", 1, 200), call("", "GET /missing", 1, 404)]
    return Truth([clear(address, "h2", calls)], present=["WL1001"])


@scenario("redis-plaintext", "Redis without TLS: commands of redis-cli", ["redis"])
def redis_plaintext(lab):
    address = f"{ipv4('server')}:6379"
    lab.serve("server", [
        "redis-server", "--bind", ipv4("server"), "--port", "6379", "--protected-mode", "no", "--save", "",
        "--dir", lab.directory,
    ], 6379)
    with lab.capture():
        for command in ("SET stock:chair 41", "INCR stock:chair", "LPUSH orders 7 8 9", "LRANGE orders 0 -1"):
            lab.call("client", ["redis-cli", "-h", ipv4("server"), *command.split()])
    commands = [call("", name, 1, None) for name in ("SET", "INCR", "LPUSH", "LRANGE")]
    return Truth([clear(address, "redis", [one]) for one in commands], present=["WL1002"])


@scenario("unknown-protocol", "A protocol of one's own making, in clear: nobody can recognise it", ["python"])
def unknown_protocol(lab):
    address = f"{ipv4('server')}:7001"
    lab.serve("server", [lab.python, lab.program("ledger.py"), "serve", ipv4("server"), "7001"], 7001)
    with lab.capture():
        lab.call("client", [lab.python, lab.program("ledger.py"), "ask", ipv4("server"), "7001"])
    unrecognised = connection(
        ipv4("client"), address, 2, posture="unknown", true_posture="plaintext"
    )
    return Truth([unrecognised], present=["WL9004"], coverage={"unrecognised": 2})


@scenario("hostile-text", "Terminal escapes and text direction tricks in a server name, a certificate and requests", ["openssl", "python", "node"])
def hostile_text(lab):
    escape, rtl = "\x1b]0;owned\x07\x1b[31m", "\u202e"
    lab.authority()
    lab.certificate("hostile", issuer="lab-root", cn=f"api{escape}{rtl}", dns=f"api{escape}.test")
    tls, http = f"{ipv4('server')}:8443", f"{ipv4('server')}:8080"
    lab.serve("server", [
        "openssl", "s_server", "-accept", tls, "-cert", lab.path("hostile.pem"), "-key", lab.path("hostile.key"),
        "-tls1_2", "-WWW", "-quiet",
    ], 8443)
    lab.serve("server", ["node", lab.program("http1_service.js"), ipv4("server"), "8080"], 8080)
    requests = [
        f"GET /a{rtl}b HTTP/1.1\r\nHost: x{rtl}y\r\nUser-Agent: z{rtl}\r\nConnection: close\r\n\r\n".encode(),
        f"GET /{escape} HTTP/1.1\r\nHost: {escape}\r\nConnection: close\r\n\r\n".encode(),
    ]
    with lab.capture():
        lab.call("client", [
            "openssl", "s_client", "-connect", tls, "-servername", f"api{escape}.test", "-quiet",
        ], input=b"GET / HTTP/1.0\r\n\r\n", expect="any")
        for request in requests:
            lab.call("client", ["/usr/bin/python3", lab.program("raw_http.py"), ipv4("server"), "8080"], input=request)
    return Truth(
        [
            connection(ipv4("client"), tls, posture="tls", evidence="observed", client_auth="not-requested",
                       protocol="tls", version="TLSv1.2", established=True),
            connection(ipv4("client"), http, count=2),
        ],
        present=["WL2002", "WL4001"], maybe=["WL1001", "WL3009", "WL9004"],
        never_shown=["\x1b", "\x07", rtl],
    )


def nginx(lab, host, server, port):
    """Starts nginx with one `server` block."""
    config = lab.path("nginx.conf")
    with open(config, "w", encoding="ascii") as file:
        file.write(
            f"daemon off; pid {lab.path('nginx.pid')}; error_log {lab.path('nginx.log')};"
            f"events {{}} http {{ access_log off; client_body_temp_path {lab.path('b')}; proxy_temp_path {lab.path('p')};"
            f"fastcgi_temp_path {lab.path('f')}; uwsgi_temp_path {lab.path('u')}; scgi_temp_path {lab.path('s')};"
            f"server {{ {server} }} }}"
        )
    lab.serve(host, ["nginx", "-p", f"{lab.directory}/.", "-c", "nginx.conf", "-e", "nginx.log"], port)
