/* SPDX-License-Identifier: MIT
 *
 * rig.c - what an engine has counted.
 */
#include "bench/micro/rig.h"

#include <inttypes.h>
#include <stdio.h>

bool rig_sabotage, rig_smoke;

const char *const rig_backends[] = {
	[ROTA_HEAP] = "heap",
	[ROTA_WHEEL] = "wheel",
	[ROTA_WHEEL_COARSE] = "coarse",
};

struct rota_stats
rig_begin(struct rota_engine *e)
{
	struct rota_stats now;

	if (rota_engine_stat(e, &now))
		peer_die("stat");
	return now;
}

const char *
rig_end(struct rota_engine *e, const struct rota_stats *before,
    const struct rota_stats *want)
{
	static char why[160];
	struct rota_stats after = rig_begin(e);
	int line = 0;
	const struct {
		const char *name;
		uint64_t got, want;
	} rows[] = {
		{ "starts", after.starts - before->starts, want->starts },
		{ "pushes", after.pushes - before->pushes, want->pushes },
		{ "stops", after.stops - before->stops, want->stops },
		{ "fires", after.fires - before->fires, want->fires },
		{ "live", after.live - before->live,
		    want->starts - want->stops - want->fires },
	};

	for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (rows[i].got == rows[i].want)
			continue;
		snprintf(why, sizeof(why),
		    "%s: the engine counted %" PRIu64 ", not %" PRIu64,
		    rows[i].name, rows[i].got, rows[i].want);
		return why;
	}
	if (rig_smoke) /* it walks everything */
		line = rota_shard_check(rota_engine_shard(e, 0));
	if (line)
		snprintf(why, sizeof(why), "rota_shard_check: %d", line);
	return line ? why : NULL;
}
