/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Caps: what modseal accepts from outside, in one place. Everything is checked against
 * these before memory is taken for it.
 */
#ifndef MS_LIMITS_H
#define MS_LIMITS_H

#define MS_MODULE_MAX (512u << 20)    /* bytes of a module, after decompression too */
#define MS_MESSAGE_MAX (256u << 10)   /* bytes of a PKCS#7 message */
#define MS_CERT_MAX 16384u	      /* bytes of one DER certificate */
#define MS_CERT_FILE_MAX (1u << 20)   /* bytes of a file of certificates */
#define MS_SIG_MAX 1024u	      /* bytes of a raw signature (RSA-8192) */
#define MS_DIGEST_MAX 64u	      /* bytes of a digest */
#define MS_KEY_NAME_MAX 64u	      /* bytes of a key's name, without NUL */
#define MS_BUILD_ID_MAX 40u	      /* bytes of a build's id, without NUL */
#define MS_KEY_FILE_MAX 65536u	      /* bytes of a key file */
#define MS_PKCS8_MAX 8192u	      /* bytes of a private key, PKCS#8 */
#define MS_PIN_MAX 64u		      /* bytes of a PIN */
#define MS_MODULE_PATH_MAX 1024u      /* bytes of a module's path in its tree */
#define MS_FACT_MAX 256u	      /* bytes of one fact of a module, with NUL */
#define MS_RECORD_MAX 65535u	      /* bytes of an audit record */
#define MS_EXPECT_CERT_MAX 8192u      /* bytes of a certificate in a head, as DER */
#define MS_HTTP_HEAD_MAX 16384u	      /* bytes of an HTTP head */
#define MS_HTTP_ANSWER_MAX (4u << 20) /* bytes of an answer a client reads */
#define MS_CONFIG_MAX 262144u	      /* bytes of one configuration file */
#define MS_PATH_MAX 4096u

#endif
