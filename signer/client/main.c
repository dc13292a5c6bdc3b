/* SPDX-License-Identifier: GPL-2.0-or-later */
/* modseal: the command for people and scripts. */
#include <signal.h>
#include "signer/client/cli.h"
#include "https/https.h"

int main(int argc, char **argv)
{
	/* An agent that closes its connection and a file that may not grow (ulimit -f)
	 * are errors to report, not reasons to die.
	 */
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	ms_agent_open_https = ms_https_open;
	return ms_cli_main(argc, argv);
}
