# SPDX-License-Identifier: GPL-2.0-or-later
# The targets that check. Included by the Makefile; scripts/run-tests does the counting.

SECONDS ?= 30

unit-tests: $(UNIT_TESTS) $(FUZZ_REPLAY) $(TEST_TOOLS)

check check-quick check-asan check-valgrind:
	$(Q)scripts/install-deps
	$(Q)BUILD=$(BUILD) scripts/run-tests $@

fuzz:
	$(Q)scripts/install-deps
	$(Q)BUILD=$(BUILD) scripts/fuzz $(SECONDS)

lint:
	$(Q)scripts/check-layers
	$(Q)scripts/check-style

demo:
	$(Q)scripts/install-deps
	$(Q)BUILD=$(BUILD) scripts/demo

bench:
	$(Q)scripts/install-deps
	$(Q)BUILD=$(BUILD) bench/run

# Everything the tests run, built at once.
tests-build: all unit-tests

.PHONY: unit-tests tests-build check check-quick check-asan check-valgrind fuzz lint demo bench
