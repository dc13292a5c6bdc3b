#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Every module of the Debian kernels that test-vm/fetch-kernel has fetched is trusted against
# the kernel's own image, and none against another's.
. "$(dirname "$0")/lib.sh"

CACHE=${MODSEAL_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/modseal}/kernels
kernels=()
for name in 5.10 6.1 6.12 7 debian; do
	[ -e "$CACHE/$name/vmlinuz" ] && [ -e "$CACHE/$name/modules" ] && kernels+=("$name")
done
[ ${#kernels[@]} -gt 0 ] || skip_all 'no kernel has been fetched: test-vm/fetch-kernel debian'

for name in "${kernels[@]}"; do
	k=$CACHE/$name
	n=$(find -L "$k/modules/kernel" -type f -name '*.ko*' | wc -l)
	ok "$name: all are trusted" modseal-verify verify --kernel "$k/vmlinuz" "$k/modules/"
	like "$OUT" "^GOOD  $n modules: $n trusted" "$name: all $n of them"
	is "$(modseal-verify verify --kernel "$k/vmlinuz" --format jsonl "$k/modules/" |
		jq -r .kernel.verdict | sort | uniq -c | tr -s ' ')" " $n loads" \
		"$name: its own kernel would load them"
	for other in "${kernels[@]}"; do
		[ "$other" != "$name" ] || continue
		run modseal-verify verify --kernel "$CACHE/$other/vmlinuz" \
			"$k/modules/kernel/drivers/net/"
		like "$OUT" 'modules: 0 trusted, [1-9][0-9]* with findings, 0 not checked' \
			"$name: none by the key of $other"
		break
	done
done

done_testing
