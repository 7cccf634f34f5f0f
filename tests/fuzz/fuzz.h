/* SPDX-License-Identifier: MIT
 *
 * fuzz.h - the one function of a fuzz target. libFuzzer calls it, or replay.c
 * with files. It must return 0 and abort on what is wrong.
 */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
