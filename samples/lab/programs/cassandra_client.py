"""Reads one row by the Python driver. Arguments: address, port, protocol version, then key=value: user, password, ca, cert, key."""

import sys

from cassandra.auth import PlainTextAuthProvider
from cassandra.cluster import EXEC_PROFILE_DEFAULT, Cluster, ExecutionProfile
from cassandra.policies import WhiteListRoundRobinPolicy
from words import tls, words

given = words(4)
context = tls(given)
if context:
    context.check_hostname = False
login = PlainTextAuthProvider(given["user"], given["password"]) if "user" in given else None
profile = ExecutionProfile(load_balancing_policy=WhiteListRoundRobinPolicy([sys.argv[1]]))
cluster = Cluster(
    [sys.argv[1]], int(sys.argv[2]), protocol_version=int(sys.argv[3]), auth_provider=login, ssl_context=context, compression=False, schema_metadata_enabled=False,
    token_metadata_enabled=False,
    execution_profiles={EXEC_PROFILE_DEFAULT: profile}, connect_timeout=20,
)
session = cluster.connect()
session.execute("SELECT cluster_name FROM system.local")
cluster.shutdown()
