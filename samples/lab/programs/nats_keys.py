"""Makes what NATS needs for logins without passwords: a key, and an account with a user's token.

Argument: a folder. Writes key.seed and key.public, and accounts.conf and user.creds.
"""

import base64
import hashlib
import json
import os
import sys
import time

import nkeys


def made(prefix, whose):
    """The same key at each recording: what a user is called is its public key. It is good for nothing else."""
    seed = bytes(nkeys.encode_seed(hashlib.sha256(f"lab, not a real key: {whose}".encode()).digest(), prefix))
    pair = nkeys.from_seed(bytearray(seed))
    return seed.decode(), pair, pair.public_key.decode()


def encoded(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def token(signer, issuer, subject, name, said):
    claims = {"iat": int(time.time()), "iss": issuer, "name": name, "sub": subject, "nats": {**said, "version": 2}}
    claims["jti"] = base64.b32encode(hashlib.sha256(json.dumps(claims).encode()).digest()).rstrip(b"=").decode()
    body = ".".join(encoded(json.dumps(part).encode()) for part in ({"typ": "JWT", "alg": "ed25519-nkey"}, claims))
    return f"{body}.{encoded(signer.sign(body.encode()))}"


def write(name, text):
    with open(os.path.join(sys.argv[1], name), "w", encoding="ascii") as file:
        file.write(text)


seed, _, public = made(nkeys.PREFIX_BYTE_USER, "orders by key")
write("key.seed", seed)
write("key.public", public)
_, operator, operator_name = made(nkeys.PREFIX_BYTE_OPERATOR, "operator")
_, account, account_name = made(nkeys.PREFIX_BYTE_ACCOUNT, "account")
user_seed, _, user_name = made(nkeys.PREFIX_BYTE_USER, "orders by token")
unlimited = {key: -1 for key in ("subs", "data", "payload", "imports", "exports", "conn", "leaf")}
anything = {"pub": {}, "sub": {}}
of_operator = token(operator, operator_name, operator_name, "lab", {"type": "operator"})
of_account = token(operator, operator_name, account_name, "shop", {
    "type": "account", "limits": {**unlimited, "wildcards": True}, "default_permissions": anything,
})
of_user = token(account, account_name, user_name, "orders", {"type": "user", **anything, "subs": -1, "data": -1, "payload": -1})
write("accounts.conf", f"operator: {of_operator}\nresolver: MEMORY\nresolver_preload: {{ {account_name}: {of_account} }}\n")
write("user.creds", f"""-----BEGIN NATS USER JWT-----
{of_user}
------END NATS USER JWT------

-----BEGIN USER NKEY SEED-----
{user_seed}
------END USER NKEY SEED------
""")
