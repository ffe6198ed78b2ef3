#!/bin/sh
# A small system and its test: orders calls payments over mutual TLS and catalog in clear. `integration-test.sh search` is
# the same after a change: search calls catalog too. Needs openssl, curl, python3, and addresses of its own on the
# loopback interface (root, or sudo).
set -eu

work=$(mktemp -d)
trap 'kill $pids 2>/dev/null; rm -rf "$work"' EXIT
pids=
as_root() { if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo -n "$@"; fi; }

for last in 2 3 4 5; do
    as_root ip address replace "10.99.7.$last/32" dev lo
done

cd "$work"
openssl req -x509 -newkey rsa:2048 -nodes -days 30 -subj "/CN=shop test authority" -keyout ca.key -out ca.pem 2>/dev/null
for name in orders payments; do
    openssl req -newkey rsa:2048 -nodes -subj "/CN=$name" -keyout "$name.key" -out "$name.csr" 2>/dev/null
    printf 'subjectAltName=DNS:%s.shop.test\nextendedKeyUsage=serverAuth,clientAuth\n' "$name" >"$name.ext"
    openssl x509 -req -in "$name.csr" -CA ca.pem -CAkey ca.key -CAcreateserial -days 30 -extfile "$name.ext" \
        -out "$name.pem" 2>/dev/null
done

openssl s_server -accept 10.99.7.4:8443 -www -Verify 1 -CAfile ca.pem -cert payments.pem -key payments.key -quiet \
    >/dev/null 2>&1 &
pids="$pids $!"
mkdir items && echo '[]' >items/all.json
python3 -m http.server --bind 10.99.7.3 --directory items 8080 >/dev/null 2>&1 &
pids="$pids $!"

sleep 1
as_orders() { curl -sS --fail --interface 10.99.7.2 -o answer "$@"; }
for _ in 1 2 3; do
    as_orders http://10.99.7.3:8080/all.json
    grep -q '\[\]' answer
    as_orders --cacert ca.pem --cert orders.pem --key orders.key --connect-to ::10.99.7.4: https://payments.shop.test:8443/
done
if [ "${1:-}" = search ]; then
    curl -sS --fail --interface 10.99.7.5 -o answer http://10.99.7.3:8080/all.json
fi
echo "all tests passed"
