/* SPDX-License-Identifier: MIT
 *
 * relacy_world.h - a scenario: how it begins, and for each thread a few calls
 * of the library.
 */
#ifndef ROTA_TESTS_MODEL_RELACY_WORLD_H
#define ROTA_TESTS_MODEL_RELACY_WORLD_H

#include "tests/model/relacy_model.h"

enum { TIMERS = 2, SHARDS = 2, OPS = 4 };
enum { SAME = 0 };     /* to the deadline that the timer began with */
enum { ONE_STEP = 1 }; /* the budget of an ATTACH; 0: as many as it takes */

/* What a thread does. The owner's is of shard 0, or of shard 1. */
enum code {
	NONE,
	RESET,
	PUSH, /* RESET, if it is armed */
	STOP,
	SYNC, /* stop, and wait for the callback; with REUSE of the later one */
	RELEASE,
	DRAIN, /* a poll at the instant of the latest: nothing is due */
	FIRE,  /* a poll at NOW */
	FRESH, /* the same; the callback of timer 1 arms timer 0 */
	REARM, /* the same; the callback arms its timer again */
	FREE,  /* the same; the callback releases its timer */
	REUSE, /* the same; and then initialises and arms another there */
	BATCH, /* the same; handed out, not called */
	SWEEP,
	PARK,
	RETIRE, /* shard 0, to shard 1 */
	MOVE,   /* the timer, to a kind of shard 1 */
	ATTACH, /* FIRE, by whoever finds no owner attached; and detach */
	WALK,   /* rota_shard_each(), by whoever finds no owner; and detach */
	INIT,   /* another timer */
	ROOM,   /* another timer, if there is room, and release it */
	AFTER,  /* arm a pooled timer, and publish its handle */
	H_INIT, /* another kept one, its handle handed on without order */
	H_STOP, /* by handle: timer 0 is the one of the beginning, 1 that of AFTER,
		 * or H_INIT */
	H_PUSH,
	H_LOOK,
	H_RELEASE,
	LOOK, /* read plain memory that nothing hands over */
	TOUCH /* read and write it */
};

enum role { FAR_, OWNER, HEIR_, ADOPTER };

struct operation {
	enum code code;
	enum role role;
	unsigned timer;
	uint64_t when;
};

/* How a timer begins. */
enum begins {
	IDLE,
	FILED,
	FILED_FOR_LATER, /* its entry is earlier than its deadline */
	STOPPED,         /* and its entry still there */
	POSTED,          /* on the inbox */
	POSTED_STOPPED,
	BOTH, /* it has an entry, and is on the inbox for earlier */
	BOTH_STOPPED,
	BEGINNINGS
};
extern const char *const begins_name[BEGINNINGS];

struct scenario {
	unsigned timers;
	enum begins begin[TIMERS];
	struct operation op[THREADS][OPS];
	/* Random: each thread chooses among these, OPS times. */
	const struct operation *menu[THREADS];
	unsigned menus[THREADS];
	bool fresh; /* FRESH occurs: timer 1 is due, and first */
	bool heir;  /* there is a shard 1 */
	bool moves; /* MOVE occurs: a timer's kind is no figure */
	bool stop_calls;
	bool mutex;    /* the users hold one where they call, or move */
	bool adopts;   /* an adopter occurs */
	bool attaches; /* ATTACH or WALK occurs: no owner at first */
	bool stops;    /* the count of stops is no figure */
	bool rooms;    /* nor is the count of timers */
	bool reuses;   /* REUSE occurs */
	bool pooled;   /* there is a pooled timer, filed for 20 */
	bool kept;     /* which is one of rota_handle_init() */
	bool loose;    /* H_INIT occurs: a handle is of no order */
	bool full;     /* there is room for no more than begins */
	bool ranks;    /* if both timers fire, timer 1 does first */
	bool aged;     /* timer 1 was armed first, both many armings ago */
	bool chained;  /* `released` of timer 0 releases timer 1 */
};

extern struct scenario scene;
extern unsigned long long waited; /* releases that had to wait for a callback */

void world_set_up(void);

#endif
