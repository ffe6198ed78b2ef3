"""A gRPC peer on the C core. Arguments: serve, call, reflect or health, address:port, then key=value: ca, cert, key, name, auth, token."""

import sys
from concurrent import futures

import grpc
from words import calls, words

given = words(3)


def pem(name):
    if name not in given:
        return None
    with open(given[name], "rb") as file:
        return file.read()


def serve(address):
    server = grpc.server(futures.ThreadPoolExecutor(2))
    for service, method in (("shop.v1.Inventory", "Reserve"), ("shop.v1.Payments", "Charge")):
        handler = grpc.unary_unary_rpc_method_handler(lambda request, _: request)
        server.add_generic_rpc_handlers([grpc.method_handlers_generic_handler(service, {method: handler})])
    if "cert" in given:
        required = "ca" in given and given.get("auth") != "none"
        credentials = grpc.ssl_server_credentials([(pem("key"), pem("cert"))], pem("ca"), required)
        server.add_secure_port(address, credentials)
    else:
        server.add_insecure_port(address)
    server.start()
    server.wait_for_termination()


def channel(address):
    if "ca" not in given:
        return grpc.insecure_channel(address)
    credentials = grpc.ssl_channel_credentials(pem("ca"), pem("key"), pem("cert"))
    return grpc.secure_channel(address, credentials, [("grpc.ssl_target_name_override", given["name"])])


def call(opened):
    metadata = [("authorization", "Bearer " + given["token"])] if "token" in given else None
    for path in ("/shop.v1.Inventory/Reserve", "/shop.v1.Payments/Charge")[:calls(2)]:
        opened.unary_unary(path)(b"\x0a\x04lamp", timeout=10, metadata=metadata)


def reflect(opened):
    from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase

    print(ProtoReflectionDescriptorDatabase(opened).get_services())


def health(opened):
    from grpc_health.v1 import health_pb2, health_pb2_grpc

    stub = health_pb2_grpc.HealthStub(opened)
    for service in ("", "shop.v1.Inventory"):
        stub.Check(health_pb2.HealthCheckRequest(service=service), timeout=10)


what, address = sys.argv[1:3]
if what == "serve":
    serve(address)
else:
    with channel(address) as opened:
        {"call": call, "reflect": reflect, "health": health}[what](opened)
