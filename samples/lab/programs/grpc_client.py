"""A gRPC client on the C core: Reserve and Charge, the latter with a bearer token. Arguments: address, token."""

import sys

import grpc


def string_value(text):
    """google.protobuf.StringValue: field 1, length-delimited."""
    raw = text.encode()
    return bytes([0x0A, len(raw)]) + raw


with grpc.insecure_channel(sys.argv[1]) as channel:
    reserve = channel.unary_unary("/shop.v1.Inventory/Reserve")
    charge = channel.unary_unary("/shop.v1.Payments/Charge")
    for number in range(2):
        reserve(string_value("lamp"), timeout=10)
        charge(string_value(f"order-{number}"), timeout=10, metadata=[("authorization", "Bearer " + sys.argv[2])])
