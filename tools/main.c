/* SPDX-License-Identifier: MIT
 *
 * main.c - the program rota: one word says what to do.
 */
#include "tools/cmd.h"

#include <stdio.h>
#include <string.h>

#include <rota/rota.h>

struct command {
	const char *name;
	const char *summary;
	int (*run)(int argc, char **argv);
	void (*help)(FILE *to);
};

static int cmd_help(int argc, char **argv);
static int cmd_version(int argc, char **argv);

static void
help_help(FILE *to)
{
	fputs("usage: rota help [command]\n", to);
}

static void
version_help(FILE *to)
{
	fputs("usage: rota version\n"
	      "The library that runs, and the headers it was built with.\n",
	    to);
}

/* clang-format off */
static const struct command commands[] = {
	{ "bench", "heap against wheel on this machine, and under a server",
	    cmd_bench, cmd_bench_help },
	{ "help", "what a command does and its options",
	    cmd_help, help_help },
	{ "version", "the version of the library",
	    cmd_version, version_help },
};
/* clang-format on */

enum { COMMANDS = sizeof commands / sizeof *commands };

static void
usage(FILE *to)
{
	fputs("usage: rota command [option...]\n\n", to);
	for (int i = 0; i < COMMANDS; i++)
		fprintf(
		    to, "  %-9s %s\n", commands[i].name, commands[i].summary);
	fputs("\n\"rota help command\" tells more.\n"
	      "Exit status: 0, 1 something failed, 2 not understood, "
	      "130 ctrl-C.\n",
	    to);
}

static const struct command *
command_named(const char *name)
{
	for (int i = 0; i < COMMANDS; i++)
		if (strcmp(name, commands[i].name) == 0)
			return &commands[i];
	fprintf(stderr, "rota: no command '%s', see \"rota help\"\n", name);
	return NULL;
}

static int
cmd_help(int argc, char **argv)
{
	const struct command *c;

	if (argc > 2) {
		fputs("rota: help wants one command at most\n", stderr);
		return CMD_USAGE;
	}
	if (argc < 2) {
		usage(stdout);
		return CMD_OK;
	}
	c = command_named(argv[1]);
	if (!c)
		return CMD_USAGE;
	c->help(stdout);
	return CMD_OK;
}

static int
cmd_version(int argc, char **argv)
{
	(void)argv;
	if (argc > 1) {
		fputs("rota: version wants no argument\n", stderr);
		return CMD_USAGE;
	}
	printf("rota %s\n", rota_version_string());
	if (rota_version() != ROTA_VERSION)
		fprintf(stderr, "rota: built with the headers of %d.%d.%d\n",
		    ROTA_VERSION_MAJOR, ROTA_VERSION_MINOR, ROTA_VERSION_PATCH);
	return CMD_OK;
}

/* What was written must have arrived: a full disk is a failure, too. */
static int
finish(int status)
{
	if (fflush(stdout) != 0 || ferror(stdout)) {
		perror("rota: stdout");
		return CMD_FAILED;
	}
	return status;
}

int
main(int argc, char **argv)
{
	const struct command *c;

	if (argc < 2) {
		usage(stderr);
		return CMD_USAGE;
	}
	if (strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "--help") == 0) {
		usage(stdout);
		return finish(CMD_OK);
	}
	if (strcmp(argv[1], "--version") == 0)
		return finish(cmd_version(1, argv));
	c = command_named(argv[1]);
	return c ? finish(c->run(argc - 1, argv + 1)) : CMD_USAGE;
}
