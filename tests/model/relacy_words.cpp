/* SPDX-License-Identifier: MIT
 *
 * relacy_words.cpp - the words, the plain memory and the mutexes of core/ for
 * relacy: relacy_words.h, relacy_model.h.
 *
 * Plain memory is checked by vector clocks, like rl::var, but with no more than
 * a few instructions for each access: relacy does not switch threads there.
 *
 * What relacy does not show, so no test here can need it:
 *  - A load never returns what is stored after it (load buffering).
 *  - A read-modify-write, and a compare-and-swap that fails, always see the
 *    latest value; C11 lets a failed one read an older one.
 *  - A load sees the latest value or the one before it, with the random
 *    scheduler the last three.
 *  - A later store by the same thread continues a release sequence, as in
 *    C11 and C17; C23 has dropped that.
 *  - A word of 32 bits is a figure: what another thread reads there is what was
 *    stored last. There is one, `next` of a pooled timer's node.
 *  - So is a word that was written as plain memory, from there on.
 *  - A weak compare-and-swap fails for no reason once for each word, with the
 *    random scheduler one time in four; not at all where that is too much,
 *    see model_weak.
 */
#include <csetjmp>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <new>

#include "tests/model/relacy_model.h"

#include <relacy/relacy.hpp>
/* relacy's macros for code that allocates. */
#undef new
#undef delete
#undef malloc
#undef calloc
#undef realloc
#undef free

enum { ARENA = 1 << 17, WORDS = ARENA / 8, WATCHED = 64, NAMES = 16 };
enum { PLAIN = -1, FIGURE = -2 };

/* What is known of eight bytes, in the execution numbered @execution. */
struct granule {
	uint32_t execution;
	uint8_t words;  /* accessed as a word, unwatched, by these threads */
	uint8_t stores; /* and written */
	uint8_t writer; /* of plain memory */
	uint8_t wrote;  /* it was written */
	uint8_t storer; /* of a word */
	uint8_t plain;  /* a watched word: it was written as plain memory */
	rl::timestamp_t write;
	rl::timestamp_t store;         /* 0: by none */
	rl::timestamp_t read[THREADS]; /* 0: by none */
	rl::timestamp_t load[THREADS]; /* of a word */
};

alignas(64) static char arena[ARENA];
static char image[ARENA];
static size_t used, kept;
static struct granule granule[WORDS];
static uint32_t execution;

static int16_t slot[WORDS];       /* the number of a watched word, or above */
static int8_t told[WORDS];        /* its number for the world + 1 */
static uint32_t watched[WATCHED]; /* indices of granules */
static unsigned watches;
static uint32_t wanted; /* to be watched as well, + 1 */
static uint64_t latest[WATCHED]; /* what relacy knows there */
static bool mutex_[WATCHED];
static bool wants_mutex;

typedef rl::atomic<uint64_t> word;
typedef rl::mutex mutex;
static typename std::aligned_storage<sizeof(word), alignof(word)>::type
    words[WATCHED];
static typename std::aligned_storage<sizeof(mutex), alignof(mutex)>::type
    mutexes[WATCHED];

static bool live; /* in an execution, between its beginning and its end */
static bool over; /* it is of no interest any more */
static unsigned running;
static jmp_buf leave[THREADS];
static int held[THREADS][4], holds[THREADS];
static bool clean[THREADS]; /* no plain access since the latest word's */
static unsigned threads_;
bool model_weak = true;

#define AT rl::debug_info(func, file, line)

static word &
word_at(int n)
{
	return *(word *)(void *)&words[n];
}

static mutex &
mutex_at(int n)
{
	return *(mutex *)(void *)&mutexes[n];
}

static inline size_t
index_of(const volatile void *p)
{
	return (size_t)((const volatile char *)p - arena) / 8;
}

/* An access of relacy's is over, and other threads may have run. */
static inline void
back(unsigned th)
{
	if (running != th) {
		world_switch(running, th);
		running = th;
	}
	clean[th] = true;
	if (over) {
		while (holds[th])
			mutex_at(held[th][--holds[th]]).unlock($);
		if (running != th) {
			world_switch(running, th);
			running = th;
		}
		longjmp(leave[th], 1);
	}
}

static inline struct granule &
fresh(size_t i)
{
	struct granule &g = granule[i];

	if (g.execution != execution) {
		memset(&g, 0, sizeof(g));
		g.execution = execution;
	}
	return g;
}

static void
want(size_t i, bool mutex)
{
	if (!wanted) {
		wanted = (uint32_t)i + 1;
		wants_mutex = mutex;
	}
	RL_ASSERT(!"a word that is not watched");
}

/* An access to an unwatched word, or mutex. */
static inline void
unwatched(size_t i, bool stores, bool mutex)
{
	unsigned th = running;
	struct granule &g = fresh(i);

	g.words |= 1u << th;
	if (stores)
		g.stores |= 1u << th;
	if (g.stores && g.words & (g.words - 1))
		want(i, mutex);
}

/* The clock of this thread's accesses to plain memory until its next access to
 * a word: it is not before a store that the thread has made. */
static inline rl::thread_info_base &
clock_of(unsigned th)
{
	rl::thread_info_base &t = *rl::ctx().threadx_;

	if (clean[th]) {
		t.own_acq_rel_order_ += 1;
		clean[th] = false;
	}
	return t;
}

static void
race(size_t i, const char *what)
{
	char text[80];

	snprintf(text, sizeof(text), "data race: %s at %p", what, arena + i * 8);
	model_fail(strdup(text), "", world_where(arena + i * 8), 0);
}

/* Is this a word that an access as plain memory may race with? Not one that the
 * world is told of: the world writes a timer that was given back, and asks by
 * itself whether a call on that timer is under way. */
static inline bool
mixes(size_t i)
{
	return live && i < WORDS && slot[i] != FIGURE && !told[i];
}

/* Before an access to a word: what it counts as. */
static inline rl::timestamp_t
word_clock()
{
	return live ? clock_of(running).own_acq_rel_order_ : 0;
}

/* The word at @p was loaded by thread @th, at @clock. */
static inline void
loaded(const volatile void *p, unsigned th, rl::timestamp_t clock)
{
	size_t i = index_of(p);

	if (mixes(i))
		fresh(i).load[th] = clock;
}

/* It was stored. */
static inline void
stored(const volatile void *p, unsigned th, rl::timestamp_t clock)
{
	size_t i = index_of(p);

	if (!mixes(i))
		return;
	struct granule &g = fresh(i);
	rl::thread_info_base &t = *rl::ctx().threadx_;

	for (unsigned k = 0; k < threads_; k++)
		if (k != th && g.read[k] && t.acq_rel_order_[k] < g.read[k])
			race(i, "a word is stored after a plain read");
	g.storer = (uint8_t)th;
	g.store = clock;
}

/* Is a watched word, which was written as plain memory, not what it was? */
static inline bool
rewritten(size_t i)
{
	fresh(i).plain = ((uint64_t *)(void *)arena)[i] != latest[slot[i]];
	return fresh(i).plain;
}

/* The slot of a word that relacy has to hear of, or -1. */
static inline int
slot_of(const volatile void *p, bool stores, bool mutex = false)
{
	size_t i = index_of(p);

	if (!live || i >= WORDS)
		return -1;
	if (slot[i] < 0 && slot[i] != FIGURE)
		unwatched(i, stores, mutex);
	if (slot[i] < 0 || (fresh(i).plain && rewritten(i)))
		return -1;
	return slot[i];
}

static inline unsigned
number_of(const volatile void *p)
{
	size_t i = index_of(p);

	return i < WORDS ? (unsigned)told[i] : 0;
}

extern "C" {

uint64_t
model_load(const volatile void *p, size_t size, int order, MODEL_AT)
{
	volatile uint64_t *w = (volatile uint64_t *)p;
	unsigned th = running, i;
	rl::timestamp_t clock;
	uint64_t v;
	int n;

	if (size < sizeof(*w))
		return *(volatile uint32_t *)p;
	clock = word_clock();
	n = slot_of(p, false);
	if (n < 0) {
		v = *w;
	} else {
		v = word_at(n).load((rl::memory_order)order, AT);
		back(th);
	}
	loaded(p, th, clock);
	i = number_of(p);
	if (i)
		world_loaded(i - 1, v, v == *w);
	return v;
}

void
model_store(
    volatile void *p, size_t size, uint64_t v, int order, MODEL_AT)
{
	volatile uint64_t *w = (volatile uint64_t *)p;
	unsigned th = running, i;
	rl::timestamp_t clock;
	uint64_t was;
	int n;

	if (size < sizeof(*w)) {
		*(volatile uint32_t *)p = (uint32_t)v;
		return;
	}
	clock = word_clock();
	n = slot_of(p, true);
	if (n >= 0) {
		word_at(n).store(v, (rl::memory_order)order, AT);
		back(th);
	}
	stored(p, th, clock);
	was = *w;
	*w = v;
	if (n >= 0)
		latest[n] = v;
	i = number_of(p);
	if (i)
		world_changed(i - 1, was, v);
}

uint64_t
model_rmw(
    volatile void *p, enum model_rmw how, uint64_t v, int order, MODEL_AT)
{
	volatile uint64_t *w = (volatile uint64_t *)p;
	rl::memory_order mo = (rl::memory_order)order;
	rl::timestamp_t clock = word_clock();
	int n = slot_of(p, true);
	unsigned th = running, i;
	uint64_t was;

	if (n >= 0) {
		if (how == MODEL_SWAP)
			word_at(n).exchange(v, mo, AT);
		else if (how == MODEL_ADD)
			word_at(n).fetch_add(v, mo, AT);
		else
			word_at(n).fetch_and(v, mo, AT);
		back(th);
	}
	stored(p, th, clock);
	was = *w;
	*w = how == MODEL_SWAP ? v : how == MODEL_ADD ? was + v : (was & v);
	if (n >= 0)
		latest[n] = *w;
	i = number_of(p);
	if (i)
		world_changed(i - 1, was, *w);
	return was;
}

bool
model_cas(volatile void *p, void *old_, uint64_t next, int order, int fail,
    MODEL_AT)
{
	volatile uint64_t *w = (volatile uint64_t *)p;
	uint64_t *old = (uint64_t *)old_, was;
	rl::memory_order mo = (rl::memory_order)order;
	rl::memory_order fo = (rl::memory_order)fail;
	rl::timestamp_t clock = word_clock();
	int n = slot_of(p, true);
	unsigned th = running, i = number_of(p);
	bool done;

	if (n < 0) {
		was = *w;
		done = was == *old;
	} else {
		was = *old;
		done = model_weak
		    ? word_at(n).compare_exchange_weak(was, next, mo, AT, fo, AT)
		    : word_at(n).compare_exchange_strong(
			  was, next, mo, AT, fo, AT);
		/* relacy takes a failure after `release` for relaxed. */
		if (!done && mo == rl::mo_release && fo == rl::mo_acquire)
			rl::atomic_thread_fence(rl::mo_acquire, AT);
		back(th);
	}
	if (!done) {
		loaded(p, th, clock);
		*old = was;
		if (i)
			world_loaded(i - 1, was, true);
		return false;
	}
	stored(p, th, clock);
	*w = next;
	if (n >= 0)
		latest[n] = next;
	if (i)
		world_changed(i - 1, was, next);
	return true;
}

int
model_lock(void *m, MODEL_AT)
{
	int n = slot_of(m, true, true);
	unsigned th = running;

	if (n >= 0) {
		mutex_at(n).lock(AT);
		held[th][holds[th]++] = n;
		back(th);
	}
	return 0;
}

int
model_trylock(void *m, MODEL_AT)
{
	int n = slot_of(m, true, true);
	unsigned th = running;

	if (n >= 0) {
		bool got = mutex_at(n).try_lock(AT);

		if (got)
			held[th][holds[th]++] = n;
		back(th);
		return got ? 0 : 16; /* EBUSY */
	}
	return 0;
}

int
model_unlock(void *m, MODEL_AT)
{
	int n = slot_of(m, true, true);
	unsigned th = running;
	int i;

	if (n >= 0) {
		for (i = 0; held[th][i] != n; i++)
			;
		for (holds[th]--; i < holds[th]; i++)
			held[th][i] = held[th][i + 1];
		mutex_at(n).unlock(AT);
		back(th);
	}
	return 0;
}

int
model_nap(const struct timespec *, struct timespec *)
{
	unsigned th = running;

	if (live) {
		rl::yield(1, $);
		back(th);
	}
	return 0;
}

unsigned
model_thread(void)
{
	return running;
}

unsigned
model_rand(unsigned n)
{
	return rl::rand(n);
}

void
model_abandon(void)
{
	over = true;
}

void
model_fail(const char *what, MODEL_AT)
{
	rl::context &c = rl::ctx();

	c.fail_test(what, rl::test_result_user_assert_failed, AT);
}

/*
 * Plain memory.
 */

static inline void
plain_read(const volatile void *p)
{
	size_t i = index_of(p);
	unsigned th = running;

	if (!live || i >= WORDS)
		return;
	struct granule &g = fresh(i);
	rl::thread_info_base &t = clock_of(th);

	if (g.read[th] == t.own_acq_rel_order_)
		return;
	if (g.wrote && g.writer != th &&
	    t.acq_rel_order_[g.writer] < g.write)
		race(i, "read");
	if (g.store && g.storer != th && t.acq_rel_order_[g.storer] < g.store)
		race(i, "plain read after a word was stored");
	g.read[th] = t.own_acq_rel_order_;
}

static inline void
plain_write(const volatile void *p)
{
	size_t i = index_of(p);
	unsigned th = running;

	if (!live || i >= WORDS)
		return;
	struct granule &g = fresh(i);
	rl::thread_info_base &t = clock_of(th);

	if (g.wrote && g.writer == th && g.write == t.own_acq_rel_order_)
		return;
	if (g.wrote && g.writer != th &&
	    t.acq_rel_order_[g.writer] < g.write)
		race(i, "write after write");
	if (g.store && g.storer != th && t.acq_rel_order_[g.storer] < g.store)
		race(i, "plain write after a word was stored");
	for (unsigned k = 0; k < threads_; k++)
		if (k == th)
			continue;
		else if (g.read[k] && t.acq_rel_order_[k] < g.read[k])
			race(i, "write after read");
		else if (g.load[k] && t.acq_rel_order_[k] < g.load[k])
			race(i, "plain write after a word was loaded");
	g.wrote = 1;
	g.plain |= mixes(i);
	g.writer = (uint8_t)th;
	g.write = t.own_acq_rel_order_;
}

void
model_read(const void *p)
{
	plain_read(p);
}

void
model_write(const void *p)
{
	plain_write(p);
}

/* What the compiler calls. */
#define PLAIN_ACCESS(size)                                                   \
	void __tsan_read##size(void *p) { plain_read(p); }                   \
	void __tsan_write##size(void *p) { plain_write(p); }                 \
	void __tsan_unaligned_read##size(void *p) { plain_read(p); }         \
	void __tsan_unaligned_write##size(void *p) { plain_write(p); }       \
	void __tsan_volatile_read##size(void *p) { plain_read(p); }          \
	void __tsan_volatile_write##size(void *p) { plain_write(p); }        \
	void __tsan_read_write##size(void *p) { plain_write(p); }            \
	void __tsan_unaligned_read_write##size(void *p) { plain_write(p); }
PLAIN_ACCESS(1)
PLAIN_ACCESS(2)
PLAIN_ACCESS(4)
PLAIN_ACCESS(8)
void
__tsan_read16(void *p)
{
	plain_read(p);
	plain_read((char *)p + 8);
}
void
__tsan_write16(void *p)
{
	plain_write(p);
	plain_write((char *)p + 8);
}
void
__tsan_read_range(void *p, size_t n)
{
	for (size_t i = 0; i < n; i += 8)
		plain_read((char *)p + i);
}
void
__tsan_write_range(void *p, size_t n)
{
	for (size_t i = 0; i < n; i += 8)
		plain_write((char *)p + i);
}
/* Of api/rota/inline.h: figures. */
void
__tsan_atomic64_store(void *p, uint64_t v, int)
{
	*(uint64_t *)p = v;
}
uint64_t
__tsan_atomic64_load(void *p, int)
{
	return *(uint64_t *)p;
}
void *
__tsan_memcpy(void *to, const void *from, size_t n)
{
	__tsan_read_range((void *)from, n);
	__tsan_write_range(to, n);
	return memcpy(to, from, n);
}
void *
__tsan_memmove(void *to, const void *from, size_t n)
{
	__tsan_read_range((void *)from, n);
	__tsan_write_range(to, n);
	return memmove(to, from, n);
}
void *
__tsan_memset(void *to, int c, size_t n)
{
	__tsan_write_range(to, n);
	return memset(to, c, n);
}
void __tsan_init(void) { }
void __tsan_func_entry(void *) { }
void __tsan_func_exit(void) { }

/*
 * The arena.
 */

void *
model_alloc(size_t size, size_t align)
{
	void *p;

	used = (used + align - 1) & ~(align - 1);
	p = arena + used;
	used += (size + 7) & ~(size_t)7;
	if (used > ARENA) {
		fprintf(stderr, "the arena is too small\n");
		abort();
	}
	return p;
}

void
model_forget(void)
{
	memset(arena, 0, used);
	used = 0;
	for (unsigned i = 0; i < WORDS; i++) {
		slot[i] = PLAIN;
		told[i] = 0;
	}
	watches = 0;
}

void
model_keep(void)
{
	memcpy(image, arena, used);
	kept = used;
}

void
model_figure(const void *p, size_t size)
{
	for (size_t i = 0; i < size; i += 8)
		slot[index_of((const char *)p + i)] = FIGURE;
}

static void
watch(size_t i, bool mutex)
{
	if (watches == WATCHED)
		abort();
	mutex_[watches] = mutex;
	watched[watches] = (uint32_t)i;
	slot[i] = (int16_t)watches++;
}

void
model_watch(const void *p)
{
	watch(index_of(p), false);
}

void
model_tell(const void *p, unsigned n)
{
	told[index_of(p)] = (int8_t)(n + 1);
}
}

/*
 * An execution.
 */

template <typename T>
static void
destroy(T &x)
{
	x.~T();
}

template <int N> struct world : rl::test_suite<world<N>, N> {
	void
	before()
	{
		memcpy(arena, image, kept);
		memset(arena + kept, 0, used - kept);
		used = kept;
		execution++;
		for (unsigned n = 0; n < watches; n++) {
			uint64_t *w = (uint64_t *)(void *)arena + watched[n];

			latest[n] = *w;
			if (mutex_[n])
				::new ((void *)&mutexes[n]) mutex();
			else
				::new ((void *)&words[n]) word(*w);
		}
		for (unsigned th = 0; th < N; th++) {
			holds[th] = 0;
			clean[th] = true;
		}
		over = false;
		world_begin(N);
		running = 0;
		world_switch(THREADS, 0);
		live = true;
	}

	void
	thread(unsigned th)
	{
		if (!setjmp(leave[th])) {
			back(th);
			world_run(th);
		}
	}

	void
	after()
	{
		live = false;
		world_switch(running, THREADS);
		if (!over)
			world_end();
		for (unsigned n = 0; n < watches; n++)
			if (mutex_[n])
				destroy(mutex_at(n));
			else
				destroy(word_at(n));
	}
};

template <int N>
static unsigned long long
search(const char *name, rl::test_params p)
{
	for (;;) {
		rl::ostringstream out;
		std::ostream nowhere(NULL);
		rl::test_params q = p;

		q.output_stream = &out;
		q.progress_stream = &nowhere;
		wanted = 0;
		live = false;
		threads_ = N;
		if (rl::simulate<world<N> >(q))
			return q.stop_iteration;
		live = false;
		if (wanted) {
			watch(wanted - 1, wants_mutex);
			if (getenv("RELACY_WATCHES"))
				fprintf(stderr, "%s: watch %s\n", name,
				    world_where(arena + (wanted - 1) * 8));
			continue;
		}
		printf("FAILED: %s\n", name);
		/* Once is enough: after this it comes by thread. */
		printf("%s\n", out.str().substr(0,
		    out.str().find("\nthread 0:")).c_str());
		exit(1);
	}
}

unsigned long long
model_search(const char *name, unsigned threads, enum model_search how,
    unsigned bound, unsigned long long executions)
{
	rl::test_params p;

	p.search_type = how == MODEL_FULL ? rl::sched_full
	    : how == MODEL_BOUND	  ? rl::sched_bound
					  : rl::sched_random;
	p.context_bound = bound;
	p.iteration_count = executions;
	return threads == 2 ? search<2>(name, p) : search<3>(name, p);
}
