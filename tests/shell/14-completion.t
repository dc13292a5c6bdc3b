#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Completions: what the shells offer is what the table of commands has.
. "$(dirname "$0")/lib.sh"

for shell in bash zsh fish; do
	ok "$shell: there is one" modseal completion "$shell"
	printf '%s\n' "$OUT" >"$T/$shell"
	ok "$shell: it is understood" "$shell" -n "$T/$shell"
	for program in modseal-verify modseald; do
		ok "$shell: one for $program" packaging/completions/from-help "$shell" \
			"$BUILD/$program"
		printf '%s\n' "$OUT" >"$T/$shell.$program"
		ok "$shell: it is understood" "$shell" -n "$T/$shell.$program"
	done
done
fails 2 'no other shell' modseal completion tcsh

offers() { offered_by modseal "$@"; }
offered_by() { # PROGRAM WORD...: what bash offers for the last one
	local file=$T/bash function=_$1
	[ "$1" = modseal ] || file=$T/bash.$1
	bash -c 'function=$1; . "$2"; shift 2
		COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMPREPLY=()
		"$function" 2>/dev/null
		printf "%s\n" "${COMPREPLY[@]}"' offers "$function" "$file" "${@:2}"
}
has() { grep -qx -- "$2" <<<"$1" && pass "$3" || fail "$3" "$1"; }
out=$(offers modseal '')
for word in key build sign log policy status; do has "$out" "$word" "bash: modseal $word"; done
out=$(offers modseal key cr)
is "$out" create 'bash: modseal key cr is create'
out=$(offers modseal key create x --custody '')
is "$out" 'sealed
resident
leaf' 'bash: the values of --custody'
has "$(offers modseal sign --re)" --recursive 'bash: options of sign'
touch "$T/some.ko"
has "$(offers modseal sign "$T/so")" "$T/some.ko" 'bash: files to sign'
# Every command of the table is offered.
missing=$(modseal --help | sed -nE 's/^  ([a-z]+ [a-z-]+|[a-z]+) .*/\1/p' |
	while read -r group word; do
		offers modseal ${word:+"$group"} '' | grep -qx -- "${word:-$group}" ||
			echo "$group $word"
	done)
is "$missing" '' 'bash: every command of modseal --help is offered'
# So is every verb of modseal-verify, and every option, those of one verb alone as well.
missing=$(modseal-verify --help | sed -nE 's/^(usage:)? *modseal-verify ([a-z]+) .*/\2/p' |
	while read -r verb; do
		offered_by modseal-verify modseal-verify '' | grep -qx "$verb" || echo "$verb"
		modseal-verify "$verb" --help | grep -oE '^ +(-[a-z], )?--[a-z-]+' |
			while read -r option; do
				offered_by modseal-verify modseal-verify "$verb" -- |
					grep -qx -e "${option##* }" || echo "$verb ${option##* }"
			done
	done | sort -u)
is "$missing" '' 'bash: every verb and option of modseal-verify --help is offered'
has "$(offered_by modseal-verify modseal-verify update --so)" --source 'bash: update --source'
has "$(offered_by modseald modseald --)" --strict 'bash: modseald --strict'
like "$(fish -c "source $T/fish; complete -C 'modseal key create x --alg '" 2>&1)" p256 \
	'fish: the values of --alg'

done_testing
