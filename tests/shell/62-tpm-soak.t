#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# Thousands of operations leave nothing behind: no handle, no session, no memory. TURNS=256
# makes them ten thousand, which takes a minute of processor time.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/tpm.sh"

tpm_start
# Each turn is an unseal and 38 signatures, one in four a seal with its proof.
turns=${TURNS:-48}
tpm_ms() { # processor time that the TPM has had
	local pid ticks
	read -r pid _ <"$T/a/swtpm.pid"
	ticks=$(sed 's/.*) //' "/proc/$pid/stat" | awk '{ print $12 + $13 }')
	echo $((ticks * 1000 / $(getconf CLK_TCK)))
}
ok "$turns turns, $((turns * 40)) operations" tpm-soak "$TPM2TOOLS_TCTI" "$turns"
said=$OUT
diag "$said"
growth=$(sed -n 's/^heap_growth //p' <<<"$said")
ok "the heap has not grown (by $growth bytes)" test "${growth:-99999}" -lt 4096
# Others may be busy on this machine, so only processor time counts. Each limit is four
# times what an idle machine takes: caches are shared.
best=$(sed -n 's/^best_unseal_cpu_ms \([0-9]*\).*/\1/p' <<<"$said")
ok "an unseal takes less than 28 ms here ($best)" test "${best:-999}" -lt 28
cpu=$(sed -n 's/^mean_cpu_ms \([0-9]*\).*/\1/p' <<<"$said")
ok "a turn takes less than 480 ms here ($cpu)" test "${cpu:-999}" -lt 480
cpu=$(($(tpm_ms) / (turns + 16)))
ok "and less than 72 ms in the TPM ($cpu)" test $cpu -lt 72

for what in transient loaded-session saved-session; do
	ok "the TPM tells its handles: $what" tpm2_getcap "handles-$what"
	is "$OUT" '' "no $what is left"
done
ok 'and its tries' tpm2_getcap properties-variable
like "$OUT" 'TPM2_PT_LOCKOUT_COUNTER: 0x0' 'no PIN was counted as wrong'
done_testing
