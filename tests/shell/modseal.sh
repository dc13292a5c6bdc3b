# shellcheck shell=bash
# SPDX-License-Identifier: GPL-2.0-or-later
# For the tests of modseal: what is in a signed module, and is it what was asked for.

MARKER='~Module signature appended~'

# message_size FILE: bytes of the PKCS#7 message, from the trailer
message_size() {
	echo $((16#$(tail -c 32 "$1" | head -c 4 | od -An -tx1 | tr -d ' \n')))
}

# is_signed FILE
is_signed() {
	[ "$(tail -c 28 "$1" 2>/dev/null | tr -d '\0')" = "$MARKER" ]
}

# message FILE: the PKCS#7 message
message() {
	local n
	n=$(message_size "$1")
	tail -c $((n + 40)) "$1" | head -c "$n"
}

# split FILE: $T/.payload and $T/.message
split() {
	head -c $(($(stat -L -c %s "$1") - 40 - $(message_size "$1"))) "$1" >"$T/.payload"
	message "$1" >"$T/.message"
}

# verified FILE CERT ORIGINAL: signed once, over these bytes, by this certificate
verified() {
	is_signed "$1" || return 1
	split "$1"
	cmp "$T/.payload" "$3" || return 1
	openssl cms -verify -binary -inform DER -in "$T/.message" -content "$T/.payload" \
		-certfile "$2" -noverify -out /dev/null 2>"$T/.cms" && return
	cat "$T/.cms" >&2
	return 1
}

# make_tree DIR N: N copies of a module in some folders; MODULE is the original
make_tree() {
	local i
	[ -f "$T/original.ko" ] || make_module "$T/original.ko"
	for ((i = 0; i < $2; i++)); do
		mkdir -p "$1/d$((i % 7))/e"
		cp "$T/original.ko" "$1/d$((i % 7))/e/m$i.ko"
	done
}

# tree_whole DIR: every module is $T/original.ko, with one signature or without; sets OLD,
# NEW
tree_whole() {
	# shellcheck disable=SC2034 # for the test
	read -r OLD NEW BAD < <(python3 - "$1" "$T/original.ko" <<-'END'
		import os, sys
		original = open(sys.argv[2], "rb").read()
		marker = b"~Module signature appended~\n"
		old = new = 0
		bad = []
		for folder, _, names in os.walk(sys.argv[1]):
		    for name in names:
		        if not name.endswith(".ko") or os.path.islink(os.path.join(folder, name)):
		            continue
		        data = open(os.path.join(folder, name), "rb").read()
		        info = data[-40:-28]
		        size = int.from_bytes(info[8:], "big")
		        if data == original:
		            old += 1
		        elif (data[:len(original)] == original and data.endswith(marker)
		              and len(data) == len(original) + size + 40
		              and data[len(original)] == 0x30):
		            new += 1
		        else:
		            bad.append(name)
		print(old, new, *bad)
	END
	)
	[ -z "$BAD" ] || { diag "neither old nor new: $BAD"; return 1; }
}

# signatures: how many the agent has made
signatures() {
	records "SELECT count(*) FROM audit WHERE event = 'sign'"
}

# left_overs DIR: temporary files
left_overs() {
	find "$1" -name '.modseal-*'
}
