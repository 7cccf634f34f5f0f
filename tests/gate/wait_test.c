/* SPDX-License-Identifier: MIT
 *
 * wait_test.c - a thread that waits until an instant, and is woken just when
 * that comes.
 * Claims: the wait ends once the callback of its timer has let go of it.
 */
#include <pthread.h>
#include <semaphore.h>

#include "api/wait/wait.h"
#include "tests/gate/acts.h"

int __real_pthread_cond_wait(pthread_cond_t *c, pthread_mutex_t *m);
int __wrap_pthread_cond_wait(pthread_cond_t *c, pthread_mutex_t *m);

static sem_t sleeps; /* the waiter is about to, or it has returned */

int
__wrap_pthread_cond_wait(pthread_cond_t *c, pthread_mutex_t *m)
{
	sem_post(&sleeps);
	return __real_pthread_cond_wait(c, m);
}

static struct waiting {
	struct world *w;
	struct waiter waiter;
	rota_word over;
} waiting;

static void *
waits(void *arg)
{
	struct waiting *a = arg;
	int r = rota__waiter_init(
	    &a->waiter, rota__wait_layer(a->w->engine), __func__);

	if (!r)
		r = rota__waiter_wait(&a->waiter, TICK, __func__);
	word_store(&a->over, (uint64_t)(1 + !r), release);
	sem_post(&sleeps);
	return NULL;
}

/* It is claimed and woken when the timer's callback has begun, and does not
 * have the waiter yet. */
static void
a_wait_ends_behind_the_callback_of_its_timer(void **state)
{
	struct world *w = *state;
	struct act owner = { .shard = w->shard, .when = TICK };
	struct gated *o;
	pthread_t thread;

	waiting = (struct waiting){ .w = w };
	sem_init(&sleeps, 0, 0);
	assert_int_equal(rota_shard_detach(w->shard), 0);
	assert_int_equal(pthread_create(&thread, NULL, waits, &waiting), 0);
	sem_wait(&sleeps);
	o = gate_open(act_poll, &owner);
	assert_true(gate_to(o, &waiting.waiter.own, ATOMIC_LOCK, 1));
	assert_true(rota__waiter_claim(&waiting.waiter, WAIT_SELF));
	rota__waiter_wake(&waiting.waiter);
	sem_wait(&sleeps); /* once more */
	assert_int_equal(word_load(&waiting.over, acquire), 0);
	gate_end(o);
	pthread_join(thread, NULL);
	assert_int_equal(waiting.over, 2);
	assert_int_equal(waiting.waiter.taken, WAIT_SELF);
	rota__waiter_destroy(&waiting.waiter);
	assert_int_equal(rota_shard_attach(w->shard), 0);
}

int
main(void)
{
	static const struct CMUnitTest tests[] = {
		EVERY(a_wait_ends_behind_the_callback_of_its_timer),
	};

	return cmocka_run_group_tests_name("gate_wait", tests, NULL, NULL);
}
