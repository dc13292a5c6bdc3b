/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MS_CERT_H
#define MS_CERT_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>
#include <openssl/evp.h>
#include "lib/error.h"
#include "lib/hash.h"

/* Key algorithms that modseal makes. The numbers are on the wire and on disk. */
enum ms_alg {
	MS_ALG_NONE = 0,
	MS_ALG_RSA2048 = 1,
	MS_ALG_RSA3072 = 2,
	MS_ALG_RSA4096 = 3,
	MS_ALG_P256 = 4,
	MS_ALG_P384 = 5,
	MS_ALG_P521 = 6,
	MS_ALG_OTHER = 255, /* seen in someone's certificate */
};

/** ms_alg_from_name() - "rsa2048", ..., "p521". Return: 0 or -EINVAL */
int ms_alg_from_name(const char *name, enum ms_alg *ret) _must_check_;
const char *ms_alg_name(enum ms_alg a);
bool ms_alg_is_rsa(enum ms_alg a);

/**
 * struct ms_cert - one parsed certificate
 * @der: owned copy of the bytes
 * @issuer, @serial, @subject: DER of these fields with tag and length, pointing into @der
 * @ski, @akid: key identifiers as octets, pointing into @der; NULL where absent
 * @pkey: public key, owned; NULL where OpenSSL does not know the algorithm
 * @subject_cn: for people, unescaped, cut with "..."; the organisation or the e-mail
 *	address where there is no CN, as the kernel has it
 * @hash: digest of the certificate's own signature, MS_HASH_NONE if unknown
 * @is_ca: basicConstraints says so
 * @may_sign: keyUsage has digitalSignature, or there is no keyUsage
 * @has_eku, @eku_code_signing: extendedKeyUsage is there, and has codeSigning. Where an
 *	extension cannot be read, both usages are there and allow nothing
 * @module_only: extendedKeyUsage has MS_OID_MODULE_ONLY
 */
struct ms_cert {
	uint8_t *der;
	size_t der_len;
	const uint8_t *issuer, *serial, *subject, *ski, *akid, *tbs;
	size_t issuer_len, serial_len, subject_len, ski_len, akid_len, tbs_len;
	EVP_PKEY *pkey;
	enum ms_alg alg;
	enum ms_hash hash;
	bool is_ca, has_key_usage, may_sign, has_eku, eku_code_signing;
	bool module_only;
	time_t not_before, not_after;
	char subject_cn[128];
};

/** ms_cert_parse() - one DER certificate, nothing after it.
 * Return: 0, -EBADMSG, -EFBIG, -ENOMEM. @ret is freed by ms_cert_free(). */
int ms_cert_parse(const uint8_t *der, size_t len, struct ms_cert **ret) _must_check_;
void ms_cert_free(struct ms_cert *c);
static inline void ms_cert_freep(struct ms_cert **c)
{
	ms_cert_free(*c);
}
#define _cleanup_cert_ _cleanup_(ms_cert_freep)

/** ms_cert_signed_by() - did @key sign the certificate?
 * Return: 0 yes, -EKEYREJECTED no, -ENOPKG (could not check). */
int ms_cert_signed_by(const struct ms_cert *cert, EVP_PKEY *key) _must_check_;

/**
 * struct ms_cert_list - certificates of a file
 */
struct ms_cert_list {
	struct ms_cert **v;
	size_t n;
};
void ms_cert_list_clear(struct ms_cert_list *l);

/**
 * ms_cert_list_parse() - PEM (with text around them) or DER (back to back)
 * Return: 0 (at least one), -ENODATA (none found), -EBADMSG, -EFBIG, -ENOMEM.
 */
int ms_cert_list_parse(const uint8_t *data, size_t len,
		       struct ms_cert_list *ret) _must_check_;

/** ms_cert_pem() - the certificate as PEM text, appended to @out */
struct ms_buf;
int ms_cert_pem(const uint8_t *der, size_t len, struct ms_buf *out) _must_check_;

/* Signs kernel modules alone: shim (verify_eku() in its shim.c or verify.c) takes no boot
 * loader or kernel that is signed with the key of such a certificate. Kernels do not look
 * at it. */
#define MS_OID_MODULE_ONLY "1.3.6.1.4.1.2312.16.1.2"

/** enum ms_cert_profile - what a certificate is for */
enum ms_cert_profile {
	MS_CERT_SIGNER = 0, /* signs modules: CA:FALSE, digitalSignature */
	MS_CERT_ISSUER = 1, /* issues leaves: CA:TRUE, pathlen 0, keyCertSign, cRLSign */
};

/**
 * struct ms_cert_request - what a certificate shall say
 * @common_name: subject CN
 * @days: validity from one hour ago; or @not_after, when not 0
 * @module_only: extendedKeyUsage has MS_OID_MODULE_ONLY, too
 *
 * Extensions: basicConstraints and keyUsage critical, as @profile has them;
 * extendedKeyUsage codeSigning, SKI, AKID; serial of 128 random bits; signed with SHA-256
 * (the only hash of a certificate that stock 6.1 kernels have built in). Version 3.
 */
struct ms_cert_request {
	const char *common_name;
	unsigned int days;
	time_t not_after;
	enum ms_cert_profile profile;
	bool module_only;
};

/**
 * ms_cert_sign_fn - signs a SHA-256 digest with the issuer's key, wherever that is
 * @ret: MS_SIG_MAX bytes: PKCS#1 v1.5 or DER ECDSA
 * Return: 0 or a negative errno, handed through.
 */
typedef int ms_cert_sign_fn(void *arg, const uint8_t digest[32], uint8_t *ret,
			    size_t *ret_len);

/**
 * ms_cert_issue() - make a certificate
 * @subject_key: its public half is enough
 * @issuer: with SKI; NULL: self-signed
 * @sign: with @arg; what it makes is verified before the certificate is handed out
 * @ret_der: from malloc()
 * Return: 0, -EINVAL (name, days, issuer), -EIO (OpenSSL, or the signature is wrong),
 * -ENOMEM, or what @sign returned.
 */
int ms_cert_issue(EVP_PKEY *subject_key, const struct ms_cert_request *req,
		  const struct ms_cert *issuer, ms_cert_sign_fn *sign, void *arg,
		  uint8_t **ret_der, size_t *ret_len) _must_check_;

/**
 * ms_cert_self_sign() - ms_cert_issue() by the key itself
 * @ret_der: from malloc()
 * Return: 0, -EINVAL (name or days), -EIO (OpenSSL), -ENOMEM
 */
int ms_cert_self_sign(EVP_PKEY *key, const struct ms_cert_request *req, uint8_t **ret_der,
		      size_t *ret_len) _must_check_;

/** ms_key_generate() - a fresh private key from OpenSSL's private DRBG */
int ms_key_generate(enum ms_alg alg, EVP_PKEY **ret) _must_check_;
enum ms_alg ms_key_alg(const EVP_PKEY *key);

/**
 * ms_key_sign_digest() - raw signature of a digest: PKCS#1 v1.5 or DER ECDSA
 * @ret: MS_SIG_MAX bytes
 *
 * Verifies the signature with the same key before it returns it.
 *
 * Return: 0, -ENOPKG (hash or key unsupported), -EIO (OpenSSL failed, or the signature
 * did not verify).
 */
int ms_key_sign_digest(EVP_PKEY *key, enum ms_hash hash, const uint8_t *digest,
		       uint8_t *ret, size_t *ret_len) _must_check_;

/** ms_key_verify_digest() - Return: 0 good, -EKEYREJECTED bad, -ENOPKG could not check */
int ms_key_verify_digest(EVP_PKEY *key, enum ms_hash hash, const uint8_t *digest,
			 const uint8_t *sig, size_t sig_len) _must_check_;

#endif
