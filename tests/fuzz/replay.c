/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Stands in for libFuzzer's main(): gives a fuzz target each file of its corpus once,
 * with any compiler, and says so in TAP. Without arguments the corpus of fuzz_PARSER is
 * tests/fuzz/corpus/PARSER, and the empty input is tried as well.
 */
#include <dirent.h>
#include <err.h>
#include <stdint.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned int inputs;

static void replay_file(const char *path)
{
	_cleanup_fclose_ FILE *f = fopen(path, "rb");
	_cleanup_free_ uint8_t *data = NULL;
	struct stat st;
	size_t len;

	if (!f || fstat(fileno(f), &st) < 0)
		err(1, "%s", path);
	if (!S_ISREG(st.st_mode))
		return;
	len = (size_t)st.st_size;
	/* Exactly as long as the input, so that a read beyond it is seen. */
	data = malloc(len ? len : 1);
	if (!data || fread(data, 1, len, f) != len)
		err(1, "%s", path);
	/* Said first: after a crash this line names the input. */
	printf("# %s\n", path);
	fflush(stdout);
	LLVMFuzzerTestOneInput(data, len);
	inputs++;
}

static void replay(const char *path)
{
	_cleanup_free_ char *file = NULL;
	struct dirent *d;
	DIR *dir = opendir(path);

	if (!dir) {
		replay_file(path);
		return;
	}
	while ((d = readdir(dir))) {
		if (d->d_name[0] == '.')
			continue;
		free(file);
		if (asprintf(&file, "%s/%s", path, d->d_name) < 0)
			err(1, "%s", path);
		replay_file(file);
	}
	closedir(dir);
}

int main(int argc, char **argv)
{
	const char *name = strrchr(argv[0], '/');
	char corpus[256];

	name = name ? name + 1 : argv[0];
	printf("1..1\n");
	LLVMFuzzerTestOneInput((const uint8_t *)"", 0);
	for (int i = 1; i < argc; i++)
		replay(argv[i]);
	if (argc == 1) {
		if (!strncmp(name, "fuzz_", 5))
			name += 5;
		snprintf(corpus, sizeof(corpus), "tests/fuzz/corpus/%s", name);
		replay(corpus);
	}
	printf("%sok 1 - %s: %u inputs\n", inputs ? "" : "not ", name, inputs);
	return inputs ? 0 : 1;
}
