# SPDX-License-Identifier: GPL-2.0-or-later
#
# The test VM: a real kernel judges what modseal made. See docs/TEST-VM.md.
#
#   KERNEL=6.1     which kernel `make vm` boots: 5.10, 6.1, 6.12 or 7
#   VMFLAGS=--json results as JSON

KERNEL ?= 6.1
VMFLAGS ?=
JUDGE := $(BUILD)/test-vm/judge

# The VM's init: static, since nothing else is in there, and never sanitized.
$(JUDGE): test-vm/judge.c lib/macro.h
	$(say) CC $<
	@mkdir -p $(@D)
	$(Q)$(CC) -D_GNU_SOURCE -I. -include lib/macro.h -std=gnu11 $(WARN) -Os -static \
		-o $@ $<

vm: $(PROGRAMS) $(JUDGE)
	$(Q)BUILD=$(BUILD) test-vm/run --kernel $(KERNEL) $(VMFLAGS)

.PHONY: vm
