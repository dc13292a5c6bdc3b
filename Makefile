# SPDX-License-Identifier: GPL-2.0-or-later
#
# modseal: one Makefile for everything. `make help` lists the targets.
#
#   BUILD=dir      where objects and programs go (default: build)
#   V=1            print whole commands
#   DEVELOPER=1    warnings are errors, and more of them
#   SANITIZE=a,b   build with -fsanitize=a,b (say address,undefined)
#   CC=clang       any C11 compiler with GNU extensions
#   MUSL_GCC=      build modseal-sign-file with glibc; HOOK_STATIC= links it dynamically
#   PREFIX, DESTDIR, SYSCONFDIR, LOCALSTATEDIR   for `make install`

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.SUFFIXES:

VERSION := 0.1.0
BUILD ?= build
# One name for one folder, as the .d files are about the objects by their names.
override BUILD := $(patsubst $(CURDIR)/%,%,$(BUILD))
PREFIX ?= /usr/local
BINDIR ?= $(PREFIX)/bin
SBINDIR ?= $(PREFIX)/sbin
DATADIR ?= $(PREFIX)/share/modseal
MANDIR ?= $(PREFIX)/share/man
UNITDIR ?= $(PREFIX)/lib/systemd/system
SYSUSERSDIR ?= $(PREFIX)/lib/sysusers.d
TMPFILESDIR ?= $(PREFIX)/lib/tmpfiles.d
SYSCONFDIR ?= /etc
LOCALSTATEDIR ?= /var
RUNDIR ?= /run

PKG_CONFIG ?= pkg-config
INSTALL ?= install
PROVE ?= prove
CLANG ?= clang

ifeq ($(V),1)
  Q :=
  say = @:
else
  Q := @
  say = @printf '  %-8s %s\n'
endif

# ---------------------------------------------------------------- libraries

# Which folder may use which library is written down in scripts/check-layers.
LIBS_lib := libcrypto libelf
LIBS_compress := zlib liblzma libzstd
LIBS_tpm := libcrypto tss2-esys tss2-mu tss2-rc tss2-tctildr
LIBS_agent := libssl libcrypto libevent libevent_pthreads libevent_openssl jansson inih sqlite3 libseccomp
LIBS_client := libcrypto jansson
LIBS_pkcs11 := libcrypto jansson p11-kit-1
LIBS_verifier := libcrypto jansson liblzma libzstd liblz4 lzo2 libarchive
LIBS_tests := cmocka

# Named by docs and install-deps; checked at once so that a missing one is one sentence.
# libcurl is loaded when it is needed: its headers are enough.
PACKAGES := $(sort $(LIBS_lib) $(LIBS_compress) $(LIBS_tpm) $(LIBS_agent) $(LIBS_client) \
	$(LIBS_verifier) $(LIBS_pkcs11) libcurl)

ifeq ($(filter help clean distclean demo check check-% fuzz bench lint format vm vm-% deb rpm,$(MAKECMDGOALS)),)
  ifneq ($(shell $(PKG_CONFIG) --exists $(PACKAGES) 2>/dev/null && echo ok),ok)
    $(shell ! command -v $(PKG_CONFIG) >/dev/null || \
	$(PKG_CONFIG) --print-errors --exists $(PACKAGES) >&2)
    $(error Libraries are missing: run scripts/install-deps --build)
  endif
endif

pkgflags = $(shell $(PKG_CONFIG) --cflags $(1) 2>/dev/null)
pkglibs = $(shell $(PKG_CONFIG) --libs $(1) 2>/dev/null)
LDLIBS_ALL := $(call pkglibs,$(PACKAGES))

# ------------------------------------------------------------------- flags

CFLAGS ?= -O2 -g
WARN := -Wall -Wextra -Wmissing-prototypes -Wstrict-prototypes -Wold-style-definition \
	-Wpointer-arith -Wvla -Wundef -Wwrite-strings -Wformat=2 -Wno-unused-parameter
ifeq ($(DEVELOPER),1)
  WARN += -Werror -Wshadow -Wcast-qual -Wnull-dereference -Wdouble-promotion \
	-Wimplicit-fallthrough -Wno-error=deprecated-declarations
endif
HARDEN := -fstack-protector-strong -fPIE -fno-strict-aliasing -fvisibility=hidden
LDHARDEN := -pie -Wl,-z,relro,-z,now,-z,noexecstack
ifneq ($(SANITIZE),)
  SAN := -fsanitize=$(SANITIZE) -fno-sanitize-recover=all -fno-omit-frame-pointer
  CPPHARD := -DMS_SANITIZE=1
else
  CPPHARD := -U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2
endif

MS_CPPFLAGS := -D_GNU_SOURCE -I. -include lib/macro.h $(CPPHARD) \
	-DMS_VERSION='"$(VERSION)"' -DMS_SYSCONFDIR='"$(SYSCONFDIR)/modseal"' \
	-DMS_STATEDIR='"$(LOCALSTATEDIR)/lib/modseal"' -DMS_RUNDIR='"$(RUNDIR)/modseal"'
MS_CFLAGS := -std=gnu11 -pthread $(WARN) $(HARDEN) $(SAN)
MS_LDFLAGS := -pthread $(LDHARDEN) $(SAN) -Wl,--as-needed

compile = $(Q)$(CC) $(MS_CPPFLAGS) $(CPPFLAGS) $(MS_CFLAGS) $(CFLAGS) $(PKGFLAGS) -MMD -MP \
	-c $< -o $@
link = $(Q)$(CC) $(MS_LDFLAGS) $(LDFLAGS) -o $@

# A second libc for modseal-sign-file, below.
MUSL_GCC ?= $(if $(SANITIZE)$(findstring clang,$(CC)),,$(shell command -v musl-gcc))
MUSL_CRT := $(if $(MUSL_GCC),$(wildcard /usr/lib/$(subst gnu,musl,$(shell $(CC) \
	-dumpmachine))/rcrt1.o))

# Objects are rebuilt when the flags change, not only when a file does.
FLAGSTAMP := lib=fPIC $(BUILD) $(CC) $(MS_CPPFLAGS) $(CPPFLAGS) $(MS_CFLAGS) $(CFLAGS) $(LDFLAGS) $(MUSL_CRT)
$(shell mkdir -p $(BUILD); printf '%s' '$(subst ','\'',$(FLAGSTAMP))' | \
	cmp -s - $(BUILD)/.flags || printf '%s' '$(subst ','\'',$(FLAGSTAMP))' > $(BUILD)/.flags)

# ----------------------------------------------------------- what is built

# Every folder is one archive; a program is its main.c and the archives below it.
objs = $(patsubst %.c,$(BUILD)/%.o,$(filter-out $(1)/main.c,$(wildcard $(1)/*.c)))

AR_lib := $(BUILD)/lib.a
AR_compress := $(BUILD)/compress.a
AR_tpm := $(BUILD)/tpm.a
AR_agent := $(BUILD)/agent.a
AR_client := $(BUILD)/client.a
AR_verifier := $(BUILD)/verifier.a
AR_hooks := $(BUILD)/hooks.a
AR_pkcs11 := $(BUILD)/pkcs11.a
AR_https := $(BUILD)/https.a

$(AR_lib): $(call objs,lib)
$(AR_compress): $(call objs,compress)
$(AR_tpm): $(call objs,tpm)
$(AR_agent): $(call objs,signer/agent)
$(AR_client): $(call objs,signer/client) $(BUILD)/signer/client/templates.o
$(AR_verifier): $(call objs,verifier)
$(AR_hooks): $(call objs,kbuild-hooks)
$(AR_pkcs11): $(call objs,pkcs11)
$(AR_https): $(call objs,https)

PROGRAMS := $(BUILD)/modseald $(BUILD)/modseal $(BUILD)/modseal-verify \
	$(BUILD)/modseal-sign-file

# What other people's programs load.
MODULES := $(BUILD)/libmodseal-pkcs11.so

all: $(PROGRAMS) $(MODULES)

$(BUILD)/modseald: $(BUILD)/signer/agent/main.o $(AR_agent) $(AR_tpm) $(AR_lib)
	$(say) LINK $@
	$(link) $^ $(call pkglibs,$(LIBS_agent) $(LIBS_tpm) $(LIBS_lib))

$(BUILD)/modseal: $(BUILD)/signer/client/main.o $(AR_client) $(AR_https) $(AR_compress) $(AR_lib)
	$(say) LINK $@
	$(link) $^ $(call pkglibs,$(LIBS_client) $(LIBS_compress) $(LIBS_lib))

$(BUILD)/modseal-verify: $(BUILD)/verifier/main.o $(AR_verifier) $(AR_https) \
		$(AR_compress) $(AR_lib)
	$(say) LINK $@
	$(link) $^ $(call pkglibs,$(LIBS_verifier) $(LIBS_compress) $(LIBS_lib))

# libc alone, as this one runs once for each module of a build. With musl, where musl-gcc
# is there, or else with glibc's libc.a: glibc asks the processor at its start for its
# caches, which under a hypervisor takes longer than all the rest (0.35 ms).
ifneq ($(MUSL_CRT),)
# musl-gcc knows no static PIE, hence the start files by name.
HOOK_LIB := agent_client base64 buf client_config der error escape file file_append \
	file_replace http http_head module_file module_path pem sign_file trailer
HOOK_OBJS := $(patsubst %.c,$(BUILD)/musl/%.o,$(wildcard kbuild-hooks/*.c)) \
	$(HOOK_LIB:%=$(BUILD)/musl/lib/%.o)
$(BUILD)/modseal-sign-file: $(HOOK_OBJS)
	$(say) LINK $@
	$(Q)$(MUSL_GCC) $(filter-out -pie,$(MS_LDFLAGS)) $(LDFLAGS) -static -nostartfiles \
		-Wl,-pie,--no-dynamic-linker,-z,text,--build-id -o $@ \
		$(MUSL_CRT) $(MUSL_CRT:rcrt1.o=crti.o) $^ $(MUSL_CRT:rcrt1.o=crtn.o)

$(BUILD)/musl/%.o: %.c $(BUILD)/.flags
	$(say) CC $< with musl
	@mkdir -p $(@D)
	$(Q)$(MUSL_GCC) $(MS_CPPFLAGS) $(CPPFLAGS) $(MS_CFLAGS) $(CFLAGS) -MMD -MP -c $< -o $@
else
HOOK_STATIC ?= $(if $(SANITIZE),,$(if $(filter /%,$(shell $(CC) \
	-print-file-name=libc.a)),-static-pie))
$(BUILD)/modseal-sign-file: $(BUILD)/kbuild-hooks/main.o $(AR_hooks) $(AR_lib)
	$(say) LINK $@
	$(Q)$(CC) $(if $(HOOK_STATIC),$(filter-out -pie,$(MS_LDFLAGS)),$(MS_LDFLAGS)) \
		$(LDFLAGS) $(HOOK_STATIC) -o $@ $^
endif

# Of p11-kit the header alone. It stays loaded, as OpenSSL and fork handlers know of it.
$(BUILD)/libmodseal-pkcs11.so: $(AR_pkcs11) $(AR_https) $(AR_lib)
	$(say) LINK $@
	$(Q)$(CC) -shared $(filter-out -pie,$(MS_LDFLAGS)) -Wl,-z,nodelete \
		$(LDFLAGS) -o $@ \
		-Wl,--whole-archive $(AR_pkcs11) -Wl,--no-whole-archive $(AR_https) $(AR_lib) \
		$(call pkglibs,libcrypto jansson)

$(BUILD)/%.a:
	$(say) AR $@
	$(Q)rm -f $@ && $(AR) rcs $@ $(filter %.o,$^)

# lib/ goes into programs and into the shared object.
$(BUILD)/lib/%.o: PKGFLAGS = -fPIC $(call pkgflags,$(LIBS_lib))
$(BUILD)/compress/%.o: PKGFLAGS = $(call pkgflags,$(LIBS_compress))
$(BUILD)/tpm/%.o: PKGFLAGS = $(call pkgflags,$(LIBS_tpm))
$(BUILD)/signer/agent/%.o: PKGFLAGS = $(call pkgflags,$(LIBS_agent))
$(BUILD)/signer/client/%.o: PKGFLAGS = $(call pkgflags,$(LIBS_client))
$(BUILD)/https/%.o: PKGFLAGS = -fPIC $(call pkgflags,libcurl)
$(BUILD)/pkcs11/%.o: PKGFLAGS = -fPIC $(call pkgflags,$(LIBS_pkcs11))
$(BUILD)/verifier/%.o: PKGFLAGS = $(call pkgflags,$(LIBS_verifier))
$(BUILD)/tests/%.o: PKGFLAGS = $(call pkgflags,$(PACKAGES) $(LIBS_tests))

$(BUILD)/%.o: %.c $(BUILD)/.flags
	$(say) CC $<
	@mkdir -p $(@D)
	$(compile)

# The configurations that `modseal init` writes are those of packaging/, as C.
$(BUILD)/signer/client/templates.c: packaging/modseald.conf packaging/modseal.conf
	$(say) GEN $@
	@mkdir -p $(@D)
	$(Q)for f in $^; do \
		name=$${f##*/}; \
		echo '#include "signer/client/init_text.h"'; \
		echo "const char ms_text_$${name%.conf}_conf[] ="; \
		sed 's/[\\"]/\\&/g; s/.*/\t"&\\n"/' $$f; \
		echo ';'; \
	done > $@
$(BUILD)/signer/client/templates.o: $(BUILD)/signer/client/templates.c
	$(say) CC $<
	$(compile)

# ------------------------------------------------------------------- tests

# tests/unit/FOLDER/test_SUBJECT.c tests one .c file; tests/tools/*.c are helpers
# for the shell tests; tests/fuzz/fuzz_PARSER.c has its corpus in corpus/PARSER/.
ARCHIVES := $(AR_hooks) $(AR_pkcs11) $(AR_client) $(AR_https) $(AR_verifier) $(AR_agent) $(AR_tpm) $(AR_compress) $(AR_lib)
UNIT_SRCS := $(wildcard tests/unit/*/test_*.c)
UNIT_TESTS := $(UNIT_SRCS:%.c=$(BUILD)/%)
TOOL_SRCS := $(wildcard tests/tools/*.c)
TEST_TOOLS := $(TOOL_SRCS:%.c=$(BUILD)/%)
FUZZ_SRCS := $(wildcard tests/fuzz/fuzz_*.c)
FUZZ_REPLAY := $(FUZZ_SRCS:%.c=$(BUILD)/%)
FUZZ_BINS := $(patsubst tests/fuzz/%.c,$(BUILD)/fuzzers/%,$(FUZZ_SRCS))

$(UNIT_TESTS): $(BUILD)/%: $(BUILD)/%.o $(ARCHIVES)
	$(say) LINK $@
	$(link) $< -Wl,--start-group $(ARCHIVES) -Wl,--end-group $(LDLIBS_ALL) \
		$(call pkglibs,$(LIBS_tests))

$(TEST_TOOLS): $(BUILD)/%: $(BUILD)/%.o $(ARCHIVES)
	$(say) LINK $@
	$(link) $< -Wl,--start-group $(ARCHIVES) -Wl,--end-group $(LDLIBS_ALL) -lm

# Without libFuzzer: each target runs over its corpus once, with any compiler.
$(FUZZ_REPLAY): $(BUILD)/%: $(BUILD)/%.o $(BUILD)/tests/fuzz/replay.o $(ARCHIVES)
	$(say) LINK $@
	$(link) $< $(BUILD)/tests/fuzz/replay.o -Wl,--start-group $(ARCHIVES) \
		-Wl,--end-group $(LDLIBS_ALL)

include tests/tests.mk
include test-vm/vm.mk

include packaging/packaging.mk

clean:
	rm -rf $(BUILD)

help:
	@sed -n 's/^#   //p' Makefile
	@echo
	@echo '  all            build the four programs and the PKCS#11 module'
	@echo '  install        into DESTDIR and PREFIX'
	@echo '  deb            Debian packages, in BUILD/deb'
	@echo '  rpm            RPM packages, in BUILD/rpm'
	@echo '  demo           the whole pipeline on real modules, ending in a real kernel'
	@echo '  check          every test; ends with "N passed, N failed"'
	@echo '  check-quick    unit tests, fuzz corpora and fast shell tests: under a minute'
	@echo '  check-asan     the quick tests with address and undefined sanitizers'
	@echo '  check-valgrind the unit tests under valgrind'
	@echo '  check-real     all modules of the kernels of Debian 11, 12 and 13'
	@echo '  fuzz           run every fuzz target; SECONDS=n for each (default 30)'
	@echo '  vm             let a stock Debian kernel judge what modseal made'
	@echo '  vm-matrix      every kernel in every set-up; docs/TEST-VM.md has more'
	@echo '  bench          ratios against sign-file, openssl speed and sha512sum'
	@echo '  lint           scripts/check-layers, check-style and shellcheck'
	@echo '  format         clang-format over every .c and .h'
	@echo '  clean          remove BUILD'

.PHONY: all clean help

-include $(shell find $(BUILD) \( -path $(BUILD)/deb -o -path $(BUILD)/rpm \) -prune -o -type f -name '*.d' -print 2>/dev/null)
