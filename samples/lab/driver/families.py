"""How many samples there are of what: `record table`."""

import os
import re
import tomllib

# The beginnings of names come first, then the modules that scenarios are in.
NAMED = [
    (r"zrpc|gozero", "go-zero"), (r"gomicro|micro3", "go-micro and micro"), (r"grpc-stacks|grpc-(go|python|node|java|rust)-", "gRPC"),
    (r"tls1.-bad-certificates", "bad certificates"), (r"mongodb|cassandra", "documents and wide columns"),
    (r"(nats|rabbitmq|postgresql)-", "infrastructure"),
]
MODULES = {
    "go-zero": "gozero", "go-micro and micro": "gomicro", "gRPC": "grpc", "a mesh": "mesh",
    "documents and wide columns": "wide", "infrastructure": "stores brokers discovery infrastructure", "other RPC": "rpc peers frameworks",
    "bad certificates": "certificates trust history", "network trouble": "derived trouble",
    "TLS as such, and its keys": "tls12 tls13 keys refusals weak failures stacks",
    "HTTP, mail, directories, shells, tunnels": "plaintext mail network habits logins",
}


def family(scenario):
    for pattern, name in NAMED:
        if re.match(pattern, scenario.name):
            return name
    module = scenario.run.__module__.rsplit(".", 1)[-1]
    return next(name for name, modules in MODULES.items() if module in modules.split())


def table(scenarios, samples, misses):
    """Rows of family, samples, connections, kilobytes, and known misses; the last is the sum."""
    with open(misses, encoding="utf-8") as file:
        missed = [line.split()[0] for line in file if line.strip() and not line.startswith("#")]
    rows = {name: [0, 0, 0, 0] for name in MODULES}
    for scenario in scenarios:
        path = os.path.join(samples, scenario.name)
        with open(f"{path}.toml", "rb") as file:
            told = tomllib.load(file)
        counted = (1, sum(one["count"] for one in told["connection"]), os.path.getsize(f"{path}.{scenario.extension}"), missed.count(scenario.name))
        rows[family(scenario)] = [was + more for was, more in zip(rows[family(scenario)], counted)]
    rows["all"] = [sum(column) for column in zip(*rows.values())]
    lines = ["| family | samples | connections | kB | known misses |", "|---|---|---|---|---|"]
    return lines + [f"| {name} | {count} | {connections} | {size // 1000} | {miss} |" for name, (count, connections, size, miss) in rows.items()]
