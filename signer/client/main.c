/* SPDX-License-Identifier: GPL-2.0-or-later */
/* modseal: the command for people and scripts. */
#include <signal.h>
#include "signer/client/cli.h"

int main(int argc, char **argv)
{
	/* An agent that closes its connection is an error to report, not a reason to die.
	 */
	signal(SIGPIPE, SIG_IGN);
	return ms_cli_main(argc, argv);
}
