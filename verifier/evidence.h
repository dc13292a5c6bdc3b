/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What there is to know about a module, gathered once. Both judges, the kernel's
 * (kernel_verdict.c) and the policy's (policy.c), read it; neither computes anything.
 */
#ifndef MS_EVIDENCE_H
#define MS_EVIDENCE_H

#include "lib/elf_facts.h"
#include "lib/pkcs7.h"
#include "verifier/chain.h"
#include "verifier/identity.h"
#include "verifier/kernel_profile.h"
#include "verifier/revocations.h"

/**
 * struct ms_signer_evidence - one signerInfo
 * @kind: by the OID of the signature and, for ECDSA, the key
 * @anchor, @anchor_rc: the anchor that the signer names itself, and the signature by its
 *	key: 0, -EKEYREJECTED, -ENOPKG; NULL where no anchor has that name
 * @sig_extra: bytes behind an ECDSA signature, which kernels ignore
 * @cert, @cert_rc: index of the embedded certificate that the signer names, and the
 *	signature by its key; -1 where none has that name
 */
struct ms_signer_evidence {
	const struct ms_identity *id;
	enum ms_sig_kind kind;
	const struct ms_anchor *anchor;
	int anchor_rc;
	int cert, cert_rc;
	size_t sig_extra;
};

/* Who decompresses a module. */
enum ms_unpacker {
	MS_UNPACKER_AUTO = 0, /* the kernel if it can, else a tool: as kmod does */
	MS_UNPACKER_TOOL,
	MS_UNPACKER_KERNEL, /* MODULE_INIT_COMPRESSED_FILE, whatever it is */
	MS_UNPACKER_NONE,   /* nobody: the kernel gets the file as it is */
};

/**
 * struct ms_packed - a module's file
 * @format: what it was
 * @xz_check: XZ: what kind of check it has, 0 none, 1 CRC32
 */
struct ms_packed {
	enum ms_unpacker unpacker;
	enum ms_compression format;
	uint8_t xz_check;
};

/**
 * struct ms_evidence - one module
 * @data, @len: the module, decompressed; somebody else's, and gone when they say so
 * @anchors, @caches: as they were given to ms_evidence_gather()
 * @facts_rc, @facts: ms_elf_facts_read()
 * @kernel_elf_rc: ms_kernel_elf_check()
 * @trailer_rc: ms_trailer_parse(); all below holds only where it is 0
 * @payload_len: bytes that the signature covers (@len where there is none)
 * @nested: there is another trailer before the signature
 * @message_rc: ms_pkcs7_parse(): without 0 the policy looks no further
 * @kernel_rc: ms_kernel_message_parse(): without 0 a kernel looks no further
 * @kernel_msg, @kernel_msg_len: the message, in @data
 * @kernel_certs: a kernel finds certificates in it
 * @msg: what the first of the two that succeeded has found; all below is about it
 * @checked: signatures were verified; not so with signed attributes or embedded content
 * @chain: embedded certificates, NULL where there are none
 * @magic_gap: unsigned, but there is a signature marker so many bytes before the end; 0:
 * none
 * @extra: bytes after the compressed stream
 * @packed: the module was compressed, and how it comes to the kernel; set by
 *	ms_check_bytes(), and so are those that follow
 * @is_file: it is no module, so @facts and what kernels do with modules say nothing
 * @revocations: as the question has them
 * @digest_heeded: the file's SHA-256 is one that kernels until 7 refuse
 * @revoked_digest: the entry that revokes this very module; set by ms_check_bytes()
 */
struct ms_evidence {
	const uint8_t *data;
	size_t len, payload_len;
	const struct ms_anchors *anchors;
	struct ms_caches *caches;
	int facts_rc, kernel_elf_rc;
	struct ms_elf_facts facts;
	int trailer_rc;
	bool nested, is_file;
	int message_rc, kernel_rc;
	const uint8_t *kernel_msg;
	size_t kernel_msg_len;
	bool kernel_certs;
	struct ms_pkcs7 msg;
	bool checked;
	struct ms_signer_evidence signers[MS_PKCS7_SIGNERS_MAX];
	const struct ms_chain *chain;
	size_t magic_gap, extra;
	struct ms_packed packed;
	const struct ms_revocations *revocations;
	bool digest_heeded;
	const struct ms_revocation *revoked_digest;
	enum ms_hash digest_hash;
	uint8_t digest[MS_DIGEST_MAX];
};

/**
 * struct ms_caches - what is worked out once for all modules
 * @keyrings: struct ms_kernel_keyring by profile
 */
struct ms_caches {
	struct ms_intern identities, chains, keyrings;
};
void ms_caches_init(struct ms_caches *c);
void ms_caches_clear(struct ms_caches *c);

/**
 * ms_evidence_gather() - look at a module from all sides
 * @data, @len: the module, decompressed; nobody else may change it
 * @extra: bytes that followed the compressed stream
 * @ret: ~8 KB
 *
 * Return: 0 or -ENOMEM; everything else is evidence.
 */
int ms_evidence_gather(const uint8_t *data, size_t len, size_t extra,
		       const struct ms_anchors *anchors, struct ms_caches *caches,
		       struct ms_evidence *ret) _must_check_;

/**
 * struct ms_evidence_file - a file that is no module, and its signature
 * @msg, @msg_len: PKCS#7 message
 * @bare: or the one signer whose bare signature it is; NULL: there is a message
 * @digest: makes a digest of what was signed: 0, -ENOPKG, or -errno, which @arg remembers
 */
struct ms_evidence_file {
	const uint8_t *msg;
	size_t msg_len;
	const struct ms_pkcs7_signer *bare;
	int (*digest)(void *arg, enum ms_hash h, uint8_t *ret);
	void *arg;
};

/**
 * ms_evidence_gather_file() - the same about a file of any size
 *
 * Return: 0 or -ENOMEM; everything else is evidence.
 */
int ms_evidence_gather_file(const struct ms_evidence_file *file,
			    const struct ms_anchors *anchors, struct ms_caches *caches,
			    struct ms_evidence *ret) _must_check_;

/** ms_sig_kind_of_key() - what a key signs with; MS_SIG_OTHER for NULL and the unknown */
enum ms_sig_kind ms_sig_kind_of_key(const EVP_PKEY *key);

#endif
