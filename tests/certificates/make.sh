#!/bin/sh
# Make the certificates of the tests again: a CA, and hosts that are right, expired, of another name, self-signed.
# The keys are for loopback servers of the tests and open nothing.
set -eu
cd "$(dirname "$0")"
work=$(mktemp -d)
: > "$work/index"
cat > "$work/conf" <<CONF
[ca]
default_ca = own
[own]
database = $work/index
new_certs_dir = $work
rand_serial = yes
default_md = sha256
policy = any
unique_subject = no
[any]
commonName = supplied
[signer]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign,cRLSign
subjectKeyIdentifier = hash
[loopback]
subjectAltName = IP:127.0.0.1,DNS:localhost
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
[elsewhere]
subjectAltName = DNS:elsewhere.example
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
[alone]
subjectAltName = IP:127.0.0.1
subjectKeyIdentifier = hash
CONF
make() { # name, extensions, end, how it is signed
  openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$work/$1.key" -out "$work/$1.csr" -subj "/CN=cmbot test $1"
  signed=$4
  [ "$signed" = self ] && set -- "$1" "$2" "$3" -selfsign -keyfile "$work/$1.key" || set -- "$1" "$2" "$3" -cert ca.pem -keyfile "$work/ca.key"
  name=$1 section=$2 end=$3
  shift 3
  openssl ca -batch -notext -config "$work/conf" -extensions "$section" -startdate 20200101000000Z -enddate "$end" \
    -in "$work/$name.csr" -out "$name.pem" "$@"
  [ "$name" = ca ] || cat "$work/$name.key" >> "$name.pem"
}
make ca signer 21200101000000Z self
make right loopback 21200101000000Z ca
make expired loopback 20200201000000Z ca
make othername elsewhere 21200101000000Z ca
make alone alone 21200101000000Z self
rm -r "$work"
