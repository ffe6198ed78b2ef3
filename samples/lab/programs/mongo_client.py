"""Writes and reads one document by pymongo. Arguments: address:port, then key=value: user, password, mechanism, ca, cert, patience."""

import sys

from pymongo import MongoClient
from words import words

given = words(2)
more = {}
if "user" in given:
    more = {"username": given["user"], "password": given["password"], "authMechanism": given["mechanism"], "authSource": "admin"}
if "ca" in given:
    more |= {"tls": True, "tlsCAFile": given["ca"], "tlsAllowInvalidHostnames": True}
if "cert" in given:
    more |= {"tlsCertificateKeyFile": given["cert"]}
client = MongoClient(f"mongodb://{sys.argv[1]}/", directConnection=True, appname="orders", serverSelectionTimeoutMS=int(given.get("patience", 8000)), **more)
stock = client.shop.stock
stock.insert_one({"item": "chair", "left": 41})
stock.find_one({"item": "chair"})
client.close()
