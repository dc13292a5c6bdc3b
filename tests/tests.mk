# SPDX-License-Identifier: GPL-2.0-or-later
# The targets that check. Included by the Makefile; scripts/run-tests does the counting.

SECONDS ?= 30

# An agent whose front does what it is told, for one test; never installed.
BREAK_IN := $(BUILD)/tests/break-in/modseald
$(BUILD)/tests/break-in/web.o: signer/agent/web.c $(BUILD)/.flags
	$(say) CC $@
	@mkdir -p $(@D)
	$(Q)$(CC) -DMS_BREAK_IN $(MS_CPPFLAGS) $(CPPFLAGS) $(MS_CFLAGS) $(CFLAGS) \
		$(call pkgflags,$(LIBS_agent)) -MMD -MP -c $< -o $@
$(BREAK_IN): $(BUILD)/signer/agent/main.o $(BUILD)/tests/break-in/web.o \
		$(BUILD)/tests/break-in/break_in.o $(AR_agent) $(AR_tpm) $(AR_lib)
	$(say) LINK $@
	$(link) $^ $(call pkglibs,$(LIBS_agent) $(LIBS_tpm) $(LIBS_lib))

unit-tests: $(UNIT_TESTS) $(FUZZ_REPLAY) $(TEST_TOOLS) $(BREAK_IN)

# Everything the tests run, built at once.
tests-build: all unit-tests

# With $(MAKE) in the line, the script's own make is a part of this one.
check check-quick check-asan check-valgrind:
	$(Q)scripts/install-deps
	$(Q)MAKE="$(MAKE)" BUILD=$(BUILD) scripts/run-tests $@

# Every module of the kernels of Debian 11, 12 and 13, trusted by its own kernel's keys.
check-real:
	$(Q)scripts/install-deps
	$(Q)$(MAKE) --no-print-directory all
	$(Q)for kernel in 5.10 debian 6.12; do test-vm/fetch-kernel $$kernel || exit 1; done
	$(Q)BUILD=$(BUILD) $(PROVE) tests/shell/92-verify-real.t

# libFuzzer's own main(); scripts/fuzz says how everything below it is compiled.
$(FUZZ_BINS): $(BUILD)/fuzzers/%: $(BUILD)/tests/fuzz/%.o $(ARCHIVES)
	$(say) LINK $@
	@mkdir -p $(@D)
	$(link) -fsanitize=fuzzer $< -Wl,--start-group $(ARCHIVES) -Wl,--end-group \
		$(LDLIBS_ALL)

fuzzers: $(FUZZ_BINS)

fuzz:
	$(Q)scripts/install-deps
	$(Q)MAKE="$(MAKE)" BUILD=$(BUILD) scripts/fuzz $(SECONDS)

lint:
	$(Q)BUILD=$(BUILD) scripts/check-layers
	$(Q)scripts/check-style
	$(Q)scripts/check-shell

format:
	git ls-files '*.[ch]' | xargs clang-format -i

demo:
	$(Q)scripts/install-deps
	$(Q)MAKE="$(MAKE)" BUILD=$(BUILD) scripts/demo

bench:
	$(Q)scripts/install-deps
	$(Q)$(MAKE) --no-print-directory all $(TEST_TOOLS)
	$(Q)BUILD=$(BUILD) bench/run

.PHONY: unit-tests tests-build check check-quick check-asan check-valgrind check-real
.PHONY: fuzzers fuzz lint format demo bench
