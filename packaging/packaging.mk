# SPDX-License-Identifier: GPL-2.0-or-later
# `make install` and the packages made of what it installs.

BASHCOMPDIR ?= $(PREFIX)/share/bash-completion/completions
ZSHCOMPDIR ?= $(PREFIX)/share/zsh/site-functions
FISHCOMPDIR ?= $(PREFIX)/share/fish/vendor_completions.d
PKGCONFIGDIR ?= $(PREFIX)/share/pkgconfig
LIBDIR ?= $(PREFIX)/lib
PKCS11DIR ?= $(LIBDIR)/pkcs11
DOCDIR ?= $(PREFIX)/share/doc/modseal
P11KITDIR ?= $(PREFIX)/share/p11-kit/modules

MANPAGES := $(wildcard docs/man/*.scd)
from_help = packaging/completions/from-help
# What names the folders of the default PREFIX names those of this one.
here = sed -e 's|/usr/local/share/doc/modseal|$(DOCDIR)|g' \
	-e 's|/usr/local/share/modseal|$(DATADIR)|g'

install: all
	$(INSTALL) -d $(DESTDIR)$(BINDIR) $(DESTDIR)$(SBINDIR) $(DESTDIR)$(DATADIR)
	$(INSTALL) -m 755 $(BUILD)/modseal $(BUILD)/modseal-verify \
		$(BUILD)/modseal-sign-file $(DESTDIR)$(BINDIR)
	$(INSTALL) -m 755 $(BUILD)/modseald $(DESTDIR)$(SBINDIR)
	ln -sf modseal-sign-file $(DESTDIR)$(BINDIR)/kmodsign
	$(here) kbuild-hooks/kbuild.mk > $(BUILD)/kbuild.mk
	$(INSTALL) -m 644 $(BUILD)/kbuild.mk kbuild-hooks/rpm/macros.modseal \
		$(DESTDIR)$(DATADIR)
	$(INSTALL) -m 755 kbuild-hooks/dkms/modseal-dkms-check $(DESTDIR)$(SBINDIR)
	sed -e 's|/usr/bin/|$(BINDIR)/|; s|/usr/sbin/|$(SBINDIR)/|' \
		-e 's|/etc/modseal/|$(SYSCONFDIR)/modseal/|g' \
		kbuild-hooks/dkms/dkms-framework.conf > $(BUILD)/dkms-framework.conf
	$(INSTALL) -m 644 $(BUILD)/dkms-framework.conf $(DESTDIR)$(DATADIR)
	$(INSTALL) -d $(DESTDIR)$(UNITDIR) $(DESTDIR)$(SYSUSERSDIR) $(DESTDIR)$(TMPFILESDIR)
	$(Q)for unit in $(notdir $(wildcard packaging/systemd/modseal*.service \
			packaging/systemd/*.socket packaging/systemd/*.timer)); do \
		sed -e 's|/usr/sbin/|$(SBINDIR)/|; s|/usr/bin/|$(BINDIR)/|' \
			-e 's|/etc/modseal/|$(SYSCONFDIR)/modseal/|g' \
			packaging/systemd/$$unit > $(BUILD)/$$unit && \
		$(INSTALL) -m 644 $(BUILD)/$$unit $(DESTDIR)$(UNITDIR) || exit 1; \
	done
	$(INSTALL) -m 644 packaging/systemd/modseal.sysusers \
		$(DESTDIR)$(SYSUSERSDIR)/modseal.conf
	$(INSTALL) -m 644 packaging/systemd/modseal.tmpfiles \
		$(DESTDIR)$(TMPFILESDIR)/modseal.conf
	$(INSTALL) -d $(DESTDIR)$(DATADIR)/examples
	$(INSTALL) -m 644 packaging/modseald.conf packaging/modseal.conf \
		$(DESTDIR)$(DATADIR)/examples
	$(Q)for page in $(MANPAGES); do \
		base=$${page##*/}; base=$${base%.scd}; section=$${base##*.}; \
		$(INSTALL) -d $(DESTDIR)$(MANDIR)/man$$section && \
		$(here) $$page | scdoc > $(BUILD)/$$base && \
		$(INSTALL) -m 644 $(BUILD)/$$base $(DESTDIR)$(MANDIR)/man$$section || exit 1; \
	done
	$(INSTALL) -d $(DESTDIR)$(DOCDIR)
	$(INSTALL) -m 644 README.md $(wildcard docs/*.md) $(DESTDIR)$(DOCDIR)
	ln -sf modseal-sign-file.1 $(DESTDIR)$(MANDIR)/man1/kmodsign.1
	$(INSTALL) -d $(DESTDIR)$(MANDIR)/man8
	ln -sf ../man7/modseal-dkms.7 $(DESTDIR)$(MANDIR)/man8/modseal-dkms-check.8
	$(INSTALL) -d $(DESTDIR)$(BASHCOMPDIR) $(DESTDIR)$(ZSHCOMPDIR) $(DESTDIR)$(FISHCOMPDIR)
	$(BUILD)/modseal completion bash > $(DESTDIR)$(BASHCOMPDIR)/modseal
	$(BUILD)/modseal completion zsh > $(DESTDIR)$(ZSHCOMPDIR)/_modseal
	$(BUILD)/modseal completion fish > $(DESTDIR)$(FISHCOMPDIR)/modseal.fish
	$(Q)for program in modseal-verify modseald; do \
		$(from_help) bash $(BUILD)/$$program > $(DESTDIR)$(BASHCOMPDIR)/$$program && \
		$(from_help) zsh $(BUILD)/$$program > $(DESTDIR)$(ZSHCOMPDIR)/_$$program && \
		$(from_help) fish $(BUILD)/$$program > $(DESTDIR)$(FISHCOMPDIR)/$$program.fish || \
			exit 1; \
	done
	$(INSTALL) -d $(DESTDIR)$(PKCS11DIR) $(DESTDIR)$(P11KITDIR)
	$(INSTALL) -m 755 $(BUILD)/libmodseal-pkcs11.so $(DESTDIR)$(PKCS11DIR)
	sed -e 's|^module: |module: $(PKCS11DIR)/|' packaging/modseal.module \
		> $(DESTDIR)$(P11KITDIR)/modseal.module
	chmod 644 $(DESTDIR)$(P11KITDIR)/modseal.module
	$(INSTALL) -d $(DESTDIR)$(PKGCONFIGDIR)
	sed -e 's|@prefix@|$(PREFIX)|; s|@bindir@|$(BINDIR)|; s|@datadir@|$(DATADIR)|' \
		-e 's|@version@|$(VERSION)|' packaging/modseal.pc.in \
		> $(DESTDIR)$(PKGCONFIGDIR)/modseal.pc
	chmod 644 $(DESTDIR)$(PKGCONFIGDIR)/modseal.pc

deb:
	packaging/make-deb $(BUILD)/deb $(VERSION)

rpm:
	packaging/make-rpm $(BUILD)/rpm $(VERSION)

.PHONY: install deb rpm
