/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "verifier/options.h"

int main(int argc, char **argv)
{
	struct ms_options o;
	int status = ms_options_parse(argc, argv, &o);

	if (status < 0)
		status = ms_verb_verify(&o);
	ms_options_clear(&o);
	return status;
}
