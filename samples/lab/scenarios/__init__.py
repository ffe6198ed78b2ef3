"""The scenarios: one function each, in the order in which `record all` makes them."""

from . import plaintext, tls12, tls13, certificates, trust, keys, refusals, weak, failures, stores, brokers, discovery, grpc, mesh, gozero, gomicro, derived  # noqa: F401
