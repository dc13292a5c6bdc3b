# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# For tests of TLS: a small CA in $T/ca and an agent that has [tls]. Sourced after lib.sh.

# tls_ca: a CA, the server's certificate, an empty revocation list
tls_ca() {
	mkdir -p "$T/ca"
	chmod 700 "$T/ca"
	: >"$T/ca/index"
	echo 1000 >"$T/ca/serial"
	echo 01 >"$T/ca/crlnumber"
	cat >"$T/ca/ca.cnf" <<-END
		[ca]
		default_ca = c
		[c]
		database = $T/ca/index
		serial = $T/ca/serial
		crlnumber = $T/ca/crlnumber
		new_certs_dir = $T/ca
		certificate = $T/ca/ca.pem
		private_key = $T/ca/ca.key
		default_md = sha256
		default_days = 10
		default_crl_days = 10
		policy = p
		unique_subject = no
		copy_extensions = copy
		[p]
		commonName = optional
	END
	tls_self ca 'modseal test CA' || return 1
	tls_cert server /CN=localhost serverAuth 'DNS:localhost,IP:127.0.0.1' || return 1
	tls_crl
}

# tls_self NAME CN: a CA of its own, $T/ca/NAME.pem and NAME.key
tls_self() {
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -sha256 \
		-days 10 -subj "/CN=$2" -keyout "$T/ca/$1.key" -out "$T/ca/$1.pem" \
		-addext 'keyUsage=critical,keyCertSign,cRLSign' 2>"$T/ca/log"
}

# tls_cert NAME SUBJECT EKU [SAN]: $T/ca/NAME.pem and NAME.key, signed by the CA
tls_cert() {
	local ext=(-addext 'basicConstraints=critical,CA:FALSE')
	[ -z "$3" ] || ext+=(-addext "extendedKeyUsage=$3")
	[ -z "${4:-}" ] || ext+=(-addext "subjectAltName=$4")
	openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -sha256 \
		-subj "$2" "${ext[@]}" -keyout "$T/ca/$1.key" -out "$T/ca/$1.csr" \
		2>"$T/ca/log" &&
		openssl ca -config "$T/ca/ca.cnf" -batch -notext -in "$T/ca/$1.csr" \
			-out "$T/ca/$1.pem" 2>"$T/ca/log"
}

# tls_revoke NAME: on the CA's books; tls_crl: a new list, put in place at once
tls_revoke() {
	openssl ca -config "$T/ca/ca.cnf" -revoke "$T/ca/$1.pem" 2>"$T/ca/log"
}
tls_crl() {
	openssl ca -config "$T/ca/ca.cnf" -gencrl -out "$T/ca/crl.new" 2>"$T/ca/log" &&
		mv "$T/ca/crl.new" "$T/ca/crl.pem"
}

# tls_agent [DIR]: turns TLS on in the agent of DIR; sets TLS_PORT
tls_agent() {
	local dir=${1:-$T/a} i
	dev-agent agent-stop "$dir"
	for ((i = 0; i < 20; i++)); do
		TLS_PORT=$((20000 + RANDOM % 12000))
		sed -i '/^\[tls\]/,$d' "$dir/modseald.conf"
		cat >>"$dir/modseald.conf" <<-END
			[tls]
			listen = 127.0.0.1:$TLS_PORT
			cert = $T/ca/server.pem
			key = $T/ca/server.key
			ca = $T/ca/ca.pem
			crl = $T/ca/crl.pem
		END
		! dev-agent agent-start "$dir" 2>"$T/ca/log" || return 0
	done
	cat "$T/ca/log"
	return 1
}

# tls_curl NAME PATH [OPTION...]: as the client NAME
tls_curl() {
	local name=$1 path=$2
	shift 2
	curl -sS --max-time 20 --cacert "$T/ca/ca.pem" --cert "$T/ca/$name.pem" \
		--key "$T/ca/$name.key" "$@" "https://localhost:$TLS_PORT$path"
}
