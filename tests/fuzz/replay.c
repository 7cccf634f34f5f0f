/* SPDX-License-Identifier: MIT
 *
 * replay.c - a fuzz target without a fuzzer: each file, and each file of each
 * directory, that is named is an input.
 *
 *	fuzz_x path...
 */
#define _POSIX_C_SOURCE 200809L
#include "tests/fuzz/fuzz.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#define MOST (1 << 16) /* bytes of an input; the rest is not read */

static unsigned inputs;

static void
replay_file(const char *path)
{
	uint8_t *data = malloc(MOST);
	FILE *f = fopen(path, "rb");
	size_t size;

	if (!f || !data) {
		perror(path);
		exit(1);
	}
	size = fread(data, 1, MOST, f);
	fclose(f);
	/* So that the culprit's name is there if it aborts. */
	fprintf(stderr, "\r%s ", path);
	/* In memory of its size: a sanitizer sees reads behind it. */
	data = realloc(data, size ? size : 1);
	if (data)
		LLVMFuzzerTestOneInput(data, size);
	free(data);
	inputs++;
}

static void
replay(const char *path)
{
	struct dirent *entry;
	struct stat st;
	char name[4096];
	DIR *d;

	if (stat(path, &st)) {
		perror(path);
		exit(1);
	}
	if (!S_ISDIR(st.st_mode)) {
		replay_file(path);
		return;
	}
	d = opendir(path);
	while (d && (entry = readdir(d))) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(name, sizeof(name), "%s/%s", path, entry->d_name);
		replay_file(name);
	}
	if (d)
		closedir(d);
}

int
main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		replay(argv[i]);
	fprintf(stderr, "\n");
	printf("%s: %u inputs\n", argv[0], inputs);
	/* Nothing replayed is nothing shown. */
	return inputs ? 0 : 1;
}
