#!/bin/sh
# Makes the certificates of this folder anew (openssl 3). One key serves all that are no authority.
set -eu
cd "$(dirname "$0")"
work=$(mktemp -d)
trap 'rm -r "$work"' EXIT
export work
always="-startdate 20000101000000Z -enddate 20991231235959Z"

: > "$work/index"
echo 01 > "$work/crlnumber"
cat > "$work/ca.cnf" << 'END'
[ca]
default_ca = here
[here]
database = $ENV::work/index
crlnumber = $ENV::work/crlnumber
new_certs_dir = $ENV::work
rand_serial = yes
default_md = sha256
policy = any
unique_subject = no
[any]
commonName = optional
END
for mask in utf8:0x2000 bmp:0x0800 t61:0x0004; do
    printf '[req]\nstring_mask=MASK:%s\ndistinguished_name=dn\n[dn]\n' "${mask#*:}" \
        > "$work/${mask%:*}.cnf"
done
authority='basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\nsubjectKeyIdentifier=hash\n'
leaf='basicConstraints=CA:FALSE\nauthorityKeyIdentifier=keyid\n'
client="${leaf}extendedKeyUsage=clientAuth\n"
server="${leaf}extendedKeyUsage=serverAuth\nsubjectAltName=DNS:localhost,IP:127.0.0.1\n"

key() { openssl genpkey -quiet -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$1"; }

request() { # subject, key, configuration
    openssl req -new -key "$2" -utf8 -multivalue-rdn -subj "$1" -out "$work/request" \
        -config "$work/${3:-utf8}.cnf"
}

sign() { # file, extensions, options of openssl ca
    file=$1
    printf '%b' "$2" > "$work/extensions"
    shift 2
    openssl ca -batch -notext -preserveDN -config "$work/ca.cnf" -in "$work/request" -out "$file" \
        -extfile "$work/extensions" "$@" 2> /dev/null
}

self_signed() { # name
    key "$work/$1.key"
    request "/CN=Test authority" "$work/$1.key"
    sign "$1.pem" "$authority" -selfsign -keyfile "$work/$1.key" $always
}

issue() { # file, subject, extensions, authority, configuration
    request "$2" key.pem "${5:-utf8}"
    sign "$1" "$3" -cert "${4:-ca}.pem" -keyfile "$work/${4:-ca}.key" $always
}

dated() { # file, first day, last day
    request "/CN=localhost" key.pem
    sign "$1" "$server" -cert ca.pem -keyfile "$work/ca.key" -startdate "$2" -enddate "$3"
}

key key.pem
key other-key.pem
openssl ec -in key.pem -aes256 -passout pass:secret -out encrypted-key.pem 2> /dev/null
self_signed ca
self_signed other-ca
issue server.pem "/O=Example/CN=localhost" "$server"
issue alice.pem "/C=GB/ST=London/L=London/O=Example/CN=alice" "$client"
issue bob.pem "/C=GB/O=Example/CN=bob" "$client"
issue nameless.pem "/" "$client"
issue stranger.pem "/C=GB/O=Example/CN=alice" "$client" other-ca
issue authority-as-server.pem "/CN=localhost" "$authority"
dated expired.pem 19990101000000Z 20000101000000Z
dated future.pem 20980101000000Z 20991231235959Z

# The subjects of names.txt, line by line.
: > names.pem
name() { issue "$work/name" "$1" "$client" ca "${2:-utf8}"; cat "$work/name" >> names.pem; }
name "/CN=a+UID=u1/O=x"
name "/CN=Jürgen/O=Ärger ß 漢字 😀"
name '/CN= lead/O=trail /OU=#hash/L=a\+b"c<d>e;f=g\\h'
name "/emailAddress=a@b.c/DC=com/DC=example/serialNumber=42/title=T/GN=G/SN=S/initials=I/pseudonym=P/dnQualifier=Q/street=St/postalCode=1234/businessCategory=bc/name=N/description=de/CN=cn"
name "/CN=two  spaces/CN=second"
name "/CN=tab	in/O=c#x"
name "/CN=a,b/C=DE"
name "/jurisdictionC=DE/jurisdictionST=x/jurisdictionL=y/organizationIdentifier=z/unstructuredName=un/role=r/generationQualifier=gq/CN=x"
name "/CN=wide é" bmp
name "/CN=t61 é" t61

openssl ca -config "$work/ca.cnf" -cert ca.pem -keyfile "$work/ca.key" -revoke bob.pem 2> /dev/null
openssl ca -config "$work/ca.cnf" -cert ca.pem -keyfile "$work/ca.key" -gencrl \
    -crl_lastupdate 20000101000000Z -crl_nextupdate 20991231235959Z -out crl.pem 2> /dev/null
