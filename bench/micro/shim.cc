/* SPDX-License-Identifier: MIT
 *
 * shim.cc - the only C++ here: google-benchmark 1.7 behind shim.h.
 *
 * Debian builds google-benchmark with optimisation but without NDEBUG, so the
 * library warns in every report that it "was built as DEBUG" and that timings
 * may be affected. They are not: what it checks stands outside the timed
 * stretches. The warning is part of the machine's description, which this
 * reporter does not print; head.c prints one.
 */
#include "bench/micro/shim.h"

#include <benchmark/benchmark.h>

namespace
{

unsigned runs, failures;

/* Console lines as they are, without the description of the machine. */
class report : public benchmark::ConsoleReporter
{
      public:
	report() : ConsoleReporter(OO_Tabular)
	{
	}

	bool
	ReportContext(const Context &context) override
	{
		name_field_width_ = context.name_field_width;
		return true;
	}
};

benchmark::State *
state(struct bench *b)
{
	return reinterpret_cast<benchmark::State *>(b);
}

} // namespace

struct bench_run bench_run;

void
bench_register(const char *name, bench_fn *fn, void *arg, uint64_t ops)
{
	auto *b = benchmark::RegisterBenchmark(
	    name, [fn, arg](benchmark::State &st) {
		    runs++;
		    bench_run = {};
		    fn(reinterpret_cast<struct bench *>(&st), arg);
	    });

	b->Iterations(static_cast<benchmark::IterationCount>(ops));
	b->UseManualTime();
}

bool
bench_batch(struct bench *b, uint64_t n)
{
	if (!state(b)->KeepRunningBatch(
		static_cast<benchmark::IterationCount>(n)))
		return false;
	bench_run.ops += n;
	return true;
}

/* google-benchmark adds the times up. */
void
bench_time(struct bench *b, uint64_t ns)
{
	bench_run.ns += ns;
	state(b)->SetIterationTime(static_cast<double>(ns) * 1e-9);
}

void
bench_counter(struct bench *b, const char *name, double value)
{
	state(b)->counters[name] = value;
}

void
bench_fail(struct bench *b, const char *why)
{
	failures++;
	bench_run.failed = why;
	state(b)->SkipWithError(why);
}

unsigned
bench_failures(void)
{
	return failures;
}

unsigned
bench_runs(void)
{
	return runs;
}

void
bench_init(int *argc, char **argv)
{
	benchmark::Initialize(argc, argv);
}

int
bench_main(void)
{
	report console;

	benchmark::RunSpecifiedBenchmarks(&console);
	benchmark::Shutdown();
	return failures || !runs;
}
