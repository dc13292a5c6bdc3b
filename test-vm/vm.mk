# SPDX-License-Identifier: GPL-2.0-or-later
#
# The test VM: real kernels judge what modseal made. See docs/TEST-VM.md.
#
#   KERNEL=6.1     which kernels `make vm` boots: 5.10, 6.1, 6.12, 7, several with commas
#   SETUP=...      in which set-ups: open, sig-enforce, lockdown, secure-boot
#   VMFLAGS=--json results as JSON

KERNEL ?= 6.1
SETUP ?= secure-boot
VMFLAGS ?=
JUDGE := $(BUILD)/test-vm/judge

JUDGE_SRCS := $(wildcard test-vm/guest/*.c)

# The VM's init: static, since there may be nothing else in there, and never sanitized.
$(JUDGE): $(JUDGE_SRCS) $(wildcard test-vm/guest/*.h) lib/macro.h
	$(say) CC $@
	@mkdir -p $(@D)
	$(Q)$(CC) -D_GNU_SOURCE -I. -include lib/macro.h -std=gnu11 $(WARN) -Os -static \
		-o $@ $(JUDGE_SRCS)

vm-build: all $(JUDGE)
	@:

# tests/shell/90-vm.t runs it.
tests-build: $(JUDGE)

# With its own make for the programs, as the libraries may be installed only now.
vm:
	$(Q)scripts/install-deps
	$(Q)$(MAKE) --no-print-directory vm-build >&2
	$(Q)BUILD=$(BUILD) test-vm/run --kernel $(KERNEL) --setup $(SETUP) $(VMFLAGS)

vm-matrix:
	$(Q)$(MAKE) --no-print-directory vm KERNEL=all SETUP=all VMFLAGS='--cases all $(VMFLAGS)'

# Writes down what the kernels do with the odd modules. Look at the diff before a commit.
vm-record:
	$(Q)$(MAKE) --no-print-directory vm KERNEL=all SETUP=all VMFLAGS='--cases odd --record'

# What the verifier says about the odd modules, against that record. No VM.
vm-oracle:
	$(Q)scripts/install-deps
	$(Q)$(MAKE) --no-print-directory all >&2
	$(Q)BUILD=$(BUILD) test-vm/oracle

# Modules mutated from a new seed: do KERNEL and the verifier agree on each?
vm-fuzz:
	$(Q)scripts/install-deps
	$(Q)$(MAKE) vm-build >&2
	$(Q)BUILD=$(BUILD) test-vm/fuzz --kernel $(KERNEL) --keep $(BUILD)/vm-fuzz $(VMFLAGS)

.PHONY: vm vm-build vm-matrix vm-record vm-oracle vm-fuzz
