/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The one table of commands: help, dispatch and completions come from here. */
#include "signer/client/cli.h"

const struct ms_cli_option ms_common_options[] = {
	{"json", 0, NULL, NULL, "print facts as JSON"},
	{"agent", 0, "ADDRESS", NULL, "the agent, as unix:/run/modseal/agent.sock"},
	{"help", 'h', NULL, NULL, "print this help"},
	{0},
};

static const struct ms_cli_option init_options[] = {
	{"key", 0, "NAME", NULL, "the key's name (default: default)"},
	{"alg", 0, "ALG", "rsa2048|rsa3072|rsa4096|p256|p384", "default rsa4096"},
	{"tcti", 0, "NAME:CONF", NULL, "the TPM (default device:/dev/tpmrm0)"},
	{"dir", 0, "DIR", NULL, "an agent of your own, with all that it has there"},
	{0},
};

static const struct ms_cli_option key_create_options[] = {
	{"alg", 0, "ALG", "rsa2048|rsa3072|rsa4096|p256|p384",
	 "default rsa4096; with custody resident or leaf rsa2048"},
	{"custody", 0, "CUSTODY", "sealed|resident|leaf",
	 "where it lives (default sealed); see modseal(1)"},
	{"subject", 0, "CN", NULL, "common name (default: the key's name)"},
	{"days", 0, "N", NULL, "validity of the certificate (default 3650)"},
	{"pcrs", 0, "LIST", NULL, "PCRs that have to stay: 7,14 or none (default 7)"},
	{"module-only", 0, NULL, NULL, "shim takes it for no boot loader and no kernel"},
	{"pending", 0, NULL, NULL, "it signs nothing before a CA's certificate is there"},
	{"pin", 0, NULL, NULL, "ask for a PIN that the key needs after a start"},
	{"pin-fd", 0, "N", NULL, "read that PIN from file descriptor N"},
	{"policy-key", 0, "PUB", NULL, "who approves PCR values; in place of --pcrs"},
	{"approval", 0, "FILE", NULL, "its approval of the present PCR values"},
	{"scheme", 0, "SCHEME", "tpm|raw",
	 "raw: RSA signs digests that the TPM has no hash for"},
	{0},
};

static const struct ms_cli_option key_approve_options[] = {
	{"policy-key", 0, "KEY", NULL, "private key that approves: a file, or a URI"},
	{"passphrase-fd", 0, "N", NULL, "read KEY's passphrase from descriptor N"},
	{"pcrs", 0, "LIST", NULL, "PCRs to approve (default 7)"},
	{"from-tpm", 0, NULL, NULL, "the values that the agent's TPM has now"},
	{"values", 0, "FILE", NULL, "values as tpm2_pcrread prints them (- is stdin)"},
	{"name", 0, "TEXT", NULL, "what it is about (default: PCRs and date)"},
	{"output", 'o', "FILE", NULL, "where the approval goes (default: stdout)"},
	{0},
};

static const struct ms_cli_option key_reseal_options[] = {
	{"approval", 0, "FILE", NULL, "add what the key's policy key has approved"},
	{"policy-key", 0, "PUB", NULL, "check first that it is by this key"},
	{"pcrs", 0, "LIST", NULL, "seal anew to these: 7,14 or none (default 7)"},
	{"values", 0, "FILE", NULL, "to these values, which they will have next time"},
	{"pin", 0, NULL, NULL, "ask for the PIN that it has from now on"},
	{"pin-fd", 0, "N", NULL, "read that PIN from file descriptor N"},
	{0},
};

static const struct ms_cli_option key_cert_options[] = {
	{"der", 0, NULL, NULL, "DER, not PEM"},
	{0},
};

static const struct ms_cli_option key_import_options[] = {
	{"cert", 0, "CERT", NULL, "its certificate (default: FILE has it, or a new one)"},
	{"passphrase-fd", 0, "N", NULL, "read FILE's passphrase from descriptor N"},
	{"subject", 0, "CN", NULL, "of a new certificate (default: the key's name)"},
	{"days", 0, "N", NULL, "validity of a new certificate (default 3650)"},
	{"pcrs", 0, "LIST", NULL, "PCRs that have to stay: 7,14 or none (default 7)"},
	{"pin", 0, NULL, NULL, "ask for a PIN that the key needs after a start"},
	{"pin-fd", 0, "N", NULL, "read that PIN from file descriptor N"},
	{0},
};

static const struct ms_cli_option key_backup_options[] = {
	{"to", 0, "CERT", NULL, "the recipient's certificate or public key"},
	{"output", 'o', "FILE", NULL, "where the backup goes; must not exist"},
	{0},
};

static const struct ms_cli_option key_rotate_options[] = {
	{"to", 0, "NEW", NULL, "the successor (default: the number at the end, plus 1)"},
	{"overlap", 0, "TIME", NULL, "how long both sign: 90d (default), 12w, 0"},
	{"subject", 0, "CN", NULL, "common name (default: the old one's)"},
	{"days", 0, "N", NULL, "validity of the certificate (default: the old one's)"},
	{"pending", 0, NULL, NULL, "it waits for a CA's certificate"},
	{"pin-fd", 0, "N", NULL, "read the new key's PIN from file descriptor N"},
	{"dir", 0, "DIR", NULL, "where both certificates go (default: here)"},
	{0},
};

static const struct ms_cli_option key_attest_options[] = {
	{"output", 'o', "FILE", NULL, "the bundle (default: standard output)"},
	{"nonce", 0, "HEX", NULL, "what the asker sent, so that the bundle is fresh"},
	{"event-log", 0, "FILE", NULL, "of the firmware (default: this machine's)"},
	{"chain", 0, "FILE", NULL, "certificates between the TPM's and its root"},
	{0},
};

static const struct ms_cli_option key_provision_options[] = {
	{"to", 0, "FILE", NULL, "the other machine's identity"},
	{"output", 'o', "FILE", NULL, "with --to: the wrapped key; must not exist"},
	{"srk-name", 0, "HEX", NULL, "with --to: the Name that the machine showed"},
	{"root", 0, "CERT", NULL, "with --to: who vouches for that TPM"},
	{"ak-ca", 0, "CERT", NULL, "with --to: who enrolled that TPM"},
	{"import", 0, "FILE", NULL, "take a key that was wrapped to this TPM"},
	{"pcrs", 0, "LIST", NULL, "with --import: as in key create (default 7)"},
	{"pin", 0, NULL, NULL, "with --import: ask for a PIN that the key needs"},
	{"pin-fd", 0, "N", NULL, "with --import: read that PIN from descriptor N"},
	{0},
};

static const struct ms_cli_option tpm_identity_options[] = {
	{"output", 'o', "FILE", NULL, "where it goes (default: standard output)"},
	{"chain", 0, "FILE", NULL, "certificates between the TPM's and its root"},
	{0},
};

static const struct ms_cli_option tpm_enroll_options[] = {
	{"root", 0, "CERT", NULL, "the TPM manufacturer's certificate"},
	{"ca", 0, "CERT", NULL, "the enrolment CA's certificate"},
	{"ca-key", 0, "FILE", NULL, "its private key: PEM or DER, not encrypted"},
	{"output", 'o', "FILE", NULL, "the answer (default: standard output)"},
	{"days", 0, "N", NULL, "validity of the certificate (default 3650)"},
	{"chain", 0, "FILE", NULL, "certificates between the TPM's and its root"},
	{0},
};

static const struct ms_cli_option key_retire_options[] = {
	{"reason", 0, "TEXT", NULL, "a sentence for those who still try to use it"},
	{0},
};

static const struct ms_cli_option key_revoke_options[] = {
	{"reason", 0, "R",
	 "unspecified|keyCompromise|cACompromise|affiliationChanged|superseded|"
	 "cessationOfOperation",
	 "why, in the words of RFC 5280"},
	{"from", 0, "TIME", NULL, "since when, YYYY-MM-DD[THH:MM:SSZ] (default now)"},
	{"output", 'o', "FILE", NULL, "where the CRL goes (default: standard output)"},
	{"artefacts", 0, "DIR", NULL, "write what kernels and firmware read, too"},
	{0},
};

#define REVOKE_WHAT                                                                    \
	{"certificate", 0, "CERT", NULL, "this certificate"},                          \
		{"issuer", 0, "CERT", NULL, "a certificate that this one has issued"}, \
		{"serial", 0, "HEX", NULL, "with --issuer: its serial number"},        \
		{"name", 0, "MODULE", NULL, "a module, by the name the kernel has"},   \
		{"below", 0, "V", NULL, "with --name: versions below this one"},       \
	{                                                                              \
		"srcversion", 0, "S", NULL, "with --name: only this srcversion"        \
	}

static const struct ms_cli_option revoke_what_options[] = {REVOKE_WHAT, {0}};

static const struct ms_cli_option revoke_add_options[] = {
	REVOKE_WHAT,
	{"from", 0, "TIME", NULL, "since when, YYYY-MM-DD[THH:MM:SSZ] (default always)"},
	{"reason", 0, "TEXT", NULL, "why, for people"},
	{0},
};

static const struct ms_cli_option revoke_export_options[] = {
	{"key", 0, "KEY", NULL, "signs the list; the signature goes to FILE.p7s"},
	{"days", 0, "N", NULL, "a newer list is due after that (default 30)"},
	{"output", 'o', "FILE", NULL, "where the list goes (default: standard output)"},
	{0},
};

static const struct ms_cli_option key_enroll_options[] = {
	{"for", 0, "TARGET",
	 "mok|db|trusted-keys|secondary|ima|dbx|mokx|blacklist|revocation-keys",
	 "who shall trust it; from dbx on: distrust it"},
	{"dir", 0, "DIR", NULL, "where the files go (default: here)"},
	{"kek", 0, "KEY", NULL, "key of the agent that signs the update of db or dbx"},
	{"signature", 0, "FILE", NULL, "PKCS#7 of a KEK elsewhere, with the same --time"},
	{"time", 0, "TIME", NULL, "of the update, YYYY-MM-DD[THH:MM:SSZ] (default now)"},
	{"replace", 0, NULL, NULL, "the update replaces what is there (default: adds)"},
	{"owner", 0, "GUID", NULL, "owner of the entry (default: modseal's)"},
	{"from", 0, "TIME", NULL, "distrusted since then (default: always)"},
	{0},
};

static const struct ms_cli_option key_unlock_options[] = {
	{"pin-fd", 0, "N", NULL, "read the PIN from file descriptor N"},
	{0},
};

static const struct ms_cli_option build_open_options[] = {
	{"kernel", 0, "RELEASE", NULL, "the kernel's release, as uname -r has it"},
	{"key", 0, "NAME", NULL, "default: MODSEAL_KEY, then key in modseal.conf"},
	{"max", 0, "N", NULL, "modules it may sign (default 20000)"},
	{"expires", 0, "TIME", NULL, "how long it stays open: 30m, 4h (default), 2d"},
	{"series", 0, "NAME", NULL, "what builds that follow each other share"},
	{"list", 0, "PATH", NULL, "a module or a tree: it signs what is there only"},
	{"hash", 0, "HASH", NULL, "of the list's digests (default sha256)"},
	{0},
};

static const struct ms_cli_option build_list_options[] = {
	{"state", 0, "STATE", "pending|open|closed|expired|rejected",
	 "only those that are so"},
	{"requests", 0, NULL, NULL, "only those of modseal sign --request"},
	{0},
};

static const struct ms_cli_option build_show_options[] = {
	{"diff", 0, NULL, NULL, "what is new, gone or changed, against PREVIOUS"},
	{0},
};

static const struct ms_cli_option build_manifest_options[] = {
	{"content", 0, NULL, NULL, "what was signed alone, without its signature"},
	{"signature", 0, NULL, NULL, "its signature, detached, in DER"},
	{0},
};

static const struct ms_cli_option build_reject_options[] = {
	{"reason", 0, "TEXT", NULL, "a sentence that goes on record"},
	{0},
};

static const struct ms_cli_option policy_check_options[] = {
	{"offline", 0, NULL, NULL, "ask no agent: modseald itself reads the files"},
	{0},
};

static const struct ms_cli_option policy_explain_options[] = {
	{"as", 0, "IDENTITY", NULL, "uid:NUMBER or user:NAME (default: yourself)"},
	{"key", 0, "NAME", NULL, "default: MODSEAL_KEY, then key in modseal.conf"},
	{"module", 0, "FILE", NULL, "a module; without it only what holds for all"},
	{"hash", 0, "HASH", NULL, "default: sha256"},
	{"build", 0, "ID", NULL, "the build that it belongs to"},
	{"type", 0, "TYPE", NULL, "module (default), file, fsverity, ima or raw"},
	{"file", 0, "NAME", NULL, "of other types than module: the file's name"},
	{0},
};

static const struct ms_cli_option sign_options[] = {
	{"recursive", 'r', NULL, NULL, "sign every *.ko below a folder"},
	{"jobs", 'j', "N", NULL, "how much to do at once (default: number of CPUs)"},
	{"key", 0, "NAME", NULL, "default: MODSEAL_KEY, then key in modseal.conf"},
	{"build", 0, "ID", NULL, "the build it belongs to (default: MODSEAL_BUILD)"},
	{"hash", 0, "HASH", NULL, "as in CONFIG_MODULE_SIG_HASH (default sha256)"},
	{"by-digest", 0, NULL, NULL, "send digests, not modules (always so over https)"},
	{"dest", 0, "FILE", NULL, "put the signed module, or the signature, there"},
	{"detached", 0, NULL, NULL,
	 "write the signature alone, to PATH.p7s; of any file"},
	{"keep-detached", 0, NULL, NULL, "sign, and keep the signature in PATH.p7s"},
	{"to", 0, "DIR", NULL, "put detached signatures of modules there"},
	{"keyid", 0, NULL, NULL, "name the certificate by its subject key identifier"},
	{"signed", 0, "HOW", "replace|own|keep",
	 "modules that are signed already (default replace)"},
	{"format", 0, "FORMAT", "detached|fsverity|ima|ima-appended",
	 "sign files that are no modules"},
	{"by-content", 0, NULL, NULL, "of files: send them, not their digests"},
	{"xattr", 0, NULL, NULL, "of --format ima: into security.ima, not FILE.sig"},
	{"request", 0, NULL, NULL, "do not sign: ask others to approve it first"},
	{"resume", 0, "ID", NULL, "sign what was requested and is approved now"},
	{"quiet", 'q', NULL, NULL, "print failures only"},
	{0},
};

static const struct ms_cli_option resign_options[] = {
	{"key", 0, "NAME", NULL, "the new key; default: as in sign"},
	{"from", 0, "OLD,...", NULL, "the old keys, or files of certificates"},
	{"dry-run", 'n', NULL, NULL, "count, and sign nothing"},
	{"jobs", 'j', "N", NULL, "how much to do at once (default: number of CPUs)"},
	{"build", 0, "ID", NULL, "the build it belongs to (default: MODSEAL_BUILD)"},
	{"hash", 0, "HASH", NULL, "as in CONFIG_MODULE_SIG_HASH (default sha256)"},
	{"by-digest", 0, NULL, NULL, "send digests, not modules (always so over https)"},
	{"keyid", 0, NULL, NULL, "name the certificate by its subject key identifier"},
	{"quiet", 'q', NULL, NULL, "print failures only"},
	{0},
};

static const struct ms_cli_option detach_options[] = {
	{"to", 0, "DIR", NULL, "put the signatures there, not beside the modules"},
	{"jobs", 'j', "N", NULL, "how much to do at once (default: number of CPUs)"},
	{"quiet", 'q', NULL, NULL, "print failures only"},
	{0},
};

static const struct ms_cli_option attach_options[] = {
	{"from", 0, "DIR", NULL, "the signatures are there, not beside the modules"},
	{"cert", 0, "FILE", NULL, "check first that they are by one of these"},
	{"replace", 0, NULL, NULL, "modules that have another signature, too"},
	{"jobs", 'j', "N", NULL, "how much to do at once (default: number of CPUs)"},
	{"quiet", 'q', NULL, NULL, "print failures only"},
	{0},
};

static const struct ms_cli_option batch_options[] = {
	{"jobs", 'j', "N", NULL, "how much to do at once (default: number of CPUs)"},
	{"key", 0, "NAME", NULL, "default: MODSEAL_KEY, then key in modseal.conf"},
	{"build", 0, "ID", NULL, "the build they belong to (default: MODSEAL_BUILD)"},
	{"hash", 0, "HASH", NULL, "as in CONFIG_MODULE_SIG_HASH (default sha256)"},
	{"keyid", 0, NULL, NULL, "name the certificate by its subject key identifier"},
	{"certificate", 0, "FILE", NULL, "the kernel's: it has to be that of the key"},
	{"compress", 0, "FORMAT", "gzip|xz|zstd", "compress them when all are signed"},
	{"by-digest", 0, NULL, NULL, "send digests, not modules (always so over https)"},
	{"no-sync", 0, NULL, NULL, "do not wait for the disk: what was copied just now"},
	{"quiet", 'q', NULL, NULL, "print failures only"},
	{0},
};

static const struct ms_cli_option log_show_options[] = {
	{"from", 0, "N", NULL, "the first entry to print (default 1)"},
	{"number", 'n', "N", NULL, "how many (default: all)"},
	{0},
};

static const struct ms_cli_option log_tail_options[] = {
	{"number", 'n', "N", NULL, "how many (default 10)"},
	{"follow", 'f', NULL, NULL, "go on with entries as they come"},
	{0},
};

static const struct ms_cli_option log_search_options[] = {
	{"key", 0, "NAME", NULL, "that name this key"},
	{"module", 0, "NAME", NULL, "about this module"},
	{"digest", 0, "HEX", NULL, "about a module with this digest"},
	{"identity", 0, "ID", NULL, "by this identity: uid:1000, user:ann"},
	{"event", 0, "EVENT", NULL, "of this kind: sign, refuse, start, ..."},
	{"since", 0, "TIME", NULL, "as 2026-03-31 or 2026-03-31T08:00, in UTC"},
	{0},
};

static const struct ms_cli_option log_verify_options[] = {
	{"checkpoint", 0, "FILE", NULL, "an earlier one that the log must agree with"},
	{"vkey", 0, "FILE", NULL, "the log's public key"},
	{"export", 0, "FILE", NULL, "check an exported log, without an agent"},
	{0},
};

static const char batch_help[] =
	"Signs every module of LIST: absolute paths with a NUL behind each, as\n"
	"kbuild.mk writes them with MODSEAL_BATCH=1. When all are signed and\n"
	"compressed, LIST is removed; else it stays, and the same command does the\n"
	"rest.\n";

static const char log_verify_help[] =
	"Reads every entry and computes everything anew. Finds entries that were\n"
	"changed, are missing, out of order or inserted; a fork: a history other than\n"
	"that of an earlier checkpoint; and a rollback: an older log that was put\n"
	"back. The last good checkpoint is remembered for each agent, and compared\n"
	"the next time. Exit status 0 good, 1 findings, 3 something could not be\n"
	"checked.\n";

static const char init_help[] =
	"The first command after installing, as root, on a machine with a TPM. Asks\n"
	"nothing: writes the configuration, has systemd start the agent, makes a key,\n"
	"and puts its certificate into /etc/modseal. What is there already stays as it\n"
	"is; after a failure run it again.\n";

static const char key_create_help[] =
	"The agent makes a new private key and a self-signed certificate for it. The\n"
	"private key is on disk only encrypted under a key that the TPM releases when\n"
	"the PCRs are as they were and the PIN, if there is one, is right.\n";

static const char key_approve_help[] =
	"Signs PCR values with a policy key, which can be kept on a machine without a\n"
	"network. Keys that were made with it can be used under these values, and need\n"
	"not be made anew after an update of firmware or kernel:\n"
	"    modseal key approve-pcrs --from-tpm --policy-key policy.key -o now.pem\n"
	"    modseal key create NAME --policy-key policy.pub --approval now.pem\n"
	"and before an update, with the values that the machine will have after it:\n"
	"    modseal key approve-pcrs --values next.txt --policy-key policy.key -o "
	"n.pem\n"
	"    modseal key reseal NAME --approval n.pem\n"
	"The policy key is RSA-2048 or P-256.\n";

static const char key_reseal_help[] =
	"With --approval, PCR values that the key's policy key has approved are added\n"
	"to the key; the old ones stay good. Without it, a sealed key that is active is\n"
	"sealed anew, to the present values of --pcrs, or with --values to those that\n"
	"the PCRs will have: then both files are kept until the new one has opened.\n";

static const char key_cert_help[] =
	"Prints the certificate that kernels and verifiers have to trust, for\n"
	"instance\n"
	"    modseal key cert NAME --der > key.der && mokutil --import key.der\n";

static const char key_unlock_help[] =
	"Lets the agent use a key that has a PIN, until the agent stops. The PIN is\n"
	"read from file descriptor N, else from the systemd credential NAME.pin, else\n"
	"from the terminal. A wrong PIN is never tried twice: TPMs count them and\n"
	"lock.\n";

static const char key_import_help[] =
	"Seals a private key that was made elsewhere: PEM or DER, PKCS#8 (encrypted or\n"
	"not), the older RSA and EC forms, or PKCS#12; RSA with 2048, 3072 or 4096\n"
	"bits, P-256 or P-384. FILE stays where it is; modseal says how to remove it.\n";

static const char key_rotate_help[] =
	"Makes NEW with the algorithm, custody, PCRs and subject of NAME (or takes it, "
	"if\n"
	"it is there), writes both certificates for those who have to trust them, and "
	"has\n"
	"NAME retire by itself when the overlap is over. Until then both sign.\n";

static const char key_enroll_help[] =
	"Writes the files that TARGET takes, and prints what to do with them and which\n"
	"kernels heed it. An update of db or dbx is signed with --kek by a key of the\n"
	"agent; without it, the bytes to be signed elsewhere are written:\n"
	"    modseal key enroll NAME --for mok --dir out\n"
	"    modseal key enroll NAME --for db --kek platform-kek --dir out\n";

static const char key_attest_help[] =
	"Has the TPM prove that it made the key and that the key cannot leave it. The\n"
	"bundle is for modseal-verify attestation, on any machine. Keys of custody\n"
	"resident and leaf only: of a sealed key the TPM knows nothing.\n";

static const char key_provision_help[] =
	"Lets a second machine sign with the same key, of custody sealed:\n"
	"    there:  modseal tpm identity -o there.json\n"
	"    here:   modseal key provision NAME --to there.json --srk-name HEX -o k.pem\n"
	"    there:  modseal key provision NAME --import k.pem\n"
	"What travels can be opened by the other machine's TPM alone.\n";

static const char tpm_enroll_help[] =
	"Issues a certificate for the attestation key of a TPM, once, on any machine\n"
	"and without a TPM:\n"
	"    there:  modseal tpm identity -o there.json\n"
	"    here:   modseal tpm enroll there.json --root ROOT --ca CA --ca-key KEY \\\n"
	"                -o answer.json\n"
	"    there:  modseal tpm install answer.json\n"
	"The certificate is encrypted, so that only the TPM that has both the\n"
	"endorsement key and the attestation key can open it.\n";

static const char sign_help[] =
	"Each module is replaced by itself with a signature appended; an old\n"
	"signature is replaced. At any moment a file is the old one or the new one,\n"
	"never half of it. A file that fails does not stop the others. Symbolic links\n"
	"below a folder are not followed. What is compressed (.xz, .gz, .zst) is signed\n"
	"inside, and compressed again as the kernel's build does it.\n"
	"\n"
	"A run that was interrupted is finished by another with --signed own: modules\n"
	"that this key has signed already, with this hash, are left as they are; with\n"
	"--signed keep all are that have a signature.\n"
	"\n"
	"Where a rule wants approvals, --request opens a request for these files and\n"
	"prints its id; others see it with 'modseal build list --requests', look at it\n"
	"and approve it, and --resume ID signs the files, where they are as they were:\n"
	"    ID=$(modseal sign --request a.ko b.ko)\n"
	"    modseal sign --resume \"$ID\"\n"
	"\n"
	"Files that are no modules are signed with --detached (CMS, FILE.p7s) or\n"
	"--format, if a rule has their type:\n"
	"    modseal sign --detached firmware.bin\n"
	"    modseal sign --format ima --xattr /usr/sbin/agent\n"
	"\n"
	"Each of the N jobs keeps several modules on their way, so that the agent's\n"
	"processors stay busy while records and files reach the disk.\n"
	"\n"
	"With --by-digest, and over https, modules stay here: their digests and what "
	"they\n"
	"say of themselves go to the agent, whose rule must have content = digest.\n";

static const char resign_help[] =
	"Modules below each PATH that have a good signature by an old key, and no\n"
	"other, are signed with the new one; all others stay as they are, and are\n"
	"counted. The old keys are those whose successor the new one is (modseal key\n"
	"rotate), or what --from names: keys of the agent, and files of certificates,\n"
	"which have a slash in their names:\n"
	"    modseal resign --key distro-2027 /srv/modules\n"
	"    modseal resign --key distro-2027 --from distro-2025,./old.pem /srv\n"
	"A run that was interrupted is finished by another one.\n";

static const char detach_help[] =
	"Takes the signature off each module below each PATH and puts it into\n"
	"MODULE.p7s: the module is then what it was before it was signed. modseal\n"
	"attach puts it back. No agent is needed for either.\n";

static const char attach_help[] =
	"Puts the signature in MODULE.p7s (of modseal detach, sign --detached or\n"
	"sign-file -d) on each module below each PATH that has one, byte for byte as it\n"
	"would have been signed. Whether it is over this module is checked with --cert\n"
	"alone. A module that has another signature is a failure without --replace.\n";

static const char build_open_help[] =
	"A build is a grant to sign the modules of one kernel release with one key. Its\n"
	"id is printed, alone; in MODSEAL_BUILD it makes modseal sign and\n"
	"modseal-sign-file sign for this build:\n"
	"    MODSEAL_BUILD=$(modseal build open --kernel 6.12.5 --key NAME) || exit\n"
	"    export MODSEAL_BUILD\n"
	"    make modules_install\n"
	"    modseal build close \"$MODSEAL_BUILD\"\n"
	"Where the rule asks for approvals, the build signs once it has them.\n";

static const char build_show_help[] =
	"With --diff, what it is going to sign, if it was opened with a list (or what "
	"it\n"
	"has signed), is compared with what the build PREVIOUS signed. Without PREVIOUS\n"
	"that is the last one of the same key and series that has ended.\n";

static const char revoke_add_help[] =
	"A DIGEST is that of a module without its signature: hex, or HASH:HEX. Modules\n"
	"and versions that are revoked are not signed by any rule, and the key of a\n"
	"certificate that is revoked signs no more.\n";

static const char revoke_export_help[] =
	"What 'modseal-verify --revocations FILE' reads. With a key of its own, that\n"
	"no rule lets anybody sign with:\n"
	"    modseal revoke export --key lists -o FILE\n"
	"    openssl cms -verify -binary -inform DER -in FILE.p7s -content FILE \\\n"
	"        -certfile KEY.pem -CAfile KEY.pem -purpose any -out /dev/null\n";

static const char build_manifest_help[] =
	"Prints every module that was signed, and on a second line the signature: what\n"
	"'modseal-verify manifest FILE TREE' checks a tree against. Apart:\n"
	"    modseal build manifest ID --content >m.json\n"
	"    modseal build manifest ID --signature >m.p7s\n"
	"    openssl cms -verify -binary -inform DER -in m.p7s -content m.json \\\n"
	"        -certfile KEY.pem -CAfile KEY.pem -purpose any -out /dev/null\n";

static const char build_approve_help[] =
	"Nobody approves a build that they opened, and nobody counts twice. Where the\n"
	"rule has several tiers, they approve one after the other.\n";

static const char policy_check_help[] =
	"Checks FILE and FILE.d/*.conf (- is standard input) as the agent would read "
	"it:\n"
	"mistakes, rules that are never reached, keys that do not exist, groups that\n"
	"nothing names. Without FILE it is /etc/modseal/modseald.conf.\n"
	"Changes nothing. Exit status 0 only if nothing was found.\n";

static const char policy_explain_help[] = "Asks the agent what it would decide, and why. "
					  "Signs nothing and counts nothing.\n"
					  "Exit status 0 only if it would be allowed.\n";

static const char reload_help[] =
	"The whole configuration is taken or, if anything is wrong with it, nothing.\n"
	"What takes a restart (socket, state, threads, [tpm]) must be as it was.\n";

static const char metrics_help[] =
	"In Prometheus' text format, for a node exporter's textfile collector:\n"
	"    modseal metrics >modseal.prom.new && mv modseal.prom.new modseal.prom\n"
	"The agent's setting 'metrics' says who may read them.\n";

static const char status_help[] = "Exit status 0 only if the agent is ready to sign.\n";

const struct ms_command ms_commands[] = {
	{"init", "", 0, 0, "set up the agent and a key on this machine", init_help,
	 init_options, ms_cmd_init},
	{"key create", "NAME", 1, 1, "make a key and its certificate", key_create_help,
	 key_create_options, ms_cmd_key_create},
	{"key list", "", 0, 0, "list the keys", NULL, NULL, ms_cmd_key_list},
	{"key show", "NAME", 1, 1, "print what is known about a key", NULL, NULL,
	 ms_cmd_key_show},
	{"key cert", "NAME", 1, 1, "print a key's certificate", key_cert_help,
	 key_cert_options, ms_cmd_key_cert},
	{"key unlock", "NAME", 1, 1, "give the agent the PIN of a key", key_unlock_help,
	 key_unlock_options, ms_cmd_key_unlock},
	{"key import", "NAME FILE", 2, 2, "seal a private key from a file",
	 key_import_help, key_import_options, ms_cmd_key_import},
	{"key restore", "NAME FILE", 2, 2, "import a backup that was decrypted",
	 key_import_help, key_import_options, ms_cmd_key_import},
	{"key csr", "NAME", 1, 1, "request a certificate from a CA", NULL, NULL,
	 ms_cmd_key_csr},
	{"key install-cert", "NAME FILE", 2, 2, "replace a key's certificate", NULL, NULL,
	 ms_cmd_key_install_cert},
	{"key export-backup", "NAME", 1, 1, "encrypt a key to a recipient", NULL,
	 key_backup_options, ms_cmd_key_export_backup},
	{"key enroll", "NAME", 1, 1, "have kernels or firmware trust a key",
	 key_enroll_help, key_enroll_options, ms_cmd_key_enroll},
	{"key rotate", "NAME", 1, 1, "make a successor, and have a key retire",
	 key_rotate_help, key_rotate_options, ms_cmd_key_rotate},
	{"key approve-pcrs", "", 0, 0, "sign PCR values with a policy key",
	 key_approve_help, key_approve_options, ms_cmd_key_approve_pcrs},
	{"key reseal", "NAME", 1, 1, "have a key open under other PCR values",
	 key_reseal_help, key_reseal_options, ms_cmd_key_reseal},
	{"key attest", "NAME", 1, 1, "have the TPM prove that it made a key",
	 key_attest_help, key_attest_options, ms_cmd_key_attest},
	{"key provision", "NAME", 1, 1, "hand a key to another machine's TPM",
	 key_provision_help, key_provision_options, ms_cmd_key_provision},
	{"key retire", "NAME", 1, 1, "have a key sign no more", NULL, key_retire_options,
	 ms_cmd_key_retire},
	{"key revoke", "NAME", 1, 1, "retire a key that is not to be trusted", NULL,
	 key_revoke_options, ms_cmd_key_revoke},
	{"sign", "PATH...", 0, -1, "sign modules and other files", sign_help,
	 sign_options, ms_cmd_sign},
	{"resign", "PATH...", 1, -1, "sign what an old key has signed with a new one",
	 resign_help, resign_options, ms_cmd_resign},
	{"detach", "PATH...", 1, -1, "take signatures off modules, into files",
	 detach_help, detach_options, ms_cmd_detach},
	{"attach", "PATH...", 1, -1, "put signatures from files on modules", attach_help,
	 attach_options, ms_cmd_attach},
	{"tpm identity", "", 0, 0, "print which TPM this is, for other machines", NULL,
	 tpm_identity_options, ms_cmd_tpm_identity},
	{"tpm enroll", "FILE", 1, 1, "issue a certificate for another machine's TPM",
	 tpm_enroll_help, tpm_enroll_options, ms_cmd_tpm_enroll},
	{"tpm install", "FILE", 1, 1, "install the certificate that was issued", NULL,
	 NULL, ms_cmd_tpm_install},
	{"status", "", 0, 0, "print how the agent and its TPM are", status_help, NULL,
	 ms_cmd_status},
	{"metrics", "", 0, 0, "print the agent's metrics for Prometheus", metrics_help,
	 NULL, ms_cmd_metrics},
	{"whoami", "", 0, 0, "print who the agent thinks you are", NULL, NULL,
	 ms_cmd_whoami},
	{"build open", "", 0, 0, "open a build and print its id", build_open_help,
	 build_open_options, ms_cmd_build_open},
	{"build list", "", 0, 0, "list the builds", NULL, build_list_options,
	 ms_cmd_build_list},
	{"build show", "ID [PREVIOUS]", 1, 2, "print what is known about a build",
	 build_show_help, build_show_options, ms_cmd_build_show},
	{"build approve", "ID", 1, 1, "approve a build of somebody else",
	 build_approve_help, NULL, ms_cmd_build_approve},
	{"build reject", "ID", 1, 1, "end a build, as one who could approve it", NULL,
	 build_reject_options, ms_cmd_build_reject},
	{"build manifest", "ID", 1, 1, "print what a closed build has signed",
	 build_manifest_help, build_manifest_options, ms_cmd_build_manifest},
	{"build close", "ID", 1, 1, "end a build: it signs no more", NULL, NULL,
	 ms_cmd_build_close},
	{"log show", "", 0, 0, "print the audit log", NULL, log_show_options,
	 ms_cmd_log_show},
	{"log tail", "", 0, 0, "print the end of the audit log", NULL, log_tail_options,
	 ms_cmd_log_tail},
	{"log search", "", 0, 0, "find entries of the audit log", NULL,
	 log_search_options, ms_cmd_log_search},
	{"log proof", "N", 1, 1, "prove that an entry is in the log", NULL, NULL,
	 ms_cmd_log_proof},
	{"log verify", "", 0, 0, "check the whole audit log", log_verify_help,
	 log_verify_options, ms_cmd_log_verify},
	{"log export", "FILE", 1, 1, "write the audit log to a file", NULL, NULL,
	 ms_cmd_log_export},
	{"policy check", "[FILE]", 0, 1, "find faults in a configuration of the agent",
	 policy_check_help, policy_check_options, ms_cmd_policy_check},
	{"policy explain", "", 0, 0, "print which rule decides, and why",
	 policy_explain_help, policy_explain_options, ms_cmd_policy_explain},
	{"reload", "", 0, 0, "let the agent read its configuration again", reload_help,
	 NULL, ms_cmd_reload},
	{"completion", "SHELL", 1, 1, "print completions for bash, zsh or fish", NULL,
	 NULL, ms_cmd_completion},
	{"revoke add", "[DIGEST...]", 0, -1, "have modules or certificates not trusted",
	 revoke_add_help, revoke_add_options, ms_cmd_revoke_add},
	{"revoke withdraw", "[DIGEST...]", 0, -1, "take them off the list again", NULL,
	 revoke_what_options, ms_cmd_revoke_withdraw},
	{"revoke list", "", 0, 0, "print what is revoked", NULL, NULL,
	 ms_cmd_revoke_list},
	{"revoke export", "", 0, 0, "write a signed list for verifiers",
	 revoke_export_help, revoke_export_options, ms_cmd_revoke_export},
	{"batch", "LIST", 1, 1, "sign the modules that a kernel build has installed",
	 batch_help, batch_options, ms_cmd_batch},
	{0},
};
