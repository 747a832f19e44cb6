import { assert, assertEquals } from "@std/assert";
import { pruning } from "../dsl/pruning.ts";
import { tokens } from "../dsl/tokens.ts";
import type { TokensSpec } from "../dsl/tokens.ts";
import type { KernelSource } from "../emit/types.ts";
import { emptyCache } from "./fresh_pages.ts";
import { compare } from "./compare.ts";
import type { RunNamed } from "./kernels.ts";
import { pruningProblem } from "./pruning_case.ts";
import type { TokenStage } from "./token_stage.ts";
import { selectRows } from "./select_rows_stage.ts";

const N_ROWS = 6;
const HEAD_DIM = 16;

/** A stage of two heads whose rows have the scores that a test gives. */
function stageOf(spec: Partial<TokensSpec> = {}): TokenStage {
  const definition = pruning({
    name: "by_score",
    steps: [tokens({ score: () => 0, group: "mean", keep: 3, ...spec })],
  });
  const source: KernelSource = { definition, funcs: {}, file: "x.ts", authored: [], doc: [] };
  const problem = pruningProblem(
    { variants: [source], append: source, attention: source },
    {
      types: { key: "f16", value: "f16" },
      shape: { group: 1, headDim: HEAD_DIM },
      ...{ cached: N_ROWS, nQuery: 1, params: "default", numbers: "plain", kept: "mixed" },
    },
    1,
  );
  const none = { compressed: [], channels: [] };
  const heads = [0, 1].map(() => ({ rows: N_ROWS, key: none, value: none }));
  const cache = emptyCache(problem.layout, { headDim: HEAD_DIM, perSegment: 1 });
  const positions = Array.from({ length: N_ROWS }, (_, row) => row);
  return {
    ...{ problem, tokens: problem.tokens!, ring: null },
    ...{ cache, maxRows: N_ROWS, nTiles: 1 },
    state: { cache, heads, nTokens: N_ROWS, headDim: HEAD_DIM },
    heads: heads.map(() => ({ keys: [], values: [], positions })),
    // Two fifths of a head, all but one of the other.
    candidates: [2, N_ROWS - 1].map((keep) => ({
      ...{ from: 0, scored: N_ROWS, rows: N_ROWS, listed: 0, keep },
    })),
  };
}

/** Scores as two KV heads have them, the same in both. */
const scoresOf = (own: readonly number[], want = own) => ({
  perQueryHead: false,
  buffer: Float32Array.from([...own, ...own]),
  want: [Float64Array.from(want), Float64Array.from(want)],
  measurements: [],
});

/** Kernels that do what is declared, but that `choose` says which of two candidates comes first. */
function kernels(choose: (a: number, b: number, scores: Float32Array) => number): RunNamed {
  return (name, pool) => {
    // deno-lint-ignore no-explicit-any -- buffers of the kernels that this test stands in for
    const buffers = pool.buffers as any;
    if (name === "pool_scores") {
      return Promise.resolve({ ...buffers, token_scores: Float32Array.from(buffers.row_scores) });
    }
    const { cuts, token_scores } = buffers;
    const kept = Uint32Array.from(buffers.kept);
    const kept_counts = Uint32Array.from(buffers.kept_counts);
    for (const head of [0, 1]) {
      const [, rows, keep] = cuts.subarray(8 + 4 * head);
      const scores = token_scores.subarray(head * N_ROWS, head * N_ROWS + rows);
      const chosen = Array.from({ length: rows }, (_, row) => row)
        .sort((a, b) => choose(a, b, scores)).slice(0, keep).sort((a, b) => a - b);
      kept.set(chosen, head * N_ROWS);
      kept_counts.set([0, keep], 4 + 2 * head);
    }
    return Promise.resolve({ ...buffers, kept, kept_counts });
  };
}

const lowerRow = (a: number, b: number, s: Float32Array) => s[b]! - s[a]! || a - b;
const higherRow = (a: number, b: number, s: Float32Array) => s[b]! - s[a]! || b - a;

const offOf = async (run: RunNamed, scores = scoresOf([1, 5, 2, 2, 2, 0])) => {
  const { measurements, kept } = await selectRows(stageOf(), scores, run);
  const found = measurements.map((measurement) => ({ measurement, ...compare(measurement) }));
  return { kept, nearTies: measurements.reduce((n, m) => n + (m.nearTies ?? 0), 0), found };
};

Deno.test("a choice as declared passes: two fifths of a head, all but one of the other", async () => {
  const { found, kept, nearTies } = await offOf(kernels(lowerRow));
  assertEquals([kept, nearTies], [[[1, 2], [0, 1, 2, 3, 4]], 0]);
  assert(found.every(({ passed }) => passed));
});

Deno.test("of equal scores the higher row is wrong, and is told with its head and place", async () => {
  const { found } = await offOf(kernels(higherRow));
  const failed = found.filter(({ passed }) => !passed);
  assertEquals(failed.map(({ measurement }) => measurement.kernel), ["select rows"]);
  assertEquals(failed[0]!.worst, { at: { head: 0, place: 1 }, got: 4, want: 2, bound: 0 });
});

Deno.test("a row at the cut may go either way, one that is not may not", async () => {
  const f32 = [1, 5, 2, 2.00001, 2, 0];
  const near = await offOf(kernels(lowerRow), scoresOf(f32, [1, 5, 2.00001, 2, 2, 0]));
  assertEquals([near.nearTies, near.found.every(({ passed }) => passed)], [2, true]);
  const far = await offOf(kernels(lowerRow), scoresOf(f32, [1, 5, 2.1, 2, 2, 0]));
  assertEquals(far.nearTies, 0);
  assertEquals(far.found.filter(({ passed }) => !passed).map(({ worst }) => worst!.at), [
    { head: 0, row: 2 },
  ]);
});

Deno.test("what is no choice at all leads nowhere", async () => {
  const none: RunNamed = (_, pool) => {
    // deno-lint-ignore no-explicit-any -- a kernel that writes nothing
    const { row_scores, ...buffers } = pool.buffers as any;
    return Promise.resolve({ ...buffers, ...(row_scores ? { token_scores: row_scores } : {}) });
  };
  const { found, kept } = await offOf(none);
  assertEquals(kept, [[1, 2], [0, 1, 2, 3, 4]]);
  assertEquals(found.map(({ passed }) => passed), [true, false, false, true]);
});
