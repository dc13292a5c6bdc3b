/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef MS_ATTESTATION_H
#define MS_ATTESTATION_H

/**
 * ms_verb_attestation() - modseal-verify attestation: was a key born in a TPM?
 * @argv: [0] is the verb; it has options of its own
 * Return: the exit status.
 */
int ms_verb_attestation(int argc, char **argv);

#endif
