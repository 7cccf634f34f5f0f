/* SPDX-License-Identifier: MIT
 *
 * cm.h - cmocka, after the headers that it wants first.
 *
 * An assertion ends its test by a longjmp, so it belongs in the main thread
 * and outside callbacks of the library: those record, the test asserts.
 */
#ifndef TESTS_SUPPORT_CM_H
#define TESTS_SUPPORT_CM_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define CM_COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* A skipped row says why. */
#define CM_SKIP(why)                          \
	do {                                  \
		print_message("%s\n", (why)); \
		skip();                       \
	} while (0)

#endif
