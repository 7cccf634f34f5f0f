/* SPDX-License-Identifier: MIT
 *
 * httpd_stats.c - counting without a lock, telling without stopping.
 */
#include "examples/httpd_stats.h"

#include <stdio.h>
#include <string.h>

const char *const timeout_names[TIMEOUTS] = { "header", "idle", "write",
	"total" };

static uint64_t
read_count(const _Atomic uint64_t *c)
{
	return atomic_load_explicit(c, memory_order_relaxed); /* snapshot */
}

static unsigned
late_bucket(uint64_t us)
{
	unsigned shift;

	if (us >= UINT64_C(1) << 32)
		us = (UINT64_C(1) << 32) - 1;
	if (us >> LATE_BITS == 0)
		return (unsigned)us;
	shift = 63u - (unsigned)__builtin_clzll(us) - LATE_BITS;
	return (shift << LATE_BITS) + (unsigned)(us >> shift);
}

/* The largest value that late_bucket() puts in @b. */
static uint64_t
late_upper(unsigned b)
{
	unsigned shift = b >> LATE_BITS;

	if (shift == 0)
		return b;
	shift--;
	return (((uint64_t)b - (shift << LATE_BITS) + 1) << shift) - 1;
}

void
count_timeout(struct counters *c, enum timeout kind, rota_span late)
{
	uint64_t us = late < 0 ? 0 : (uint64_t)(late / ROTA_MICROSECOND);

	if (late < 0)
		count(&c->early);
	count(&c->timeouts[kind]);
	count(&c->late[late_bucket(us)]);
	if (us > read_count(&c->late_max))
		atomic_store_explicit(
		    &c->late_max, us, memory_order_relaxed); /* one writer */
}

/* The smallest lateness that @rank of the @total timeouts do not exceed. */
static uint64_t
late_percentile(
    const uint64_t *late, uint64_t total, unsigned percent, uint64_t max)
{
	uint64_t rank = (total * percent + 99) / 100, sum = 0;

	for (unsigned b = 0; b < LATE_BUCKETS; b++) {
		sum += late[b];
		if (sum && sum >= rank)
			return late_upper(b) < max ? late_upper(b) : max;
	}
	return 0;
}

size_t
counters_json(char *buf, size_t size, const struct counters *all, unsigned n,
    const char *backend, unsigned open, struct rota_engine *e)
{
	uint64_t late[LATE_BUCKETS] = { 0 }, timeouts[TIMEOUTS] = { 0 };
	uint64_t connections = 0, requests = 0, refused = 0, pauses = 0;
	uint64_t lingers = 0, early = 0, max = 0, total = 0;
	struct rota_stats r;
	int len;

	for (unsigned i = 0; i < n; i++) {
		const struct counters *c = &all[i];
		uint64_t m = read_count(&c->late_max);

		connections += read_count(&c->connections);
		requests += read_count(&c->requests);
		refused += read_count(&c->refused);
		pauses += read_count(&c->pauses);
		lingers += read_count(&c->lingers);
		early += read_count(&c->early);
		for (int k = 0; k < TIMEOUTS; k++)
			timeouts[k] += read_count(&c->timeouts[k]);
		for (unsigned b = 0; b < LATE_BUCKETS; b++)
			late[b] += read_count(&c->late[b]);
		max = m > max ? m : max;
	}
	for (unsigned b = 0; b < LATE_BUCKETS; b++)
		total += late[b];
	if (rota_engine_stat(e, &r) < 0)
		memset(&r, 0, sizeof r);
#define U "%llu"
#define V(x) ((unsigned long long)(x))
	/* clang-format off */
	len = snprintf(buf, size,
	    "{\"backend\":\"%s\",\"threads\":%u,\"connections\":" U
	    ",\"open\":%u,\"requests\":" U ",\"refused\":" U
	    ",\"accept_pauses\":" U ",\"lingers\":" U
	    ",\"timeouts\":{\"header\":" U ",\"idle\":" U ",\"write\":" U
	    ",\"total\":" U "},\"early\":" U
	    ",\"late_us\":{\"p50\":" U ",\"p99\":" U ",\"max\":" U "}"
	    ",\"rota\":{\"starts\":" U ",\"pushes\":" U ",\"stops\":" U
	    ",\"fires\":" U ",\"live\":" U ",\"timers\":" U
	    ",\"entries\":" U ",\"zombies\":" U ",\"inserts\":" U
	    ",\"moves\":" U ",\"dropped\":" U ",\"swept\":" U
	    ",\"drained\":" U ",\"polls\":" U ",\"adopted\":" U
	    ",\"wakes\":" U ",\"late_max\":" U ",\"late_sum\":" U
	    ",\"bytes\":" U "}}",
	    backend, n, V(connections),
	    open, V(requests), V(refused), V(pauses),
	    V(lingers), V(timeouts[HEADER]), V(timeouts[IDLE]),
	    V(timeouts[WRITE]), V(timeouts[TOTAL]), V(early),
	    V(late_percentile(late, total, 50, max)),
	    V(late_percentile(late, total, 99, max)), V(max), V(r.starts),
	    V(r.pushes), V(r.stops), V(r.fires), V(r.live), V(r.timers),
	    V(r.entries), V(r.zombies), V(r.inserts), V(r.moves),
	    V(r.dropped), V(r.swept), V(r.drained), V(r.polls), V(r.adopted),
	    V(r.wakes), V(r.late_max), V(r.late_sum), V(r.bytes));
	/* clang-format on */
#undef U
#undef V
	return len < 0 ? 0 : (size_t)len < size ? (size_t)len : size - 1;
}
