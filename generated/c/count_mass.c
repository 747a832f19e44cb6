/*
 * Lowers a KV head's count to the fewest of the highest candidates whose scores sum to a share of all, and at
 * least to what it keeps in any case. A score's mass is a whole number, 24 bits of it at the largest score's
 * exponent, so the order of sums changes nothing; scores of 0 and below have none.
 *
 * Generated from kernels/ops/count_mass.ts by `deno task gen`. Do not edit.
 */
#include "kerf.h"

struct args {
  const float *candidate_scores; /* f32 [nLists, max_rows] */
  uint32_t *cuts; /* u32 [nLayers, nKvHeads, 4] */
  uint32_t layer;
  uint32_t n_kv_heads;
  uint32_t first_list; /* the list of KV head 0 */
  uint32_t mass; /* the share that is enough, in 2⁻²⁰ */
  uint32_t takes_ties; /* all that equal the lowest which stays do too */
  uint32_t least; /* what a head keeps in any case */
  uint32_t multiple; /* what counts are rounded up to */
  uint32_t protect_first;
  uint32_t protect_last;
  uint32_t max_rows; /* scores of a list */
};
_Static_assert(offsetof(struct args, candidate_scores) == 0, "candidate_scores");
_Static_assert(offsetof(struct args, cuts) == 8, "cuts");
_Static_assert(offsetof(struct args, layer) == 16, "layer");
_Static_assert(offsetof(struct args, n_kv_heads) == 20, "n_kv_heads");
_Static_assert(offsetof(struct args, first_list) == 24, "first_list");
_Static_assert(offsetof(struct args, mass) == 28, "mass");
_Static_assert(offsetof(struct args, takes_ties) == 32, "takes_ties");
_Static_assert(offsetof(struct args, least) == 36, "least");
_Static_assert(offsetof(struct args, multiple) == 40, "multiple");
_Static_assert(offsetof(struct args, protect_first) == 44, "protect_first");
_Static_assert(offsetof(struct args, protect_last) == 48, "protect_last");
_Static_assert(offsetof(struct args, max_rows) == 52, "max_rows");

/* A number that orders as the score does: no number is the lowest, and the zeros are one. */
static uint32_t order_of(float score)
{
  uint32_t bits;
  if (score != score) return 0;
  if (score == 0.0f) score = 0.0f;
  memcpy(&bits, &score, sizeof bits);
  return bits & 0x80000000u ? ~bits : bits | 0x80000000u;
}

/* The rows of one KV head that may go: `begin` … `end` − 1. */
struct candidates {
  const float *scores;
  uint32_t begin, end;
};

static struct candidates candidates_of(const struct args *args, uint32_t kv_head, uint32_t n_rows)
{
  const struct candidates found = {
    .scores = args->candidate_scores + (size_t)(args->first_list + kv_head) * args->max_rows,
    .begin = args->protect_first,
    .end = n_rows - args->protect_last,
  };
  return found;
}

/* What a score of an order weighs, in units of the largest one's exponent: none where it is not above 0. */
static uint32_t mass_of(uint32_t order, uint32_t largest)
{
  const uint32_t normal = 0x80800000u;
  if (order < normal) return 0;
  const uint32_t shift = (largest >> 23) - (order >> 23);
  return shift < 24 ? ((order & 0x7fffff) | 0x800000) >> shift : 0;
}

/*
 * How many of the highest scores hold the share `mass` of all: the lowest of them is found byte by byte, and
 * what the higher ones hold is no longer missing.
 */
static uint32_t count_of(const struct args *args, struct candidates of)
{
  uint32_t largest = 0;
  for (uint32_t row = of.begin; row < of.end; row++) {
    const uint32_t own = order_of(of.scores[row]);
    largest = own > largest ? own : largest;
  }
  uint64_t total = 0;
  for (uint32_t row = of.begin; row < of.end; row++)
    total += mass_of(order_of(of.scores[row]), largest);
  uint64_t missing = (total * args->mass + 0xfffff) >> 20;
  if (missing == 0) return 0;

  uint32_t n = 0, n_ties = 0, order = 0, known = 0;
  for (int32_t shift = 24; shift >= 0; shift -= 8) {
    uint32_t counts[256] = {0};
    uint64_t masses[256] = {0};
    for (uint32_t row = of.begin; row < of.end; row++) {
      const uint32_t own = order_of(of.scores[row]);
      if ((own & known) != order) continue;
      counts[own >> shift & 0xff]++;
      masses[own >> shift & 0xff] += mass_of(own, largest);
    }
    uint32_t byte = 255;
    for (; masses[byte] < missing; byte--) {
      n += counts[byte];
      missing -= masses[byte];
    }
    n_ties = counts[byte];
    order |= byte << shift;
    known |= 0xffu << shift;
  }
  if (args->takes_ties) return n + n_ties;
  const uint32_t each = mass_of(order, largest);
  return n + (uint32_t)((missing + each - 1) / each);
}

/* One item: one KV head, whose count becomes no larger than it was. */
static void count_mass(const struct args *restrict args, uint32_t first, uint32_t last)
{
  for (uint32_t kv_head = first; kv_head < last; kv_head++) {
    uint32_t *cut = args->cuts + 4 * ((size_t)args->layer * args->n_kv_heads + kv_head);
    const uint32_t n_rows = cut[1], n_protected = args->protect_first + args->protect_last;
    if (n_rows <= n_protected) continue;

    uint32_t n = n_protected + count_of(args, candidates_of(args, kv_head, n_rows));
    if (n < args->least) n = args->least;
    n = (n + args->multiple - 1) / args->multiple * args->multiple;
    if (n < cut[2]) cut[2] = n;
  }
}

KERF_EXPORT uint64_t count_mass_address(void);
uint64_t count_mass_address(void)
{
  return (uint64_t)(uintptr_t)count_mass;
}
