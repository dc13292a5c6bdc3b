/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the key process hears of builds. */
#include "signer/agent/build.h"

/* Keys that are the same for all builds have nothing to make ready. */
void ms_build_opened(struct ms_front *f, struct ms_build *b, ms_build_ready_fn *done,
		     void *arg)
{
	struct ms_error none = {0};

	done(arg, 0, &none);
}

void ms_build_ended(struct ms_front *f, struct ms_build *b)
{
}
