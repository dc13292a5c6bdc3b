# SPDX-License-Identifier: GPL-2.0-or-later
#
# Lets kbuild sign with modseal, without a change to the kernel tree:
#
#   export MAKEFILES=/usr/local/share/modseal/kbuild.mk MODSEAL_KEY=NAME
#   make modules_install
#   make -C /lib/modules/$(uname -r)/build M=$PWD modules_install
#
# make reads this before any Makefile, and before that of every other project too: only
# names that kbuild's Makefile.modinst knows are set, and nothing is run.
#
# From the environment or make's command line:
#   MODSEAL_KEY        name of the key; without it CONFIG_MODULE_SIG_KEY=pkcs11:modseal:key=NAME
#                      or the client's configuration decides
#   MODSEAL_SIGN_FILE  the program, if it is not on PATH

MODSEAL_SIGN_FILE ?= modseal-sign-file

# For the shell, whatever is in it.
modseal-quote = '$(subst ','\'',$(1))'

# auto.conf has strings with quotes in some versions and without in others.
modseal-hash = $(or $(subst ",,$(CONFIG_MODULE_SIG_HASH)),sha256)

# What stock rules would sign with: sig-key, or nothing when CONFIG_MODULE_SIG_ALL is off.
# modseal-sign-file takes a path for the key in MODSEAL_KEY.
modseal-stock-key = $(or $(sig-key),$(MODULE_SIG_KEY_SRCPREFIX)$(subst ",,$(CONFIG_MODULE_SIG_KEY)))
modseal-own-key = modseal:$(patsubst modseal:%,%,$(MODSEAL_KEY))
modseal-key = $(if $(MODSEAL_KEY),$(modseal-own-key),$(modseal-stock-key))

modseal-sign = $(call modseal-quote,$(MODSEAL_SIGN_FILE)) \
	$(call modseal-quote,$(modseal-hash)) $(call modseal-quote,$(modseal-key)) \
	$(call modseal-quote,$(objtree)/certs/signing_key.x509)

override quiet_cmd_sign = SIGN    $@
# Without the `|| true` of external modules: what cannot be signed stops the build.
override cmd_sign = $(modseal-sign) $(call modseal-quote,$@)

# Kernels before 5.13 have mod_sign_cmd, with the module behind it and perhaps `|| true`.
# Their top Makefile exports it to rules that know nothing of CONFIG_: they must take it as
# it comes, and expand it once more, hence the dollars.
ifneq ($(origin mod_sign_cmd),environment)
override mod_sign_cmd = modseal_sign() { $(modseal-sign) "$$$$1" || exit 1; }; modseal_sign
endif
