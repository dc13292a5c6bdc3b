/* SPDX-License-Identifier: GPL-2.0-or-later */
/* PCR values as people have them: the output of tpm2_pcrread. */
#ifndef MS_CLI_PCR_VALUES_H
#define MS_CLI_PCR_VALUES_H

#include "lib/error.h"
#include "lib/tpm_policy.h"

/**
 * struct ms_pcr_values - what is known of them
 * @known: bit mask
 */
struct ms_pcr_values {
	uint32_t known;
	uint8_t v[MS_PCRS][32];
};

/**
 * ms_pcr_values_parse() - lines "7: HEX", "7 : 0xHEX" or "7=HEX"; "sha256:" and the names
 * of other banks, which are passed over, may stand above them; "#" starts a comment
 * Return: 0; -EINVAL a line that is none of these, or a PCR twice; -ENODATA no value.
 */
int ms_pcr_values_parse(const char *text, size_t len, struct ms_pcr_values *ret,
			struct ms_error *err) _must_check_;

/**
 * ms_pcr_values_digest() - SHA-256 over the values of @mask, ascending
 * Return: 0; -ENODATA one of them is not known.
 */
int ms_pcr_values_digest(const struct ms_pcr_values *p, uint32_t mask, uint8_t ret[32],
			 struct ms_error *err) _must_check_;

#endif
