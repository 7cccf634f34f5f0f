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

		if (!r->rival->rota || r->control || r->rival->safe != shared ||
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

struct ratio
field_ratio(const struct field *f, unsigned of, unsigned to, unsigned work,
    unsigned size)
{
	return ratio_paired(
	    &f->cell[of][work][size].paired, &f->cell[to][work][size].paired);
}

struct ratio
field_control(
    const struct field *f, const struct entry *e, unsigned work, unsigned size)
{
	bool shared = field_shared(f, e, work);

	for (unsigned i = 0; i < f->entries; i++) {
		const struct entry *r = &f->entry[i];
		int to;

		if (!r->control || r->rival->safe != shared)
			continue;
		to = field_rota(f, e, work, size, r->variant);
		if (to >= 0)
			return field_ratio(f, i, (unsigned)to, work, size);
	}
	return ratio_paired(&(struct series){ 0 }, &(struct series){ 0 });
}

void
field_round(struct field *f, unsigned work, unsigned size)
{
	unsigned rounds = 0;

	for (unsigned i = 0; i < f->entries; i++)
		if (f->cell[i][work][size].paired.n > rounds)
			rounds = f->cell[i][work][size].paired.n;
	for (unsigned i = 0; i < f->entries; i++)
		while (f->cell[i][work][size].paired.n < rounds)
			series_insert(&f->cell[i][work][size].paired, 0);
}
