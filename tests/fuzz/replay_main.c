/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Gives a fuzz target's corpus to it without a fuzzer, so that every compiler, and make check, can.
 * Arguments are files and directories; without any, the corpus that belongs to the program's name:
 * fuzz_X reads tests/fuzz/corpus/X of the source tree. */
#include <dirent.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int replay_file(const char *path)
{
	FILE *f = fopen(path, "re");
	uint8_t *data = NULL;
	struct stat st;
	size_t n;

	if (!f || fstat(fileno(f), &st) < 0) {
		fprintf(stderr, "%s: %s\n", path, strerror(errno));
		if (f)
			fclose(f);
		return -1;
	}
	/* The exact size, so that the address sanitizer sees one byte too far. */
	data = malloc(st.st_size ? (size_t)st.st_size : 1);
	n = data ? fread(data, 1, (size_t)st.st_size, f) : 0;
	fclose(f);
	if (!data || n != (size_t)st.st_size) {
		fprintf(stderr, "%s: cannot be read\n", path);
		free(data);
		return -1;
	}
	LLVMFuzzerTestOneInput(data, n);
	free(data);
	return 1;
}

static int replay_directory(const char *path)
{
	struct dirent **entries;
	int n = scandir(path, &entries, NULL, alphasort), count = 0;

	if (n < 0) {
		fprintf(stderr, "%s: %s\n", path, strerror(errno));
		return -1;
	}
	for (int i = 0; i < n; i++) {
		char file[4096];

		if (entries[i]->d_name[0] != '.' && count >= 0) {
			snprintf(file, sizeof(file), "%s/%s", path, entries[i]->d_name);
			count = replay_file(file) < 0 ? -1 : count + 1;
		}
		free(entries[i]);
	}
	free(entries);
	return count;
}

static int replay(const char *path)
{
	struct stat st;

	if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
		return replay_directory(path);
	return replay_file(path);
}

/* ".../fuzz_ini.t" to "SRCDIR/tests/fuzz/corpus/ini" */
static int default_corpus(const char *program, char *ret, size_t size)
{
	const char *source = getenv("NETNSD_SRCDIR"), *base = strrchr(program, '/');
	const char *name = strstr(base ? base : program, "fuzz_");
	int n = name ? (int)strcspn(name + 5, ".") : 0;

	if (n == 0)
		return -EINVAL;
	snprintf(ret, size, "%s/tests/fuzz/corpus/%.*s", source ? source : ".", n, name + 5);
	return 0;
}

int main(int argc, char **argv)
{
	char path[4096];
	int total = 0;

	for (int i = 1; i < argc; i++) {
		int n = replay(argv[i]);

		if (n < 0)
			return EXIT_FAILURE;
		total += n;
	}
	if (argc < 2) {
		if (default_corpus(argv[0], path, sizeof(path)) < 0)
			return EXIT_FAILURE;
		total = replay(path);
	}
	/* A corpus that cannot be found would pass for ever. */
	if (total <= 0) {
		fprintf(stderr, "no input in the corpus\n");
		return EXIT_FAILURE;
	}
	printf("%d inputs\n", total);
	return EXIT_SUCCESS;
}
