/* SPDX-License-Identifier: MIT
 *
 * field.c - who is compared with whom.
 */
#include "bench/peers/field.h"

#include <string.h>

bool
field_two_threads(const struct field *f, unsigned work)
{
	return strcmp(f->work[work], "own") == 0 ||
	    strcmp(f->work[work], "cross") == 0 ||
	    strcmp(f->work[work], "remote") == 0;
}

/* A rival that is safe for threads pays for it in every work; one that is
 * not has a mutex around it where two share it. */
bool
field_shared(const struct field *f, const struct entry *e, unsigned work)
{
	return e->rival->safe ||
	    (field_two_threads(f, work) && strcmp(f->work[work], "own") != 0);
}

double
field_ns(const struct field *f, unsigned entry, unsigned work, unsigned size)
{
	return series_median(&f->cell[entry][work][size].ns);
}

int
field_rota(const struct field *f, const struct entry *e, unsigned work,
    unsigned size, const char *backend)
{
	bool shared = field_shared(f, e, work);
	int best = -1;

	for (unsigned i = 0; i < f->entries; i++) {
		const struct entry *r = &f->entry[i];

		if (!r->rival->rota || r->rival->safe != shared ||
		    !(backend ? strcmp(r->variant, backend) == 0
			      : strcmp(r->variant, "coarse") != 0) ||
		    !f->cell[i][work][size].ns.n)
			continue;
		if (best < 0 ||
		    field_ns(f, i, work, size) <
			field_ns(f, (unsigned)best, work, size))
			best = (int)i;
	}
	return best;
}
