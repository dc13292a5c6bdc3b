# SPDX-License-Identifier: GPL-2.0-or-later
#
# Lets kbuild sign with modseal, without a change to the kernel tree:
#
#   export MAKEFILES=/usr/local/share/modseal/kbuild.mk MODSEAL_KEY=NAME
#   make modules_install
#   make -C /lib/modules/$(uname -r)/build M=$PWD modules_install
#
# make reads this before any Makefile, and before that of every other project too: only
# names that kbuild's Makefiles know are set, and nothing is run.
#
# From the environment or make's command line (modseal-kbuild(7) has more):
#   MODSEAL_KEY        name of the key; without it CONFIG_MODULE_SIG_KEY=pkcs11:modseal:key=NAME
#                      or the client's configuration decides
#   MODSEAL_SIGN_FILE  the program, if it is not on PATH
#   MODSEAL_BATCH=1    modules_install writes a list, and one `modseal batch` signs what is
#                      on it, compresses it and lets depmod run
#   MODSEAL            that program, if it is not on PATH
#   MODSEAL_SPOOL      that list, if not in the folder of the kernel's modules
#   MODSEAL_BATCH_FLAGS  more options for it, such as --by-digest

MODSEAL_SIGN_FILE ?= modseal-sign-file

# For the shell, whatever is in it.
modseal-quote = '$(subst ','\'',$(1))'

# auto.conf has strings with quotes in some versions and without in others.
modseal-unquote = $(subst ",,$(1))
modseal-hash = $(or $(call modseal-unquote,$(CONFIG_MODULE_SIG_HASH)),sha256)

# What stock rules would sign with: sig-key, or nothing when CONFIG_MODULE_SIG_ALL is off.
# modseal-sign-file takes a path for the key in MODSEAL_KEY.
modseal-stock-key = $(or $(sig-key),$(MODULE_SIG_KEY_SRCPREFIX)$(call \
	modseal-unquote,$(CONFIG_MODULE_SIG_KEY)))
modseal-own-key = modseal:$(patsubst modseal:%,%,$(MODSEAL_KEY))
modseal-key = $(if $(MODSEAL_KEY),$(modseal-own-key),$(modseal-stock-key))

# What was copied a moment ago is not on disk yet, and need not be before the rest is.
modseal-flags = $(if $(modseal-again)$(filter modules_sign,$(MAKECMDGOALS)),,--no-sync)

modseal-sign = $(call modseal-quote,$(MODSEAL_SIGN_FILE)) $(modseal-flags) \
	$(call modseal-quote,$(modseal-hash)) $(call modseal-quote,$(modseal-key)) \
	$(call modseal-quote,$(objtree)/certs/signing_key.x509)

# Signing what is installed already: 6.1 and 7.x have a name for it each. A compressed one
# is unpacked for it, and kbuild's own rules compress it again.
modseal-again = $(modules_sign_only)$(sign-only)
modseal-unpack = [ -e $(1) ] || \
	if [ -e $(1).xz ]; then $(or $(XZ),xz) -dk $(1).xz; \
	elif [ -e $(1).gz ]; then $(or $(KGZIP),gzip) -dk $(1).gz; \
	elif [ -e $(1).zst ]; then $(or $(ZSTD),zstd) -dkq $(1).zst; fi;

# ------------------------------------------------------------------------- one by one

# exec: the last command of its shell needs no process beside it.
modseal-cmd-sign = $(if $(modseal-again),$(call modseal-unpack,$(call \
	modseal-quote,$@))) exec $(modseal-sign) $(call modseal-quote,$@)
override quiet_cmd_sign = $(if $(modseal-in-batch),,SIGN    $@)
# Without the `|| true` of external modules: what cannot be signed stops the build.
override cmd_sign = $(if $(modseal-in-batch),$(modseal-note),$(modseal-cmd-sign))

# Kernels before 5.13 have mod_sign_cmd, with the module behind it and perhaps `|| true`.
# Their top Makefile exports it to rules that know nothing of CONFIG_: they must take it as
# it comes, and expand it once more, hence the dollars.
ifneq ($(origin mod_sign_cmd),environment)
override mod_sign_cmd = modseal_sign() { $(if $(modseal-in-batch),$(modseal-note-old), \
	$(modseal-sign) "$$$$1") || exit 1; }; modseal_sign
endif

# ------------------------------------------------------------------------ in one batch

ifneq ($(filter-out 0 n no,$(MODSEAL_BATCH)),)

# modules_sign has no last step where a batch could be signed: it does one by one.
ifneq ($(filter modules_sign,$(MAKECMDGOALS)),)
export MODSEAL_ONE_BY_ONE = 1
endif
modseal-in-batch = $(if $(MODSEAL_ONE_BY_ONE)$(modseal-again),,y)

MODSEAL ?= modseal
# A list for each source, so that two that are installed at one time do not meet.
MODSEAL_SPOOL ?= $(abspath $(MODLIB))/.modseal-batch$(subst /,-,$(KBUILD_EXTMOD))
modseal-spool = $(call modseal-quote,$(MODSEAL_SPOOL))

# One write of one process: jobs of make do not mix their lines.
modseal-note = printf '%s\0' $(call modseal-quote,$(abspath $@)) >> $(modseal-spool)
modseal-note-old = { case "$$$$1" in (/*) f=$$$$1 ;; (*) f=$$$$PWD/$$$$1 ;; esac; \
	printf '%s\0' "$$$$f" >> $(modseal-spool); }

# They are compressed after they are signed: kbuild's own rules for it get nothing to do.
# 6.12 and later: CONFIG_MODULE_COMPRESS without _ALL is for those who do it by hand.
modseal-compressed = $(if $(CONFIG_MODULE_COMPRESS),$(or \
	$(CONFIG_MODULE_COMPRESS_ALL),$(mod_strip_cmd)),y)
modseal-format = $(if $(CONFIG_MODULE_COMPRESS_XZ),xz)$(if \
	$(CONFIG_MODULE_COMPRESS_GZIP),gzip)$(if $(CONFIG_MODULE_COMPRESS_ZSTD),zstd)
ifneq ($(modseal-in-batch),)
override suffix-y :=
override mod_compress_cmd = true
endif

# `modseal batch` knows the key of its configuration, or by this name.
modseal-batch-key = $(patsubst pkcs11:modseal:key=%,%,$(patsubst modseal:%,%,$(or \
	$(MODSEAL_KEY),$(filter pkcs11:%,$(call modseal-unquote,$(CONFIG_MODULE_SIG_KEY))))))
modseal-batch = $(call modseal-quote,$(MODSEAL)) batch --no-sync --hash $(modseal-hash) \
	--certificate $(call modseal-quote,$(abspath $(objtree)/certs/signing_key.x509)) \
	$(if $(modseal-batch-key),--key $(call modseal-quote,$(modseal-batch-key))) \
	$(if $(and $(modseal-compressed),$(modseal-format)),--compress $(modseal-format)) \
	$(MODSEAL_BATCH_FLAGS) $(modseal-spool)

# Kernels had depmod.sh with the program as an argument, and now have it without.
modseal-depmod = $(CONFIG_SHELL) $(srctree)/scripts/depmod.sh $(if $(shell \
	grep -w 'ne 2' $(srctree)/scripts/depmod.sh),$(DEPMOD)) $(KERNELRELEASE)

# A command that has shown none of its own can be begun anew: that is always right.
modseal-hint = echo 'modseal: depmod has not run: mend that, and run the same make' \
	'modules_install again' >&2

# Without a list there is either no module or none that a rule for signing has seen: the
# second is a failure, which modseal finds.
ifneq ($(modseal-in-batch),)
override quiet_cmd_depmod = SIGN    $(MODLIB), then DEPMOD
override cmd_depmod = { { [ ! -s $(or $(MODORDER),modules.order) ] && \
	[ ! -e $(modseal-spool) ]; } || $(modseal-batch) || \
	{ $(modseal-hint); false; }; } && $(modseal-depmod)
endif

endif
