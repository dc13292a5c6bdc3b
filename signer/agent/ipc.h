/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the processes of the agent say to each other: SOCK_SEQPACKET, one message a
 * packet, every field bounded. The front and the key process do not trust each other's
 * lengths.
 */
#ifndef MS_AGENT_IPC_H
#define MS_AGENT_IPC_H

#include <stdint.h>
#include <sys/types.h>
#include "lib/buf.h"
#include "lib/cert.h"
#include "lib/checkpoint.h"
#include "lib/error.h"
#include "lib/hash.h"
#include "lib/limits.h"
#include "lib/tpm_policy.h"

#define MS_IPC_MAX 32768u  /* bytes of a message */
#define MS_ALERT_MAX 2048u /* of an alert's text, with its NUL */

enum ms_ipc_op {
	/* front to key process; each is answered by a message with the same id */
	MS_IPC_SIGN = 1,       /* answered by SIGNED */
	MS_IPC_CREATE = 2,     /* answered by DONE, after a KEY when it worked */
	MS_IPC_UNLOCK = 3,     /* answered by DONE, after a KEY */
	MS_IPC_PROBE = 4,      /* does the TPM answer? answered by TPM */
	MS_IPC_OPEN = 5,       /* a leaf key for a build; answered by OPENED */
	MS_IPC_CLOSE = 6,      /* the build's leaf key is destroyed; answered by DONE */
	MS_IPC_PCRS = 7,       /* present values; answered by RESULT */
	MS_IPC_CHECKPOINT = 8, /* sign a head of the log; answered by NOTE */
	MS_IPC_COUNTER = 9,    /* the log's counter in the TPM; answered by NOTE */
	MS_IPC_IMPORT = 10,    /* a private key from outside; answered as CREATE */
	MS_IPC_CHANGE = 11,    /* of one key; answered by RESULT, after a KEY */
	MS_IPC_PROVISION = 12, /* a key from another machine; answered as CREATE */
	MS_IPC_RESEAL = 13,    /* under other PCR values; answered by DONE, after a KEY */
	/* key process to front */
	MS_IPC_SIGNED = 16,
	MS_IPC_DONE = 17,
	MS_IPC_TPM = 18,
	MS_IPC_OPENED = 21,
	MS_IPC_KEY = 19,    /* one key of the inventory, unasked: at the start and when it
			       changes */
	MS_IPC_LOADED = 20, /* the inventory has been sent whole */
	MS_IPC_NOTE = 24,
	MS_IPC_RESULT = 25,
	/* supervisor to key process or front, with a socket: the other side's new end */
	MS_IPC_PEER_TPM = 32,
	MS_IPC_PEER_KEY = 33,
	MS_IPC_PEER_FRONT = 34,
	/* key process to supervisor: the TPM worker hangs, replace it */
	MS_IPC_REPLACE_TPM = 35,
	/* front to supervisor: serving, said again every few seconds */
	MS_IPC_READY = 36,
	MS_IPC_RELOAD = 37,   /* front to supervisor: read the configuration again */
	MS_IPC_ALERT = 48,    /* front to supervisor: tell the administrator */
	MS_IPC_RELOADED = 38, /* the answer (id 0: to SIGHUP), with it as a descriptor */
};

/**
 * enum ms_custody - where a private key lives
 *
 * RESIDENT: it never leaves the TPM. LEAF: an issuing key does so, and certifies a leaf
 * key for each build, which lives in locked memory until the build ends. SEALED:
 * encrypted under a key that is sealed in the TPM, unsealed into locked memory.
 */
enum ms_custody {
	MS_CUSTODY_NONE = 0,
	MS_CUSTODY_SEALED = 1,
	MS_CUSTODY_RESIDENT = 2,
	MS_CUSTODY_LEAF = 3,
};
const char *ms_custody_name(enum ms_custody c);
/** ms_custody_from_name() - Return: 0 or -EINVAL */
int ms_custody_from_name(const char *name, enum ms_custody *ret) _must_check_;

enum ms_key_state {
	MS_KEY_LOCKED = 1, /* there, but not unsealed: the reason says why */
	MS_KEY_ACTIVE = 2,
	MS_KEY_BROKEN = 3,  /* the file cannot be used */
	MS_KEY_RETIRED = 4, /* signs no more, by decision; what it signed stays good */
	MS_KEY_REVOKED = 5, /* signs no more, and what it signed is not to be trusted */
	MS_KEY_PENDING = 6, /* waits for a certificate of an outside CA */
};
const char *ms_key_state_name(enum ms_key_state s);

/**
 * struct ms_ipc_key - one key as the front may know it
 * @reason: why it is not active, a sentence; else ""
 * @protection: for people, say "PCR 7 (SHA-256) and PIN"
 * @pcrs, @has_pin, @has_policy_key: the same for programs
 * @until: it retires by itself then, seconds since 1970; 0: never
 * @successor: name of the key that takes over, or ""
 * @cert: DER; @cert_len is 0 when the file is broken
 */
struct ms_ipc_key {
	char name[MS_KEY_NAME_MAX + 1];
	enum ms_alg alg;
	enum ms_custody custody;
	enum ms_key_state state;
	char reason[512], protection[128];
	int64_t created, until;
	char successor[MS_KEY_NAME_MAX + 1];
	uint32_t pcrs;
	bool has_pin, has_policy_key;
	uint8_t cert[MS_CERT_MAX];
	size_t cert_len;
};

/**
 * struct ms_ipc_create - make a key, or (MS_IPC_RESEAL) protect it anew
 * @pin: "" for none; @pending: it signs nothing before a CA's certificate is installed
 * @raw: of custody resident: sign by raw RSA what the TPM has no hash for
 * @approval: DER of an approval of PCR values (lib/tpm_policy.h), whose policy key then
 * approves what the key can be used under; then @pcrs does not count
 * @foretold: RESEAL to @pcr_digest, which the PCRs will have, not to what they are
 */
struct ms_ipc_create {
	char name[MS_KEY_NAME_MAX + 1];
	enum ms_alg alg;
	enum ms_custody custody;
	char common_name[65];
	uint32_t days, pcrs;
	bool pending, module_only;
	char pin[MS_PIN_MAX + 1];
	bool raw, foretold;
	uint8_t pcr_digest[32];
	uint8_t approval[MS_PCR_APPROVAL_MAX];
	size_t approval_len;
};

/**
 * struct ms_ipc_import - a private key from outside
 * @create: as for a new key; @alg is found out, @custody is sealed; @common_name and
 * @days count where there is no certificate
 * @tss2: @pkcs8 is a TPM's key of another program (TPMKey, DER); custody resident or leaf
 * @pkcs8: PrivateKeyInfo, not encrypted; @cert: DER, @cert_len 0: a fresh one is made
 */
struct ms_ipc_import {
	struct ms_ipc_create create;
	bool tss2;
	uint8_t pkcs8[MS_PKCS8_MAX], cert[MS_CERT_MAX];
	size_t pkcs8_len, cert_len;
};

/** struct ms_ipc_provision - @create: as in ms_ipc_import; @file: tpm/provision_file.h */
struct ms_ipc_provision {
	struct ms_ipc_create create;
	uint8_t file[MS_CERT_MAX];
	size_t file_len;
};

/* What can be asked of one key beside signing modules. The numbers are on the wire. */
enum ms_ipc_change_what {
	MS_CHANGE_CSR = 1,  /* @result: DER PKCS#10 */
	MS_CHANGE_CERT = 2, /* @data: DER certificate, which takes the old one's place */
	MS_CHANGE_BACKUP = 3,  /* @data: DER certificate to encrypt to; result: DER CMS */
	MS_CHANGE_RETIRE = 4,  /* @reason */
	MS_CHANGE_REVOKE = 5,  /* @reason, @from; result: DER CRL of an issuing key */
	MS_CHANGE_EFI = 16,    /* @data: SHA-256 of an update of an EFI variable; result:
				* its raw signature */
	MS_CHANGE_ROTATE = 17, /* @data: successor's name; @from: when it retires */
	MS_CHANGE_ATTEST = 32, /* @data: nonce; result: evidence (lib/tpm_evidence.h) */
	MS_CHANGE_PROVISION = 33, /* @data: TPM2B_PUBLIC of an SRK; result: text */
	/* of no key, but of the TPM */
	MS_CHANGE_IDENTITY = 34,  /* result: evidence */
	MS_CHANGE_ENROLL_AK = 35, /* @data: evidence with the AK's certificate */
};

/** struct ms_ipc_change - @reason: one of RFC 5280's for REVOKE, else a text; or "" */
struct ms_ipc_change {
	char key[MS_KEY_NAME_MAX + 1];
	enum ms_ipc_change_what what;
	char reason[129];
	int64_t from;
	uint8_t data[MS_CERT_MAX];
	size_t data_len;
};

/**
 * struct ms_ipc_open - make a leaf key for a build
 * @key: the issuing key, of custody leaf
 * @common_name: names the build in the leaf's certificate
 * @alg: of the leaf; @not_after: when it ends; @max: signatures that it may make
 */
struct ms_ipc_open {
	char key[MS_KEY_NAME_MAX + 1], build[MS_BUILD_ID_MAX + 1];
	char common_name[65];
	enum ms_alg alg;
	int64_t not_after;
	uint32_t max;
};

/**
 * struct ms_ipc_note - what the log's key and counter say
 * @counter: the TPM's counter
 * @fresh: the log's key was made since the key process started
 * @vkey: the log's public key (ms_note_vkey())
 * @note: the signed checkpoint; "" for MS_IPC_COUNTER
 */
struct ms_ipc_note {
	int rc;
	struct ms_error err;
	uint64_t counter;
	bool fresh;
	char vkey[MS_VKEY_MAX], note[MS_CHECKPOINT_MAX + 1];
};

/**
 * struct ms_ipc_msg - any message; which member of the union counts depends on @op
 * @id: of the request that this is, or that this answers
 */
struct ms_ipc_msg {
	enum ms_ipc_op op;
	uint64_t id;
	union {
		struct {
			char key[MS_KEY_NAME_MAX + 1];
			char build[MS_BUILD_ID_MAX + 1]; /* "" for none */
			enum ms_hash hash;
			uint8_t digest[MS_DIGEST_MAX];
		} sign;
		struct {
			int rc; /* 0, or negative errno and @err */
			struct ms_error err;
			uint8_t sig[MS_SIG_MAX];
			size_t sig_len;
		} signed_;
		struct ms_ipc_create create; /* of RESEAL, too */
		struct {
			uint32_t mask;
		} pcrs;
		struct {
			char key[MS_KEY_NAME_MAX + 1];
			char pin[MS_PIN_MAX + 1];
		} unlock;
		struct {
			int rc;
			struct ms_error err;
		} done;
		struct {
			int rc;
			struct ms_error err;
			char manufacturer[8], firmware[32];
		} tpm;
		struct ms_ipc_key key;
		struct ms_ipc_open open;
		struct {
			char build[MS_BUILD_ID_MAX + 1];
		} close;
		struct {
			int rc;
			struct ms_error err;
			uint8_t cert[MS_CERT_MAX];
			size_t cert_len;
		} opened;
		struct {
			uint64_t size;
			uint8_t root[MS_MERKLE_HASH];
		} checkpoint;
		struct ms_ipc_note note;
		struct ms_ipc_import import;
		struct ms_ipc_provision provision;
		struct ms_ipc_change change;
		struct {
			uint8_t kind;		 /* enum ms_alert_kind */
			char text[MS_ALERT_MAX]; /* a JSON object */
		} alert;
		struct {
			int rc;
			struct ms_error err;
			uint8_t data[MS_CERT_MAX];
			size_t len;
		} result;
	};
};

/** ms_ipc_encode() - append the message's bytes to @out. Return: 0, -ENOMEM, -EINVAL */
int ms_ipc_encode(const struct ms_ipc_msg *m, struct ms_buf *out) _must_check_;
/** ms_ipc_decode() - Return: 0 or -EBADMSG (then @ret is wiped) */
int ms_ipc_decode(const uint8_t *p, size_t len, struct ms_ipc_msg *ret) _must_check_;

/**
 * ms_ipc_send() - encode and send one message
 * @pass_fd: a descriptor to hand over, or -1
 * What was encoded is wiped. Return: 0, -EAGAIN (non-blocking socket full), -EPIPE, ...
 */
int ms_ipc_send(int fd, const struct ms_ipc_msg *m, int pass_fd) _must_check_;
/** ms_ipc_send_bytes() - send what ms_ipc_encode() made, which stays as it is */
int ms_ipc_send_bytes(int fd, const struct ms_buf *b, int pass_fd) _must_check_;
/**
 * ms_ipc_recv() - receive and decode one message
 * @ret_fd: a descriptor that came with it, or -1; NULL: none is expected
 * Return: 0; -EPIPE at end of file; -EAGAIN; -EBADMSG.
 */
int ms_ipc_recv(int fd, struct ms_ipc_msg *ret, int *ret_fd) _must_check_;
/** ms_ipc_pair() - a SEQPACKET socketpair, close-on-exec, with room for many messages */
int ms_ipc_pair(int ret[2]) _must_check_;

#endif
