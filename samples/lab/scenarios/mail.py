"""Mail: SMTP, IMAP and POP3 in clear with the logins they have, with STARTTLS taken, ignored and refused, and over TLS."""

import os
import shutil

from driver.lab import scenario
from driver.truth import Truth, connection, credential
from driver.wire import ipv4

from .secured import chain, in_clear, over_tls, pair, roots
from .stores import at, issued

PASSWORD = "lab-not-a-real-mail-password"
WRONG = "lab-not-a-real-wrong-password"
MESSAGE = b"From: orders@shop.test\r\nTo: store@shop.test\r\nSubject: stock\r\n\r\nOne chair is left.\r\n"

EXIM = """primary_hostname = mx.shop.test
spool_directory = {spool}
log_file_path = {spool}/log-%s
local_interfaces = {address}
daemon_smtp_ports = {ports}
host_lookup =
rfc1413_query_timeout = 0s
smtp_receive_timeout = 20s
acl_smtp_rcpt = acl_rcpt
{tls}
begin acl
acl_rcpt:
  accept
begin routers
nowhere:
  driver = redirect
  data = :blackhole:
begin authenticators
plain:
  driver = plaintext
  public_name = PLAIN
  server_prompts = :
  server_condition = ${{if and {{{{eq{{$auth2}}{{orders}}}}{{eq{{$auth3}}{{{password}}}}}}}}}
  server_set_id = $auth2
login:
  driver = plaintext
  public_name = LOGIN
  server_prompts = Username:: : Password::
  server_condition = ${{if and {{{{eq{{$auth1}}{{orders}}}}{{eq{{$auth2}}{{{password}}}}}}}}}
  server_set_id = $auth1
cram:
  driver = cram_md5
  public_name = CRAM-MD5
  server_secret = ${{if eq{{$auth1}}{{orders}}{{{password}}}fail}}
  server_set_id = $auth1
"""


def exim(lab, ports, *tls):
    """One daemon; it takes messages and throws them away. It wants to own its spool and to read its key as itself."""
    os.chmod(lab.directory, 0o755)
    spool = lab.path(f"exim{ports[0]}")
    os.mkdir(spool)
    shutil.chown(spool, "Debian-exim", "Debian-exim")
    config = f"{spool}.conf"
    with open(config, "w", encoding="ascii") as file:
        file.write(EXIM.format(
            spool=spool, address=ipv4("server"), ports=" : ".join(str(port) for port in ports), password=PASSWORD,
            tls="\n".join(tls),
        ))
    lab.serve("server", ["exim4", "-C", config, "-bdf"], ports[0], absolute=True)


def readable_key(lab, name, owner):
    """A copy of a certificate and its key for servers that do not read them as root."""
    cert, key = pair(lab, name)
    own = lab.path(f"{name}-{owner}.key")
    shutil.copy(key, own)
    shutil.chown(own, owner, owner)
    os.chmod(cert, 0o644)
    os.chmod(lab.path("lab-root.pem"), 0o644)
    return cert, own


def curl(lab, url, *words, password=PASSWORD, mechanism="PLAIN", **how):
    own = ["--user", f"orders:{password}", "--login-options", f"AUTH={mechanism}"] if password else []
    return lab.call("client", ["curl", "-sS", *own, *words, url], **how)


def send(lab, port, *words, scheme="smtp", **how):
    return curl(
        lab, f"{scheme}://{at(port)}/orders.shop.test", "--mail-from", "orders@shop.test", "--mail-rcpt", "store@shop.test",
        "--upload-file", "-", *words, input=MESSAGE, **how,
    )


def login(kind, where, name="orders"):
    return {"credential": [credential(kind, name, where)]}


@scenario("smtp-plaintext", "SMTP in clear: PLAIN, LOGIN and CRAM-MD5, a wrong password, and no login at all", ["exim4", "curl"])
def smtp_plaintext(lab):
    exim(lab, [25], "tls_advertise_hosts =")
    with lab.capture():
        for mechanism in ("PLAIN", "LOGIN", "CRAM-MD5"):
            send(lab, 25, mechanism=mechanism)
        send(lab, 25, password=WRONG, expect="failure")
        send(lab, 25, password=None)
    return Truth(
        [
            in_clear(at(25), "smtp", **login("sasl-plain", "AUTH PLAIN")), in_clear(at(25), "smtp", **login("password", "AUTH LOGIN")),
            in_clear(at(25), "smtp", **login("md5-hash", "AUTH CRAM-MD5")),
            in_clear(at(25), "smtp", **login("sasl-plain", "AUTH PLAIN")), in_clear(at(25), "smtp"),
        ],
        present=["WL1003", "WL1006"], absent=["WL1001", "WL1002", "WL1005", "WL9004"], secrets=[PASSWORD, WRONG],
    )


GNUTLS = "tls_require_ciphers = NORMAL:-VERS-ALL:+VERS-TLS"


@scenario("smtp-starttls", "SMTP that turns to TLS by STARTTLS: 1.2 and 1.3, mutual, ignored by a client; and TLS from the start", ["exim4", "curl"])
def smtp_starttls(lab):
    lab.keep_small()
    # Exim is told to know no curves.
    issued(lab, "rsa2048")
    cert, key = readable_key(lab, "db", "Debian-exim")
    ca = lab.path("lab-root.pem")
    own = ["tls_advertise_hosts = *", f"tls_certificate = {cert}", f"tls_privatekey = {key}", "tls_eccurve ="]
    exim(lab, [25, 465], *own, "tls_on_connect_ports = 465", f"{GNUTLS}1.2")
    exim(lab, [26], *own, f"{GNUTLS}1.3")
    exim(lab, [587], *own, f"{GNUTLS}1.2", "tls_verify_hosts = *", f"tls_verify_certificates = {ca}")
    lab.wait("server", 465)
    with lab.capture():
        send(lab, 25, "--ssl-reqd", "--cacert", ca)
        send(lab, 25)
        send(lab, 26, "--ssl-reqd", "--cacert", ca)
        send(lab, 587, "--ssl-reqd", "--cacert", ca, "--cert", pair(lab, "orders")[0], "--key", pair(lab, "orders")[1])
        send(lab, 465, "--cacert", ca, scheme="smtps")
    return Truth(
        [
            over_tls(at(25), "1.2", "not-requested"),
            in_clear(at(25), "smtp", **login("sasl-plain", "AUTH PLAIN")),
            over_tls(at(26), "1.3", "not-requested"), over_tls(at(587), "1.2", "presented"),
            over_tls(at(465), "1.2", "not-requested"),
        ],
        [
            *(chain(lab, "db", "server", at(port)) for port in (25, 465, 587)), chain(lab, "db", "server", at(26), "1.3"),
            chain(lab, "orders", "client", ipv4("client")), *roots(lab, ipv4("client")),
        ],
        present=["WL1003", "WL1004", "WL1005", "WL3008", "WL3018", "WL4001", "WL9001"], maybe=["WL2002", "WL2007", "WL3014", "WL3015"], absent=["WL1001", "WL1002", "WL9004"],
        secrets=[PASSWORD],
    )


@scenario("smtp-starttls-refused", "SMTP that offers STARTTLS and has no certificate: a client goes on in clear, another goes away", ["exim4", "curl"])
def smtp_starttls_refused(lab):
    exim(lab, [25], "tls_advertise_hosts = *", f"tls_certificate = {lab.path('gone.pem')}")
    with lab.capture():
        send(lab, 25, "--ssl")
        send(lab, 25, "--ssl-reqd", expect="failure")
    return Truth(
        [in_clear(at(25), "smtp", **login("sasl-plain", "AUTH PLAIN")), connection(ipv4("client"), at(25), 1, protocol="smtp")],
        present=["WL1003", "WL1005"], absent=["WL1001", "WL1002", "WL9004"], secrets=[PASSWORD],
        note="Exim answers STARTTLS with 454.",
    )


DOVECOT = """protocols = imap pop3
base_dir = {base}/run
state_dir = {base}/state
log_path = {base}/log
listen = {address}
mail_location = maildir:{base}/mail/%u
disable_plaintext_auth = no
auth_mechanisms = plain login cram-md5
first_valid_uid = 1
mail_uid = dovecot
mail_gid = dovecot
passdb {{
  driver = passwd-file
  args = scheme=PLAIN {base}/users
}}
userdb {{
  driver = static
  args = home={base}/mail/%u
}}
service imap-login {{
  inet_listener imap {{
    port = {imap}
  }}
  inet_listener imaps {{
    port = {imaps}
  }}
}}
service pop3-login {{
  inet_listener pop3 {{
    port = {pop3}
  }}
  inet_listener pop3s {{
    port = {pop3s}
  }}
}}
namespace inbox {{
  inbox = yes
}}
{tls}
"""


def dovecot(lab, *tls, shift=0, implicit=False):
    """IMAP on 143 and POP3 on 110, and over TLS where they should; `shift` puts a second one elsewhere."""
    os.chmod(lab.directory, 0o755)
    base = lab.path(f"dovecot{shift}")
    os.makedirs(os.path.join(base, "mail"))
    shutil.chown(os.path.join(base, "mail"), "dovecot", "dovecot")
    with open(os.path.join(base, "users"), "w", encoding="ascii") as file:
        file.write(f"orders:{PASSWORD}\n")
    os.chmod(os.path.join(base, "users"), 0o644)
    with open(os.path.join(base, "dovecot.conf"), "w", encoding="ascii") as file:
        file.write(DOVECOT.format(
            base=base, address=ipv4("server"), imap=143 + shift, pop3=110 + shift, imaps=993 + shift if implicit else 0,
            pop3s=995 + shift if implicit else 0, tls="\n".join(tls),
        ))
    lab.serve("server", ["dovecot", "-F", "-c", os.path.join(base, "dovecot.conf")], 143 + shift, absolute=True)
    lab.wait("server", 110 + shift)


def dovecot_tls(lab, name, lowest, *more):
    cert, key = pair(lab, name)
    highest = ["ssl_cipher_list = ECDHE+AESGCM"] if lowest == "1.2" else []
    return ["ssl = yes", f"ssl_cert = <{cert}", f"ssl_key = <{key}", f"ssl_min_protocol = TLSv{lowest}", "ssl_dh =", *highest, *more]


@scenario("imap-pop3-plaintext", "IMAP and POP3 in clear: by their own login, PLAIN, LOGIN and CRAM-MD5, and a wrong password", ["dovecot", "curl", "python"])
def imap_pop3_plaintext(lab):
    dovecot(lab, "ssl = no")
    told = []
    with lab.capture():
        for scheme, port, word in (("imap", 143, "AUTHENTICATE"), ("pop3", 110, "AUTH")):
            lab.call("client", ["/usr/bin/python3", lab.program("mail_client.py"), scheme, ipv4("server"), str(port), "orders", PASSWORD])
            told.append(in_clear(at(port), scheme, **login("password", "LOGIN" if scheme == "imap" else "PASS")))
            for mechanism, kind in (("PLAIN", "sasl-plain"), ("LOGIN", "password"), ("CRAM-MD5", "md5-hash")):
                curl(lab, f"{scheme}://{at(port)}/", mechanism=mechanism)
                told.append(in_clear(at(port), scheme, **login(kind, f"{word} {mechanism}")))
            curl(lab, f"{scheme}://{at(port)}/", password=WRONG, expect="failure")
            told.append(in_clear(at(port), scheme, **login("sasl-plain", f"{word} PLAIN")))
    return Truth(told, present=["WL1003", "WL1006"], absent=["WL1001", "WL1002", "WL1005", "WL9004"], secrets=[PASSWORD, WRONG])


@scenario("imap-pop3-starttls", "IMAP and POP3 that turn to TLS: 1.2 and 1.3, declined, mutual, ignored by a client; and TLS from the start", ["dovecot", "curl"])
def imap_pop3_starttls(lab):
    lab.keep_small()
    issued(lab)
    ca = lab.path("lab-root.pem")
    dovecot(lab, *dovecot_tls(lab, "db", "1.2"), implicit=True)
    dovecot(lab, *dovecot_tls(lab, "db", "1.3"), shift=2000)
    dovecot(lab, *dovecot_tls(lab, "db", "1.2", f"ssl_ca = <{ca}", "ssl_verify_client_cert = yes", "ssl_require_crl = no"), shift=4000)
    lab.wait("server", 993)
    told = []
    certificates = [chain(lab, "db", "server", at(port)) for port in (143, 110, 4143, 4110, 993, 995)]
    certificates += [chain(lab, "db", "server", at(port), "1.3") for port in (2143, 2110)]
    certificates += [chain(lab, "orders", "client", ipv4("client")), *roots(lab, ipv4("client"), at(4143), at(4110))]
    own = ["--cert", pair(lab, "orders")[0], "--key", pair(lab, "orders")[1]]
    with lab.capture():
        for scheme, port, word in (("imap", 143, "AUTHENTICATE"), ("pop3", 110, "AUTH")):
            for shift, version, auth in ((0, "1.2", "not-requested"), (2000, "1.3", "not-requested"), (4000, "1.2", "presented"),
                                         (4000, "1.2", "declined")):
                most = ["--tls-max", version]
                curl(lab, f"{scheme}://{at(port + shift)}/", "--ssl-reqd", "--cacert", ca, *most, *(own if auth == "presented" else []))
                told.append(over_tls(at(port + shift), version, auth))
            curl(lab, f"{scheme}://{at(port)}/")
            told.append(in_clear(at(port), scheme, **login("sasl-plain", f"{word} PLAIN")))
            implicit = at({"imap": 993, "pop3": 995}[scheme])
            curl(lab, f"{scheme}s://{implicit}/", "--cacert", ca, "--tls-max", "1.2")
            told.append(over_tls(implicit, "1.2", "not-requested"))
    return Truth(
        told, certificates, present=["WL1003", "WL1004", "WL1005", "WL4001", "WL4002", "WL9001"],
        maybe=["WL2002", "WL3014", "WL3015"], absent=["WL1001", "WL1002", "WL9004"], secrets=[PASSWORD],
    )
