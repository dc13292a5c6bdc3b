/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MS_ANCHORS_H
#define MS_ANCHORS_H

#include "lib/cert.h"
#include "lib/error.h"

enum ms_anchor_origin {
	MS_ANCHOR_FILE = 0, /* named by somebody, or in the folder of anchors */
	MS_ANCHOR_KERNEL,   /* built into a kernel */
	MS_ANCHOR_DB,	    /* the firmware's db */
	MS_ANCHOR_MOK,	    /* shim's MokListRT: enrolled by the machine's owner */
};
/** ms_anchor_origin_name() - "file", "kernel", "db", "mok" */
const char *ms_anchor_origin_name(enum ms_anchor_origin o);

/**
 * struct ms_anchor - a certificate that is trusted
 * @cert: owned
 * @source: where it came from, say "/etc/modseal/anchors/distro.pem"; owned, raw
 */
struct ms_anchor {
	struct ms_cert *cert;
	char *source;
	enum ms_anchor_origin origin;
};

/**
 * struct ms_anchors - the set; read-only once the checking starts
 * @v, @n: what is trusted
 * @revoked, @n_revoked: what is not trusted any more, whatever else vouches for it
 */
struct ms_anchors {
	struct ms_anchor *v;
	size_t n;
	struct ms_anchor *revoked;
	size_t n_revoked;
};

void ms_anchors_clear(struct ms_anchors *a);
#define _cleanup_anchors_ _cleanup_(ms_anchors_clear)

/**
 * ms_anchors_add() - add a certificate
 * @cert: taken over, also on failure
 *
 * One that is already there, byte for byte, is dropped, and keeps its first source.
 *
 * Return: 0 or -ENOMEM.
 */
int ms_anchors_add(struct ms_anchors *a, struct ms_cert *cert,
		   const char *source) _must_check_;

/** ms_anchors_add_from() - the same, with where it came from; ms_anchors_add(): a file */
int ms_anchors_add_from(struct ms_anchors *a, struct ms_cert *cert, const char *source,
			enum ms_anchor_origin origin) _must_check_;

/**
 * ms_anchors_load() - add the certificates of a file or of a directory
 * @path: PEM or DER, one or many; of a directory the files named *.pem, .crt, .cer,
 * .cert, .der and .x509
 *
 * A file that is no certificate is an error, and so is a directory without any: an anchor
 * that silently goes missing would turn into thousands of unknown signers.
 *
 * Return: 0 or a negative errno with a sentence.
 */
int ms_anchors_load(struct ms_anchors *a, const char *path,
		    struct ms_error *err) _must_check_;

/** ms_anchors_revoke() - as ms_anchors_add(), for a certificate that is revoked */
int ms_anchors_revoke(struct ms_anchors *a, struct ms_cert *cert,
		      const char *source) _must_check_;
/** ms_anchors_revoked() - the entry that revokes a certificate; NULL if none does */
const struct ms_anchor *ms_anchors_revoked(const struct ms_anchors *a,
					   const struct ms_cert *cert);

/**
 * ms_anchors_load_kernel() - add the certificates that are built into a kernel
 * @path: vmlinuz, bzImage, EFI zboot, unified image or vmlinux, or a package that has one
 * @ret_release: its release, "" where it does not say
 *
 * What the kernel itself has revoked is revoked here too.
 *
 * Return: 0 or a negative errno with a sentence.
 */
int ms_anchors_load_kernel(struct ms_anchors *a, const char *path, char *ret_release,
			   size_t release_size, struct ms_error *err) _must_check_;

/* Lookups go on after @after (NULL: from the start); NULL when there is no further one.
 */
const struct ms_anchor *ms_anchors_by_serial(const struct ms_anchors *a,
					     const uint8_t *issuer, size_t issuer_len,
					     const uint8_t *serial, size_t serial_len,
					     const struct ms_anchor *after);
const struct ms_anchor *ms_anchors_by_ski(const struct ms_anchors *a, const uint8_t *ski,
					  size_t len, const struct ms_anchor *after);

#endif
