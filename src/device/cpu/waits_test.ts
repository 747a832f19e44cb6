/**
 * What a step's items wait for, without a race: the runtime walks on one thread and writes down each wait, kernels
 * write down which items they are given. Waits that are wrong show here whatever else the machine does; that
 * threads keep to them is parts_test.ts's.
 */

import { assert, assertEquals } from "@std/assert";
import { join } from "@std/path";
import { compileC } from "../../build/mod.ts";
import { cacheDir } from "../../sys/cache_dir.ts";
import { findCompiler } from "../../sys/compiler.ts";
import { openLibrary } from "../../sys/library.ts";
import { compileKernels } from "./kernels.ts";
import type { CpuKernel } from "./kernels.ts";
import { CpuMemory } from "./memory.ts";
import { prepareProgram } from "./program.ts";
import { loadRuntime } from "./runtime.ts";
import { header, note } from "./toy_testing.ts";

const compiler = await findCompiler();
const dir = join(cacheDir(), "cpu");

/** The runtime, its waits noted as `note` notes items: (0, group, part or 32 for all of it, the count awaited). */
const TEXT = `#define wait_for wait_as_ever
#include "pool.h"
#undef wait_for
static uint32_t *notes;
static void wait_noted(struct pool *p, _Atomic uint32_t *word, enum until until, uint32_t value) {
  uint32_t group = (uint32_t)(((uintptr_t)word - (uintptr_t)p->progress) / sizeof *p->progress);
  struct progress *g = &p->progress[group];
  uint32_t *at = notes + 4 * ++notes[0];
  at[0] = 0, at[1] = group, at[2] = word == &g->finished ? MAX_PARTS : (uint32_t)(word - g->done);
  at[3] = value;
  wait_as_ever(p, word, until, value);
}
#define wait_for wait_noted
#include "runtime.c"
EXPORT void note_in(uint64_t log) { notes = (uint32_t *)(uintptr_t)log; }
`;

const SYMBOLS = {
  note_in: { parameters: ["u64"], result: "void" },
  kerf_pool_open: { parameters: ["u32"], result: "u64" },
  kerf_pool_close: { parameters: ["u64"], result: "void" },
  kerf_run: {
    parameters: ["u64", "buffer", "u32", "buffer", "buffer", "u32", "u64"],
    result: "i32",
  },
} as const;

const N_ROWS = 7;
const ALL = 32;

/** The part of each place of an operation; null: its items are of no part. */
const OPS: readonly (readonly number[] | null)[] = [
  [0, 1, 0],
  [2, 1, 0, 1],
  [1, 1, 2],
  null,
  [3, 0],
  [0, 3, 3],
];
/** Operations between two full barriers. */
const GROUPS = [[0, 1, 2], [3], [4, 5]];

/** What stood before an operation's items run: waits, in pairs of part and count. */
type Waits = Map<number, number>;

/** Runs all operations on one thread; what each call of a kernel was given, and the waits before it. */
async function walked() {
  const runtime = await loadRuntime({ compiler, dir });
  const file = "src/device/cpu/runtime/runtime.c";
  const noted = openLibrary(
    await compileC({ name: "runtime_noted", text: TEXT, file }, { compiler, dir }),
    SYMBOLS,
  );
  const memory = new CpuMemory(runtime);
  const [kernel] = await compileKernels([note], { compiler, dir, isa: "base" });
  const [log, step] = ["log", "step"].map((name) => memory.map(1 << 16, name, "memory"));
  const program = prepareProgram(
    OPS.map((of, op) => ({
      kernel: kernel!,
      label: `note ${op}`,
      buffers: { log: { buffer: log! } },
      constants: { n_parts: of?.length ?? 2, op },
      ...(of ? { parts: { along: "n_parts", of } } : {}),
    })),
    { memory, step: { buffer: step! }, isKernel: (k): k is CpuKernel => k === kernel },
  );
  noted.note_in(memory.address({ buffer: log! }));
  const pool = noted.kerf_pool_open(1);
  const [at, given] = [memory.address({ buffer: step! }), header(N_ROWS)];
  const { ops, args } = program;
  assertEquals(noted.kerf_run(pool, ops, OPS.length, args, given, given.length, at), 0);
  noted.kerf_pool_close(pool);
  const words = new Uint32Array(memory.read(log!, 0, 1 << 16).buffer);
  memory.freeAll();
  const calls: { op: number; first: number; last: number; waits: Waits }[] = [];
  let waits: Waits = new Map();
  for (let i = 1; i <= words[0]!; i++) {
    const [isCall, a, b, c] = words.subarray(4 * i, 4 * i + 4) as unknown as number[];
    if (isCall) calls.push({ op: a!, first: b!, last: c!, waits });
    if (isCall) waits = new Map();
    else waits.set(b!, c!);
  }
  return { calls, after: waits };
}

Deno.test("items wait for all items of their own parts before them, and for no others", async () => {
  const { calls, after } = await walked();
  const itemsOf = (op: number, part: number) =>
    N_ROWS * OPS[op]!.filter((own) => own === part).length;
  const seen = OPS.map(() => 0);
  for (const { op, first, last, waits } of calls) {
    assertEquals(first, seen[op], `operation ${op} does its items in order, each once`);
    seen[op] = last;
    const g = GROUPS.findIndex((group) => group.includes(op));
    const before = GROUPS[g]!.filter((other) => other < op);
    const want: Waits = new Map();
    if (before.length > 0) {
      for (let item = first; item < last; item++) {
        const part = OPS[op]![Math.floor(item / N_ROWS)]!;
        want.set(part, before.reduce((sum, other) => sum + itemsOf(other, part), 0));
      }
    } else if (g > 0 && first === 0) {
      const items = GROUPS[g - 1]!.map((other) => N_ROWS * (OPS[other]?.length ?? 2));
      want.set(ALL, items.reduce((a, b) => a + b));
    }
    assertEquals(waits, want, `operation ${op}, items ${first} to ${last}`);
  }
  assertEquals(seen, OPS.map((of) => N_ROWS * (of?.length ?? 2)));
  assert(after.has(ALL), "the step ends in a barrier");
});
