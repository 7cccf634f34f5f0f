/* SPDX-License-Identifier: MIT
 *
 * fuzz_ops.c - bytes to a trace of calls, told to heap, wheel and coarse
 * wheel, each beside the naive model: tests/conformance/trace.h.
 */
#include "tests/fuzz/fuzz.h"

#include <stdio.h>
#include <stdlib.h>

#include "tests/conformance/trace.h"

#define MOST_OPS 5000 /* calls; arbitrary */

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const enum rota_backend backends[] = { ROTA_HEAP, ROTA_WHEEL,
		ROTA_WHEEL_COARSE };
	struct trace_result r[3] = { { 0 } };
	struct trace_config c = { .ops = MOST_OPS, .name = "this input" };

	if (size < 8)
		return 0;
	c.timers = 1 + data[0] % 40;
	for (int i = 0; i < 3; i++) {
		c.backend = backends[i];
		trace_run(&c, source_bytes(data + 1, size - 1), &r[i]);
	}
	if (r[0].exact && r[0].digest != r[1].digest) {
		fprintf(stderr,
		    "heap and wheel, each right by itself, "
		    "differ\n");
		abort();
	}
	return 0;
}
