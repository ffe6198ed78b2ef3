"""A shop on Flask. Arguments: address, port, then flags for its cookies. Its pages: a login that makes a session, and a payment."""

import sys

from flask import Flask, session

app = Flask(__name__)
app.secret_key = "lab-not-a-real-cookie-secret"
if "flags" in sys.argv:
    app.config.update(SESSION_COOKIE_SECURE=True, SESSION_COOKIE_SAMESITE="Lax")


@app.get("/login")
def login():
    session["user"] = "orders"
    return "welcome"


@app.get("/orders/<number>/payment")
def payment(number):
    # The number that payment providers publish for tests.
    return {"order": number, "card": "4111 1111 1111 1111"}


app.run(sys.argv[1], int(sys.argv[2]))
