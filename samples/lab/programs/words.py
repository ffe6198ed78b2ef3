"""Arguments of the form key=value, as a dictionary."""

import os
import ssl
import sys

VERSIONS = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}


def words(skip):
    return dict(word.split("=", 1) for word in sys.argv[skip:])


def calls(usual):
    """How many calls to make: as many as usual, or what the lab asks for."""
    return int(os.environ.get("LAB_CALLS", usual))


def tls(given):
    """A client's TLS context as the words ca, cert, key and version say; None without ca."""
    if "ca" not in given:
        return None
    context = ssl.create_default_context(cafile=given["ca"])
    if "cert" in given:
        context.load_cert_chain(given["cert"], given["key"])
    if "version" in given:
        context.maximum_version = VERSIONS[given["version"]]
    return context


def server_tls(given):
    """A server's TLS context as the words cert, key, ca, auth (none, optional, require) and version say."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(given["cert"], given["key"])
    context.maximum_version = VERSIONS[given["version"]]
    if given["auth"] != "none":
        context.load_verify_locations(given["ca"])
        context.verify_mode = {"optional": ssl.CERT_OPTIONAL, "require": ssl.CERT_REQUIRED}[given["auth"]]
    return context
