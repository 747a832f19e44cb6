/* A plan's operations as program.ts writes them, and where one stands in the current step. */

#include <stdatomic.h>
#include <stdint.h>

typedef void (*kernel)(const void *args, uint32_t first, uint32_t last);

/* Factors of a grid that depend on the step; all others are multiplied into `fixed`. */
enum { STEP_FACTORS = 4 };

/* Parts of the work between two barriers: bits of a mask. */
enum { MAX_PARTS = 32 };

/* What happens before the next operation starts. */
enum {
  NO_BARRIER,
  FULL_BARRIER, /* all items up to here finish */
  PARTS_BARRIER, /* of each of its items, those up to here finish that belong to the same parts */
};

/*
 * How items are divided among parts: the grid has `n_places` places, each of `inner` items in a row, and the
 * places of a turn come again and again.
 */
struct parts {
  uint32_t places[MAX_PARTS]; /* of a turn, that belong to each part */
  uint32_t masks[];           /* u32 [n_places]: the parts of each place */
};

/* One operation of a plan. Written by program.ts: the layouts must agree. */
struct op {
  uint64_t function; /* address of a kernel */
  uint64_t args;     /* byte offset of its argument struct */
  uint32_t fixed;    /* product of the factors known when the plan was made */
  uint32_t barrier;  /* one of the above */
  uint32_t n_factors;
  uint32_t n_inner; /* those of them, the last ones, that are multiplied into the items of a place */
  struct {
    uint32_t field; /* index into the step header */
    uint32_t per;   /* the factor is ceil(step[field] / per) */
  } factor[STEP_FACTORS];
  uint64_t parts;    /* byte offset of a struct parts behind the arguments */
  uint32_t n_places; /* 0: no barrier of parts is beside it */
  uint32_t inner;    /* as `fixed`, of the items of a place */
};
_Static_assert(sizeof(struct op) == 80, "program.ts writes 80 bytes an operation");

/*
 * Where one operation stands in the current step. Operations up to a full barrier are a group, those of it up to a
 * barrier of parts a level.
 */
struct progress {
  uint32_t items;
  _Atomic uint32_t finished; /* in the group's first operation: finished items of the whole group */
  uint32_t expected;         /* in the group's first operation: items of the whole group */
  uint32_t inner;            /* items of a place */
  const struct progress *level, *before; /* the first operation of its level, and of the one before; NULL: none */
  /* In the level's first operation: items of each part up to the level's end … */
  uint32_t ends[MAX_PARTS];
  /* … and in the group's: those of them that are finished. */
  _Atomic uint32_t done[MAX_PARTS];
};
