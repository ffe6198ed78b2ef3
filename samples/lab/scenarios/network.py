"""What every network has: SSH, LDAP, OpenVPN, and load balancers that announce whom they speak for."""

import os
import shutil
import subprocess

from driver.lab import scenario
from driver.truth import Truth, call, connection, credential
from driver.wire import ipv4

from .secured import chain, in_clear, over_tls, pair, roots
from .stores import DB, at, issued

PASSWORD = "lab-not-a-real-directory-password"
WRONG = "lab-not-a-real-wrong-password"


@scenario("ssh", "SSH: a key that is taken and one that is not; only the programs' names can be read", ["openssh"])
def ssh(lab):
    for name in ("host", "user", "stranger"):
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", lab.path(name)], check=True)
    os.makedirs("/run/sshd", exist_ok=True)
    settings = {
        "Port": 22, "ListenAddress": ipv4("server"), "HostKey": lab.path("host"), "AuthorizedKeysFile": lab.path("user.pub"),
        "StrictModes": "no", "UsePAM": "no", "PasswordAuthentication": "no", "PermitRootLogin": "yes", "PidFile": "none",
    }
    with open(lab.path("sshd.conf"), "w", encoding="ascii") as file:
        file.write("".join(f"{key} {value}\n" for key, value in settings.items()))
    lab.serve("server", ["/usr/sbin/sshd", "-D", "-e", "-f", lab.path("sshd.conf")], 22, absolute=True)
    with lab.capture():
        for name, expect in (("user", 0), ("stranger", "failure")):
            lab.call("client", [
                "ssh", "-F", "none", "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "BatchMode=yes",
                "-o", "IdentitiesOnly=yes", "-i", lab.path(name), f"root@{ipv4('server')}", "true",
            ], expect=expect)
    return Truth([connection(ipv4("client"), at(22), 2, protocol="ssh")], absent=["WL1001", "WL1002", "WL1003", "WL9004"],
                 note="What follows the version lines is encrypted, without TLS.")


LDAP_ROOT = "cn=admin,dc=shop,dc=test"
SLAPD = """include /etc/ldap/schema/core.schema
modulepath /usr/lib/ldap
moduleload back_mdb
pidfile {base}/pid
{tls}
database mdb
maxsize 10485760
directory {base}/data
suffix "dc=shop,dc=test"
rootdn "{root}"
rootpw {password}
"""


def slapd(lab, port, *tls, scheme="ldap"):
    base = lab.path(f"slapd{port}")
    os.makedirs(os.path.join(base, "data"))
    with open(os.path.join(base, "slapd.conf"), "w", encoding="ascii") as file:
        file.write(SLAPD.format(base=base, root=LDAP_ROOT, password=PASSWORD, tls="\n".join(tls)))
    lab.serve("server", ["slapd", "-d", "0", "-h", f"{scheme}://{at(port)}/", "-f", os.path.join(base, "slapd.conf")], port,
              absolute=True)


def ldap(lab, port, *words, scheme="ldap", who=LDAP_ROOT, password=PASSWORD, program="ldapwhoami", env=(), **how):
    own = ["-D", who, "-w", password] if who else []
    return lab.call("client", [program, "-x", "-H", f"{scheme}://{at(port)}", *own, *words],
                    env={"LDAPNOINIT": "1"} if not env else dict(env), **how)


def bound(port, **facts):
    return in_clear(at(port), "ldap", credential=[credential("password", LDAP_ROOT, "simple bind")], **facts)


@scenario("ldap-plaintext", "LDAP in clear: a simple bind, a wrong password, and nobody", ["slapd", "ldap-utils"])
def ldap_plaintext(lab):
    slapd(lab, 389)
    with lab.capture():
        ldap(lab, 389, "-b", "", "-s", "base", program="ldapsearch")
        ldap(lab, 389, password=WRONG, expect="failure")
        ldap(lab, 389, who=None)
    return Truth([bound(389), bound(389), in_clear(at(389), "ldap")], present=["WL1003"],
                 absent=["WL1001", "WL1005", "WL9004"], maybe=["WL1002", "WL1007"], secrets=[PASSWORD, WRONG])


@scenario("ldap-starttls", "LDAP that turns to TLS by StartTLS: 1.2 and 1.3, mutual, declined; refused, and the client goes on; and ldaps", ["slapd", "ldap-utils"])
def ldap_starttls(lab):
    lab.keep_small()
    issued(lab)
    cert, key = pair(lab, "db")
    ca = lab.path("lab-root.pem")
    own = [f"TLSCertificateFile {cert}", f"TLSCertificateKeyFile {key}", f"TLSCACertificateFile {ca}"]
    suite = "TLSCipherSuite NORMAL:-VERS-ALL:+VERS-TLS"
    slapd(lab, 389, *own, f"{suite}1.2", "TLSVerifyClient never")
    slapd(lab, 1389, *own, f"{suite}1.3", "TLSVerifyClient never")
    slapd(lab, 2389, *own, f"{suite}1.2", "TLSVerifyClient try")
    slapd(lab, 636, *own, f"{suite}1.2", "TLSVerifyClient never", scheme="ldaps")
    slapd(lab, 3389)
    plain = {"LDAPTLS_CACERT": ca, "LDAPTLS_REQCERT": "allow"}
    mine = {**plain, "LDAPTLS_CERT": pair(lab, "orders")[0], "LDAPTLS_KEY": pair(lab, "orders")[1]}
    with lab.capture():
        ldap(lab, 389, "-ZZ", env=plain)
        ldap(lab, 1389, "-ZZ", env=plain)
        ldap(lab, 2389, "-ZZ", env=mine)
        ldap(lab, 2389, "-ZZ", env=plain)
        ldap(lab, 636, scheme="ldaps", env=plain)
        ldap(lab, 3389, "-Z", env=plain)
        ldap(lab, 3389, "-ZZ", env=plain, expect="failure")
    return Truth(
        [
            over_tls(at(389), "1.2", "not-requested"), over_tls(at(1389), "1.3", "not-requested"),
            over_tls(at(2389), "1.2", "presented"), over_tls(at(2389), "1.2", "declined"), over_tls(at(636), "1.2", "not-requested"),
            bound(3389), connection(ipv4("client"), at(3389), 1, protocol="ldap"),
        ],
        [
            *(chain(lab, "db", "server", at(port)) for port in (389, 2389, 636)), chain(lab, "db", "server", at(1389), "1.3"),
            chain(lab, "orders", "client", ipv4("client")), *roots(lab, at(389), at(2389), at(636), ipv4("client")),
        ],
        present=["WL1003", "WL1005", "WL4001", "WL4002", "WL9001"], maybe=["WL1002", "WL2002", "WL3014", "WL3015"],
        absent=["WL1001", "WL9004"], secrets=[PASSWORD],
    )


def openvpn(lab, end, port, name, version, *flags, proto="tcp"):
    cert, key = pair(lab, name)
    proto = f"tcp-{end}" if proto == "tcp" else "udp"
    words = ["--tls-client", "--proto", proto, "--remote", ipv4("server"), str(port), "--nobind"]
    if end == "server":
        words = ["--tls-server", "--proto", proto, "--local", ipv4("server"), "--port", str(port), "--dh", "none"]
    return [
        "openvpn", "--dev", "null", "--ifconfig-noexec", "--ca", lab.path("lab-root.pem"), "--cert", cert, "--key", key,
        "--tls-version-min", version, "--tls-version-max", version, "--ping", "1", *words, *flags,
    ]


@scenario("openvpn", "OpenVPN over TCP: its handshake readable under TLS 1.2 and 1.3, behind an HMAC, and encrypted as a whole", ["openvpn"])
def openvpn_tcp(lab):
    lab.authority()
    lab.certificate("gate", issuer="lab-root", dns="gate.shop.test", key="rsa2048", usage="both")
    lab.certificate("orders", issuer="lab-root", cn="orders", dns="orders.shop.test", usage="both", key="rsa2048")
    subprocess.run(["openvpn", "--genkey", "secret", lab.path("shared.key")], check=True)
    shared = lab.path("shared.key")
    kinds = {1194: ("1.2",), 1195: ("1.3",), 1196: ("1.2", "--tls-auth", shared), 1197: ("1.2", "--tls-crypt", shared)}
    for port, words in kinds.items():
        more = [*words[1:], "0"] if "--tls-auth" in words else words[1:]
        lab.serve("server", openvpn(lab, "server", port, "gate", words[0], *more), port)
    with lab.capture():
        for port, words in kinds.items():
            more = [*words[1:], "1"] if "--tls-auth" in words else words[1:]
            lab.call("client", ["timeout", "3", *openvpn(lab, "client", port, "orders", words[0], *more)], expect="any")
    return Truth(
        [
            over_tls(at(1194), "1.2", "presented", protocol="openvpn"), over_tls(at(1195), "1.3", "presented", protocol="openvpn"),
            over_tls(at(1196), "1.2", "presented", protocol="openvpn"),
            connection(ipv4("client"), at(1197), 1, protocol="openvpn", true_posture="mtls", true_client_auth="presented"),
        ],
        [
            chain(lab, "gate", "server", at(1194)), chain(lab, "gate", "server", at(1195), "1.3"),
            chain(lab, "gate", "server", at(1196)), chain(lab, "orders", "client", ipv4("client")),
            *roots(lab, at(1194), at(1196), ipv4("client")),
        ],
        present=["WL9001"], maybe=["WL2002", "WL3014", "WL3015", "WL9004"], absent=["WL1001", "WL1002", "WL4001", "WL4002"],
    )


HAPROXY = """global
  log stdout format raw local0
defaults
  mode tcp
  timeout connect 5s
  timeout client 5s
  timeout server 5s
"""


@scenario("proxy-protocol", "A load balancer that announces its clients: by version 1 and 2 before HTTP, and by version 2 before TLS", ["haproxy", "nginx", "curl"])
def proxy_protocol(lab):
    issued(lab)
    cert, key = pair(lab, "db")
    ways = {8001: "send-proxy", 8002: "send-proxy-v2", 8443: "send-proxy-v2"}
    with open(lab.path("haproxy.cfg"), "w", encoding="ascii") as file:
        file.write(HAPROXY + "".join(
            f"listen l{port}\n  bind {ipv4('backend')}:{port}\n  server one {at(port)} {way}\n" for port, way in ways.items()
        ))
    os.chmod(lab.directory, 0o755)
    with open(lab.path("nginx.conf"), "w", encoding="ascii") as file:
        file.write("daemon off; pid none; error_log stderr; events {}\nhttp { access_log off;\n" + "".join(
            f"server {{ listen {at(port)} {'ssl ' if port == 8443 else ''}proxy_protocol; "
            f"{f'ssl_certificate {cert}; ssl_certificate_key {key}; ssl_protocols TLSv1.2;' if port == 8443 else ''} "
            "location / { return 200 stock; } }\n" for port in ways
        ) + "}\n")
    lab.serve("server", ["nginx", "-p", lab.directory, "-c", lab.path("nginx.conf")], 8001, absolute=True)
    lab.serve("backend", ["haproxy", "-f", lab.path("haproxy.cfg")], 8443, absolute=True)
    balancer = ipv4("backend")
    with lab.capture():
        for port in (8001, 8002):
            lab.call("client", ["curl", "-sS", f"http://{balancer}:{port}/orders"])
        lab.call("client", ["curl", "-sS", "--cacert", lab.path("lab-root.pem"), "--connect-to", f"{DB}:443:{balancer}:8443", f"https://{DB}/orders"])
    asked = {"calls": [call("", "GET /orders", 1, 200)]}
    told = []
    for client, host in ((ipv4("client"), "backend"), (balancer, "server")):
        end = lambda port: f"{ipv4(host)}:{port}"  # noqa: E731
        told += [in_clear(end(port), "http/1.1", client=client, **asked) for port in (8001, 8002)]
        told.append(over_tls(end(8443), "1.2", "not-requested", client=client, sni=DB))
    return Truth(
        told, [chain(lab, "db", "server", f"{balancer}:8443"), chain(lab, "db", "server", at(8443))],
        present=["WL1001", "WL4001", "WL4008", "WL4009"], maybe=["WL2002", "WL3014", "WL3009"], absent=["WL1003", "WL9004"],
        note="The balancer passes TLS on as it is, so the same certificate is seen at two places.",
    )
