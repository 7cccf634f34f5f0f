/* SPDX-License-Identifier: MIT
 *
 * rota/context.h - deadlines and cancellation for a piece of work and all that
 * it starts: Go's context, without the values.
 *
 * A context is done once: cancelled, past its deadline, or because its parent
 * is done. Work that takes a context checks it, waits for it, or selects on it.
 *
 * A deadline counts from its instant on, even if no thread has polled since.
 * Each call on a context, or on one below it, compares the deadline with the
 * clock. The first that finds it over, if its timer has not fired yet, ends the
 * context whose deadline it is, with all below, as a cancel would, and only
 * then answers. So one answer holds from then on, for all threads, and a child
 * agrees with its parent. A deadline that nobody has noticed yet, neither a
 * poll nor a call, does not count against a cancel of a parent further up.
 *
 *	rota_context_with_timeout(&c, e, request, 2 * ROTA_SECOND);
 *	if (rota_sleep(e, backoff, c) < 0)
 *		...		    the request is over
 *	rota_context_cancel(c, 0);
 *	rota_context_unref(c);
 *
 * Threads  any; for calls that wait as in rota/channel.h.
 * Memory   counted references. A child keeps its parent, so the order in which
 *          they are given back does not matter: a parent whose user has dropped
 *          it still ends its children at its deadline. Give all contexts back
 *          before their engine ends. The child of a fork cannot use contexts,
 *          channels or executors.
 * Errors   0 or more is an answer, less than 0 is -errno. -EINVAL: NULL.
 * Source   Go's package context.
 */
#ifndef ROTA_CONTEXT_H
#define ROTA_CONTEXT_H

#include <rota/handle.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

struct rota_context;

/* rota_context_create - a context that is done when rota_context_cancel() ends
 * it, or when its @parent is done; @parent NULL: the background, which never
 * ends. Go's WithCancel; its WithoutCancel is the background as a parent.
 * rota_context_with_deadline - done also at the instant @when, if the parent
 * does not end before. An instant that has passed: done at once. Before 0 is 0.
 * rota_context_with_timeout - the same @span from now.
 * _with_deadline_cause, _with_timeout_cause - @cause is what
 * rota_context_cause() answers if that instant ends the context: any number but
 * 0, which stands for -ETIME. If a parent's deadline comes first the cause is
 * the parent's; else it is @cause, however late both are noticed.
 *
 * Owns     *@c: one reference, yours. Cancel the context before you drop the
 *          reference: else a thread that waits for it may wait for ever.
 * Returns  0; -EINVAL @c or @e NULL, the parent is another engine's; -ENOMEM,
 *          -ENOSPC.
 * Cost     an allocation, and for a deadline of its own a timer. The deadline
 *          ends all contexts below at once: a thread that checks one of them
 *          finds it done. The poll then wakes threads that wait, shows
 *          descriptors and stops timers in the order of the tree, some 1000
 *          contexts or 64 threads a poll (100 us), the rest in later polls; in
 *          a bubble (rota/bubble.h) all in one. A call that finds the deadline
 *          over before a poll does all of that at once: rota_context_cancel().
 */
#define rota_context_create(c, e, parent) \
	rota_context_create_site((c), (e), (parent), ROTA_NEVER, 0, ROTA_HERE)
#define rota_context_with_deadline(c, e, parent, when) \
	rota_context_create_site((c), (e), (parent), (when), 0, ROTA_HERE)
#define rota_context_with_timeout(c, e, parent, span) \
	rota_context_timeout_site((c), (e), (parent), (span), 0, ROTA_HERE)
#define rota_context_with_deadline_cause(c, e, parent, when, cause) \
	rota_context_create_site((c), (e), (parent), (when), (cause), ROTA_HERE)
#define rota_context_with_timeout_cause(c, e, parent, span, cause) \
	rota_context_timeout_site(                                 \
	    (c), (e), (parent), (span), (cause), ROTA_HERE)
int rota_context_create_site(struct rota_context **c, struct rota_engine *e,
    struct rota_context *parent, rota_time when, int cause, const char *site);
int rota_context_timeout_site(struct rota_context **c, struct rota_engine *e,
    struct rota_context *parent, rota_span span, int cause, const char *site);

/* rota_context_after_func - run @fn(@arg) once, when @parent is done, on the
 * thread that owns a shard; if @parent is done already, in that shard's next
 * poll. Go's AfterFunc.
 *
 * @fn must not wait, like every function of rota/handle.h; to have work done on
 * an executor's worker let @fn call rota_executor_after_func().
 * Owns     *@c: a context below @parent, one reference of it yours. To cancel
 *          it is Go's stop: 1, @fn does not run; 0, @fn has begun, is about to,
 *          or was prevented before. To give the reference back changes nothing.
 *          @c NULL: nobody will stop @fn.
 * Returns  0; -EINVAL @parent, @fn NULL; -ENOMEM, -ENOSPC.
 * Cost     as a context with a deadline, whose timer is not armed.
 */
#define rota_context_after_func(c, parent, fn, arg) \
	rota_context_after_func_site((c), (parent), (fn), (arg), ROTA_HERE)
int rota_context_after_func_site(struct rota_context **c,
    struct rota_context *parent, rota_func *fn, void *arg, const char *site);

/* rota_context_ref - take another reference and return @c; rota_context_unref -
 * drop one. NULL: nothing. */
struct rota_context *rota_context_ref(struct rota_context *c);
void rota_context_unref(struct rota_context *c);

/* rota_context_cancel - end @c and all its children; its timer is given back.
 *
 * @cause is what rota_context_cause() will answer: any number but 0, which
 * stands for -ECANCELED.
 * Returns  1 this call ended @c; 0 @c was done before, by its deadline too.
 * Orders   a thread that finds @c done sees what you wrote before.
 * Cost     wakes all threads that wait for @c or its children, before it
 *          returns, some 100 ns for each context.
 */
int rota_context_cancel(struct rota_context *c, int cause);

/* rota_context_err - 0 while @c goes on; -ECANCELED; -ETIME past its deadline.
 * A child is done when its parent is, and answers what ended that parent, or a
 * parent further up; of several deadlines it answers the cause of the earliest.
 * No lock, two loads; while @c has a deadline and goes on, also a clock read of
 * some 20 ns; in the call that finds the deadline over before its timer fires,
 * what a cancel costs. While an end makes its way through the tree: one more
 * load for each parent up to the first that is done, some 30 ns if it is cold:
 * 33 ms below a million. The parents on the way keep the answer too. A context
 * outside of the part that ends, with nothing done above it, checks all of its
 * parents each time; rota_context_wait(), _fd() and _report() do so under a
 * lock. */
int rota_context_err(struct rota_context *c);
/* rota_context_cause - 0 while @c goes on; the cause with which @c, or the
 * parent that ended it, was cancelled; the cause of the deadline. */
int rota_context_cause(struct rota_context *c);
/* rota_context_deadline - the earliest deadline of @c and its parents;
 * ROTA_NEVER: there is none. */
rota_time rota_context_deadline(struct rota_context *c);

/* rota_context_wait - sleep until @c is done, until @until at most.
 * Returns 0 it is done; else as rota_channel_receive_until(). */
int rota_context_wait(struct rota_context *c, rota_time until);

/* rota_context_fd - a descriptor that poll(2) finds readable once @c is done,
 * and from then on. A deadline shows in a poll or once a call finds it over; if
 * it ends many contexts, perhaps some polls later. The context owns the
 * descriptor.
 * Returns the descriptor; -EMFILE, -ENFILE. */
int rota_context_fd(struct rota_context *c);

/* Reports a context that is not done. @dropped: its users have given it back,
 * but its children keep it. */
typedef void rota_context_fn(
    void *arg, const char *site, rota_time deadline, int dropped);

/* rota_context_report - call @tell for each context of @e that is not done.
 * Under a lock: @tell may call nothing of this file.
 * Returns how many; -EINVAL. The engine's end reports each to its log, and in
 * one line how many channels, contexts and executors were not given back. */
long rota_context_report(
    struct rota_engine *e, rota_context_fn *tell, void *arg);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
