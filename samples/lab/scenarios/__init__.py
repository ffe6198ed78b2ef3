"""The scenarios: one function each, in the order in which `record all` makes them."""

from . import plaintext, tls12, tls13, certificates, trust, history, keys, refusals, weak, failures, stores, wide, brokers, logins, discovery, mail, network, grpc, mesh, gozero, gomicro, rpc, peers, frameworks, infrastructure, stacks, habits, trouble, derived  # noqa: F401
