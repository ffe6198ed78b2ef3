"""JSON web tokens, good and bad. Keys are made for the purpose and forgotten: the tokens open nothing."""

import base64
import hashlib
import hmac
import json
import subprocess
import time

SECRET = b"lab-not-a-real-signing-secret"


def encoded(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def token(key=None, header=None, signed=True, **claims):
    """A token with these claims; signed by RSA with the key of that file, else by a shared secret, or not at all."""
    head = {"alg": "RS256" if key else "HS256", "typ": "JWT", **(header or {})}
    if not signed:
        head["alg"] = "none"
    known = {name: value for name, value in claims.items() if value is not None}
    body = ".".join(encoded(json.dumps(part, separators=(",", ":")).encode()) for part in (head, known))
    if not signed:
        return body + "."
    if key:
        argv = ["openssl", "dgst", "-sha256", "-sign", key]
        signature = subprocess.run(argv, input=body.encode(), capture_output=True, check=True).stdout
    else:
        signature = hmac.digest(SECRET, body.encode(), hashlib.sha256)
    return f"{body}.{encoded(signature)}"


def usual(**changed):
    """Claims as they should be, except for what is changed; times are relative to now, None leaves a claim out."""
    now = int(time.time())
    claims = {
        "iss": "https://login.shop.test", "sub": "orders", "aud": "inventory", "iat": now - 60, "exp": 840,
        "jti": "3f0c7a51",
    }
    claims.update(changed)
    if claims["exp"] is not None:
        claims["exp"] += now
    return claims
