#!/usr/bin/env bash
# Makes the certificates and keys that the tests of tls/ use, with OpenSSL 3. They are worth nothing outside of these tests.
set -euo pipefail
cd "$(dirname "$0")"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
UNTIL=21260101000000Z

# key NAME ALGORITHM: rsa or ec
key() {
  case $2 in
    rsa) openssl genpkey -quiet -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out "$1.key" ;;
    ec) openssl genpkey -quiet -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$1.key" ;;
  esac
}

# authority NAME [ISSUER]
authority() {
  key "$1" ec
  issue "$1" "${2:-$1}" "$UNTIL" 'basicConstraints = critical, CA:TRUE' 'keyUsage = critical, keyCertSign'
}

# issue NAME ISSUER UNTIL EXTENSION…
issue() {
  local name=$1 issuer=$2 until=$3
  shift 3
  printf '%s\n' "$@" >"$work/extensions"
  openssl req -new -key "$name.key" -subj "/CN=$name" -out "$work/request"
  : >"$work/index"
  local signer=(-cert "$issuer.crt" -keyfile "$issuer.key")
  if [[ $issuer == "$name" ]]; then signer=(-selfsign -keyfile "$name.key"); fi
  openssl ca -batch -notext -config <(printf '%s\n' '[ca]' 'default_ca = own' '[own]' "database = $work/index" \
    "new_certs_dir = $work" 'default_md = sha256' 'policy = any' 'unique_subject = no' 'rand_serial = yes' \
    '[any]' 'commonName = supplied') "${signer[@]}" -in "$work/request" -out "$name.crt" \
    -startdate 20200101000000Z -enddate "$until" -extfile "$work/extensions" 2>/dev/null
}

# server NAME ALGORITHM ISSUER DNS [UNTIL]
server() {
  key "$1" "$2"
  issue "$1" "$3" "${5:-$UNTIL}" "subjectAltName = $4" 'extendedKeyUsage = serverAuth'
}

# client NAME ISSUER [UNTIL]
client() {
  key "$1" ec
  issue "$1" "$2" "${3:-$UNTIL}" 'extendedKeyUsage = clientAuth'
}

authority servers-ca
authority clients-ca
authority other-clients-ca
authority intermediate-ca servers-ca

server default ec servers-ca 'DNS:localhost, IP:127.0.0.1'
server default-rsa rsa servers-ca 'DNS:localhost, IP:127.0.0.1'
server renewed ec servers-ca 'DNS:localhost, IP:127.0.0.1'
server a ec servers-ca 'DNS:a.example'
server b ec servers-ca 'DNS:*.b.example'
server chained ec intermediate-ca 'DNS:localhost'
server expired ec servers-ca 'DNS:localhost' 20210101000000Z
client client clients-ca
client other-client other-clients-ca
client expired-client clients-ca 20210101000000Z

cat chained.crt intermediate-ca.crt >chain.crt
cat intermediate-ca.crt chained.crt >chain-reversed.crt
openssl pkey -in default.key -aes256 -passout pass:sentinel-passphrase -out encrypted.key
rm ./*-ca.key
