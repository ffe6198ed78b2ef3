#!/bin/sh
# Makes the certificates beside it, with OpenSSL 3. They are checked in, for the tests state what is in them; run this
# only to add one, and keep the others as they are.
#
#     cd src/pki/testdata && ./make.sh
set -eu

key=$(mktemp)
config=$(mktemp)
trap 'rm -f "$key" "$config"' EXIT

# self NAME SUBJECT REQ-OPTIONS...: signed by its own key, which is in $key.
self() {
    name=$1 subject=$2
    shift 2
    [ -e "$name.der" ] && return
    openssl req -x509 -new -key "$key" -subj "$subject" -days 3650 -outform DER -out "$name.der" "$@"
}

# generate GENPKEY-OPTIONS...
generate() {
    openssl genpkey -quiet "$@" -out "$key" 2>/dev/null || openssl genpkey "$@" -out "$key" 2>/dev/null
}

rsa() { generate -algorithm RSA -pkeyopt "rsa_keygen_bits:$1"; }
curve() { generate -algorithm EC -pkeyopt "ec_paramgen_curve:$1" -pkeyopt "ec_param_enc:${2:-named_curve}"; }

rsa 1024
self rsa1024-sha1 /CN=old.example -sha1
self rsa1024-sha256 /CN=old.example -sha256
self rsa1024-md5 /CN=old.example -md5
generate -algorithm RSA -pkeyopt rsa_keygen_bits:2047 -pkeyopt rsa_keygen_pubexp:3
self rsa2047-sha224 /CN=odd.example -sha224
rsa 2048
self rsa2048-sha512 /CN=api.example -sha512
self pss-sha256 /CN=pss.example -sha256 -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:32
self pss-salt20-mask-sha1 /CN=pss.example -sha384 -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:20 \
    -sigopt rsa_mgf1_md:sha1
self pss-sha1-long-salt /CN=pss.example -sha1 -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:max
self pss-sha512-256 /CN=pss.example -sha512-256 -sigopt rsa_padding_mode:pss
generate -algorithm RSA-PSS -pkeyopt rsa_keygen_bits:1025
self pss-key-1025 /CN=pss.example -sha256

curve P-256
self p256 /CN=ec.example
self p256-sha512 /CN=ec.example -sha512
curve P-384
self p384 /CN=ec.example -sha384
self p384-sha1 /CN=ec.example -sha1
curve P-521
self p521 /CN=ec.example -sha512
self p521-sha1 /CN=ec.example -sha1
openssl ec -in "$key" -conv_form compressed -out "$key" 2>/dev/null
self p521-compressed /CN=ec.example -sha256
curve P-256 explicit
self p256-explicit /CN=ec.example
curve brainpoolP320r1
self brainpool320 /CN=ec.example
curve secp256k1
self secp256k1 /CN=ec.example
curve prime192v1
self p192 /CN=ec.example
generate -algorithm ED25519
self ed25519 /CN=ed.example
generate -algorithm ED448
self ed448 /CN=ed.example
openssl dsaparam -genkey -noout -out "$key" 1024 2>/dev/null
self dsa1024 /CN=dsa.example -sha1

curve P-256
cat >"$config" <<'EOF'
[req]
distinguished_name = name
x509_extensions = extensions
prompt = no
string_mask = pkix
[name]
C = US
O = Example, \"Inc.\"
0.OU = Über + Ops
1.+OU = second
serialNumber = 12-34
0.1.2.3.4.5 = private
CN = api\\;one
[extensions]
basicConstraints = critical, CA:true, pathlen:3
keyUsage = critical, digitalSignature, keyCertSign, cRLSign, decipherOnly, keyAgreement
extendedKeyUsage = serverAuth, clientAuth, 1.3.6.1.4.1.99999.1
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid:always
subjectAltName = DNS:*.example.com, IP:10.0.0.1, IP:2001:db8::1, URI:spiffe://example.com/ns/a/sa/b, \
    email:ops@example.com, otherName:1.3.6.1.4.1.311.20.2.3;UTF8:user, RID:1.2.3, dirName:directory
authorityInfoAccess = OCSP;URI:http://ocsp.example.com
crlDistributionPoints = URI:http://crl.example.com
tlsfeature = status_request
[directory]
CN = directory
EOF
[ -e everything.der ] ||
    openssl req -x509 -new -key "$key" -config "$config" -utf8 -days 3650 -outform DER -out everything.der

cat >"$config" <<'EOF'
[req]
distinguished_name = name
prompt = no
[name]
CN = v1.example
EOF
[ -e v1.der ] || {
    openssl req -new -key "$key" -config "$config" |
        openssl x509 -req -signkey "$key" -days 3650 -outform DER -out v1.der 2>/dev/null
}

# An authority with a good and a revoked leaf, its revocation list, and an OCSP response about both by a responder that it
# appointed.
[ -e openssl-ocsp.der ] || (
    folder=$(mktemp -d)
    trap 'rm -r "$folder"' EXIT
    out=$PWD
    cd "$folder"
    touch index.txt
    echo 1000 >serial
    cat >ca.cnf <<'EOF'
[ca]
default_ca = authority
[authority]
database = index.txt
new_certs_dir = .
serial = serial
certificate = ca.pem
private_key = ca.key
default_md = sha256
default_days = 3650
default_crl_days = 3650
policy = any
crl_extensions = list
x509_extensions = leaf
[any]
commonName = supplied
organizationName = optional
[list]
authorityKeyIdentifier = keyid
[leaf]
basicConstraints = CA:FALSE
subjectAltName = DNS:api.shop.test
extendedKeyUsage = serverAuth
authorityKeyIdentifier = keyid
tlsfeature = status_request
[responder]
extendedKeyUsage = OCSPSigning
authorityKeyIdentifier = keyid
[root]
basicConstraints = critical, CA:TRUE, pathlen:0
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
[req]
distinguished_name = name
[name]
EOF
    new() { openssl req "$@" -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -config ca.cnf; }
    sign() { openssl ca -batch -notext -config ca.cnf "$@"; }
    new -x509 -keyout ca.key -out ca.pem -subj '/O=example/CN=openssl root' -days 3650 -extensions root
    for name in good revoked ocsp; do
        new -new -keyout $name.key -out $name.csr -subj /CN=$name
        [ $name = ocsp ] && extensions=responder || extensions=leaf
        sign -extensions $extensions -in $name.csr -out $name.pem
    done
    sign -revoke revoked.pem -crl_reason keyCompromise
    sign -gencrl -out "$out/openssl-crl.pem"
    openssl ocsp -index index.txt -CA ca.pem -rsigner ocsp.pem -rkey ocsp.key -issuer ca.pem \
        -cert good.pem -cert revoked.pem -ndays 3650 -respout "$out/openssl-ocsp.der"
    for name in ca good revoked; do
        openssl x509 -in $name.pem -outform DER -out "$out/openssl-$name.der"
    done
)
