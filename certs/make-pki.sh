#!/usr/bin/env bash
# Makes a throwaway PKI for a demonstration or a test: certs/make-pki.sh DIR
# Running it again keeps what still holds and renews what has less than a day to live. See certs/README.md.
set -euo pipefail
umask 077

readonly ROOT_DAYS=3650 LEAF_DAYS=825 DAY=86400

main() {
    [ $# -eq 1 ] || { echo "usage: $0 DIR" >&2; exit 2; }
    mkdir -p "$1"
    cd "$1"
    root
    leaf server "Navette (throwaway)" serverAuth digitalSignature \
        "subjectAltName=DNS:localhost,IP:127.0.0.1,IP:::1"
    leaf client "ASP application (throwaway)" clientAuth digitalSignature
    leaf outbound "Navette outbound (throwaway)" clientAuth digitalSignature
    leaf partner "ASP stand-in (throwaway)" serverAuth digitalSignature \
        "subjectAltName=DNS:localhost,IP:127.0.0.1,IP:::1"
    leaf receipts "Navette receipts (throwaway)" emailProtection digitalSignature,nonRepudiation
    cat receipts.pem ca.pem | keep receipts-chain.pem
    [ -s tokens.key ] || new_key | keep tokens.key
    [ -s webhook.key ] && [ -s webhook.pub ] || webhook
    [ -s webhook.secret ] || { printf 'whsec_'; openssl rand -base64 32; } | keep webhook.secret
    [ -s master.key ] || openssl rand -hex 32 | keep master.key
    chmod 600 -- *.pem *.key *.pub *.secret
}

# A file is whole or absent, even if this script is interrupted.
keep() {
    cat > "$1.part"
    mv -- "$1.part" "$1"
}

new_key() {
    openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256
}

lives() {
    [ -s "$1" ] && openssl x509 -in "$1" -noout -checkend "$DAY" > /dev/null
}

root() {
    lives ca.pem && [ -s ca.key ] && return
    new_key | keep ca.key
    request ca.key "Throwaway root" \
        | openssl x509 -req -sha256 -days "$ROOT_DAYS" -set_serial "$(serial)" -signkey ca.key -extfile <(
            echo "basicConstraints=critical,CA:TRUE,pathlen:0"
            echo "keyUsage=critical,keyCertSign,cRLSign"
            echo "subjectKeyIdentifier=hash"
        ) 2> /dev/null | keep ca.pem
}

# leaf NAME COMMON_NAME EXTENDED_USAGE USAGE [EXTENSION]
leaf() {
    lives "$1.pem" && [ -s "$1.key" ] && openssl verify -CAfile ca.pem "$1.pem" > /dev/null 2>&1 && return
    [ -s "$1.key" ] || new_key | keep "$1.key"
    request "$1.key" "$2" \
        | openssl x509 -req -sha256 -days "$LEAF_DAYS" -set_serial "$(serial)" -CA ca.pem -CAkey ca.key -extfile <(
            echo "basicConstraints=critical,CA:FALSE"
            echo "keyUsage=critical,$4"
            echo "extendedKeyUsage=$3"
            echo "subjectKeyIdentifier=hash"
            echo "authorityKeyIdentifier=keyid"
            echo "${5:-}"
        ) 2> /dev/null | keep "$1.pem"
}

# The machine's openssl.cnf may add extensions of its own, so it is not read.
request() {
    openssl req -new -sha256 -key "$1" -subj "/O=Navette demonstration/CN=$2" \
        -config <(printf '[req]\ndistinguished_name=dn\n[dn]\n')
}

serial() {
    echo "0x$(openssl rand -hex 16)"
}

# Standard Webhooks write an ed25519 key as base64 of seed and public half; both are the last 32 bytes of their DER.
webhook() {
    openssl genpkey -algorithm ed25519 | keep webhook.pkcs8.key
    local pair="openssl pkey -in webhook.pkcs8.key -outform DER"
    { printf 'whsk_'; { $pair | tail -c 32; $pair -pubout | tail -c 32; } | base64 -w 0; echo; } | keep webhook.key
    { printf 'whpk_'; $pair -pubout | tail -c 32 | base64 -w 0; echo; } | keep webhook.pub
    rm -- webhook.pkcs8.key
}

main "$@"
