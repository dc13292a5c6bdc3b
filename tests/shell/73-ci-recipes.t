#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# contrib/ci: both recipes parse, and their very commands sign a driver of Debian's with an
# agent over TLS; the job fails when the agent refuses, and keeps its secrets to itself.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/hooks.sh"
. "$(dirname "$0")/tls.sh"

headers=$(kernel_build) || skip_all 'no kernel headers here'
kernel=$(<"$headers/include/config/kernel.release") || bail_out 'headers of no release'
# The recipes' driver is Debian 12's, which is for its kernel.
release=12
[[ $kernel = 6.1.* ]] || release=13
root=''
if [ "$(id -u)" -ne 0 ]; then
	command -v fakeroot >/dev/null || skip_all 'dkms installs as root only; no fakeroot'
	root=fakeroot
fi
fetched=$(test-vm/fetch-kernel dkms-$release) || skip_all 'DKMS cannot be fetched'
driver=$(sed -n 's/^PACKAGE_VERSION="\(.*\)"$/\1/p' "$fetched/driver/dkms.conf")
[ -n "$driver" ] || bail_out 'a driver of no version'

tls_ca || bail_out "no CA: $(cat "$T/ca/log")"
tls_cert ci /CN=ci-job clientAuth || bail_out "no certificate: $(cat "$T/ca/log")"
agent_start
modseal key create distro-2026 --alg p256 >/dev/null || bail_out 'no key'
modseal key create other --alg p256 >/dev/null || bail_out 'no second key'
modseal key cert distro-2026 >"$T/cert.pem"
cat >>"$T/a/modseald.conf" <<END
[rule ci]
who = cert:CN=ci-job
key = distro-2026
content = digest
END
tls_agent || bail_out 'no agent with TLS'
allow() { # CN: whom the rule lets sign
	sed -i "s/^who = cert:CN=.*/who = cert:CN=$1/" "$T/a/modseald.conf"
	MODSEAL_AGENT=$local_agent modseal reload >/dev/null || bail_out 'no reload'
}
local_agent=$MODSEAL_AGENT
unset MODSEAL_AGENT MODSEAL_KEY

# machine: what the job starts from, in $R: the driver's repository, DKMS, our files
machine() {
	R=$T/r
	rm -rf "$R"
	mkdir -p "$R/repo" "$R/bin" "$R/etc" "$R/share" "$R/lib/$kernel" "$R/tree" "$R/src" \
		"$R/tmp" "$R/steps"
	cp -r "$(realpath "$fetched/driver")/." "$R/repo"
	MODSEAL_AGENT=$local_agent modseal key cert "${1:-distro-2026}" --der >"$R/repo/signing.der"
	ln -s "$(realpath "$headers")" "$R/lib/$kernel/build"
	sed "s,/etc/dkms/,$R/etc/dkms/,g" "$fetched/dkms" >"$R/dkms"
	cat >"$R/bin/dkms" <<-END
		#!/bin/sh
		export TMPDIR=$R/tmp
		exec $root bash $R/dkms "\$@" --dkmstree $R/tree --sourcetree $R/src \\
			--installtree $R/lib --kernelsourcedir $headers --no-depmod
	END
	cat >"$R/bin/modseal-dkms-check" <<-END
		#!/bin/sh
		exec $TOP/kbuild-hooks/dkms/modseal-dkms-check --cert $R/etc/modseal/cert.der \\
			--dkmstree $R/tree --installtree $R/lib "\$@"
	END
	chmod 755 "$R"/bin/*
	sed "s,/usr/bin/,$BUILD/,; s,/etc/modseal/,$R/etc/modseal/," \
		kbuild-hooks/dkms/dkms-framework.conf >"$R/share/dkms-framework.conf"
}

# here FILE...: with this machine's paths and agent
here() {
	local f text left i
	local paths=(/etc/dkms "$R/etc/dkms" /etc/modseal "$R/etc/modseal"
		/usr/share/modseal "$R/share" /lib/modules "$R/lib")
	for f in "$@"; do
		text=$(<"$f") left=$text
		for ((i = 0; i < ${#paths[@]}; i += 2)); do
			left=${left//"${paths[i]}"/}
			text=${text//"${paths[i]}"/"${paths[i + 1]}"}
		done
		[[ ! $left =~ [\ =]/(etc|lib|usr|var)/ ]] || return 1
		[ "$release" = 12 ] || text=${text//v4l2loopback\/0.12.7/v4l2loopback\/$driver}
		text=${text//https:\/\/signer.example.org:8443/https:\/\/localhost:$TLS_PORT}
		printf '%s\n' "$text" >"$f"
	done
}
# steps RECIPE: its scripts; what they are run with
steps() {
	tests/tools/ci-recipe.py "contrib/ci/$1.yml" "$R/steps" || return 1
	here "$R"/steps/*.sh "$R/steps/commands" || return 1
	case $1 in
	gitlab-ci) shell=(bash -eo pipefail) ;;
	*) shell=(sh -e) ;;
	esac
}

# job: as the service runs it; its exit status, all that it printed in $R/log
job() {
	local f status=0
	local env=(env -C "$R/repo" "PATH=$R/bin:$PATH" "MODSEAL_CONFIG=$R/etc/modseal/modseal.conf"
		"CI_SECRET_MODSEAL_TLS_CA=$(<"$T/ca/ca.pem")"
		"CI_SECRET_MODSEAL_TLS_CERT=$(<"$T/ca/ci.pem")"
		"CI_SECRET_MODSEAL_TLS_KEY=$(<"$T/ca/ci.key")"
		"MODSEAL_TLS_CA=$T/ca/ca.pem" "MODSEAL_TLS_CERT=$T/ca/ci.pem"
		"MODSEAL_TLS_KEY=$T/ca/ci.key")
	modes=''
	for f in "$R"/steps/*.sh; do
		[[ $f = *.always.sh ]] || [ "$status" = 0 ] || continue
		# As long as they are there.
		[[ $f != *.always.sh ]] || modes=$(stat -c '%a %n' "$R"/etc/modseal/ci* 2>&1)
		"${env[@]}" "${shell[@]}" "$f" >>"$R/log" 2>&1 || status=1
	done
	cat "$R/log"
	return "$status"
}
# stored: the modules among what is kept of the job
stored() {
	local folder
	while IFS= read -r folder; do
		find "$R/repo/$folder" -name '*.ko*' 2>/dev/null
	done <"$R/steps/stored"
}
signed() {
	local ko
	ko=$(stored) && [[ $ko != *$'\n'* ]] || return 1
	case $ko in
	*/v4l2loopback.ko) cp "$ko" "$T/m.ko" ;;
	*/v4l2loopback.ko.xz) xz -dc "$ko" >"$T/m.ko" ;;
	*) return 1 ;;
	esac
	verify "$T/m.ko" "$T/cert.pem"
}
# signatures: that the agent has made for the job, with the key
signatures() {
	records "SELECT count(*) FROM audit WHERE event = 'sign' AND
		identity = 'cert:CN=ci-job' AND key = 'distro-2026'"
}
# ended_at COMMAND: GitLab says each command before it runs it; this was the last
ended_at() {
	[ "$recipe" != gitlab-ci ] ||
		is "$(grep '^\$ ' "$R/log" | tail -n 1)" "\$ $1" "the job ended at: $1"
}

for recipe in github-actions gitlab-ci; do
	machine
	ok "$recipe: parses, and has what a job has" steps "$recipe"
	is "$(paste -sd' ' "$R/steps/secrets")" \
		'MODSEAL_TLS_CA MODSEAL_TLS_CERT MODSEAL_TLS_KEY' 'its secrets are these'
	before=$(signatures)
	ok "$recipe: the job succeeds" job
	like "$OUT" 'Signing module ' 'DKMS has signed'
	is $(($(signatures) - before)) 1 'with the key, and the agent knows for whom'
	ok "$recipe: what it stores is signed with the key" signed
	[ "$recipe" != gitlab-ci ] || is "$(grep '^\$ ' "$R/log")" "$(<"$R/steps/commands")" \
		'every command was run, in order'
	unlike "$OUT" "$(sed -n 2p "$T/ca/ci.key")" 'the secret is in nothing that it printed'
	fails 1 'nor in the repository, or what is stored' grep -rqF \
		"$(sed -n 2p "$T/ca/ci.key")" "$R/repo"
	is "$(grep -c '^600 ' <<<"$modes") $(grep -c . <<<"$modes")" '3 3' \
		'while it ran, its files were for nobody else to read'
	fails any 'in the end the key is gone' ls "$R/etc/modseal/ci.key"

	allow somebody-else
	machine
	steps "$recipe"
	before=$(signatures)
	fails any "$recipe: the agent refuses: the job fails" job
	like "$OUT" 'no key distro-2026 that cert:CN=ci-job may use' 'and says why'
	like "$OUT" 'modseal-dkms-check: not signed' 'it is the check that stops it'
	ended_at modseal-dkms-check
	is "$(signatures)" "$before" 'nothing is signed'
	is "$(stored)" '' 'nothing is stored'
	fails any 'the key is gone nevertheless' ls "$R/etc/modseal/ci.key"
	allow ci-job

	machine other
	steps "$recipe"
	fails any "$recipe: the repository names another key's certificate" job
	like "$OUT" 'not the certificate of key distro-2026' 'the job fails and says why'
	is "$(stored)" '' 'nothing is stored'

	# Had the build taken another certificate for ours, the last look would find it.
	machine
	steps "$recipe"
	sed -i 's/^modseal-dkms-check$/cp other.der signing.der/' "$R"/steps/*.sh
	MODSEAL_AGENT=$local_agent modseal key cert other --der >"$R/repo/other.der"
	fails any "$recipe: signed, but not with the key of signing.der" job
	like "$OUT" 'UNKNOWN[- ]SIGNER' 'the job fails and says why'
	ended_at 'modseal-verify verify --anchor signing.der signed'

	machine
	steps "$recipe"
	echo '#error broken' >>"$R/repo/v4l2loopback.c"
	fails any "$recipe: the driver does not build: the job fails" job
	unlike "$OUT" 'Signing module' 'before anything is signed'
	is "$(stored)" '' 'nothing is stored'

	machine
	steps "$recipe"
	dev-agent agent-stop "$T/a"
	fails any "$recipe: no agent: the job fails" job
	unlike "$OUT" 'Signing module' 'before it builds anything'
	ended_at 'modseal whoami'
	dev-agent agent-start "$T/a" || bail_out 'the agent does not start again'
done
done_testing
