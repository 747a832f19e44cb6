/**
 * The choice of value channels as C: what attention makes for the last queries against the f64 reference, and
 * scores of it against the author's function and the interpreter.
 */

import { resolveParams, stepOf } from "../../src/dsl/mod.ts";
import type { Pruning } from "../../src/dsl/mod.ts";
import { testIsas } from "../../src/device/testing.ts";
import type { Isa } from "../../src/device/testing.ts";
import { loadSources } from "../../src/emit/sources.ts";
import {
  authorRunner,
  interpreterRunner,
  outputScoresReference,
  windowOutputsReference,
} from "../../src/reference/mod.ts";
import { projectRoot } from "../../src/sys/cache_dir.ts";
import { assertClose } from "../_close.ts";
import { randomFrom, runNamed } from "../_kernel.ts";
import { AT, writeCache } from "../_kv_cache.ts";
import type { HeadRows } from "../_kv_cache.ts";

const N_KV_HEADS = 2;
const LAYOUT = "k_f16t16_v_list_f16t1_f16t1";

interface Case {
  readonly rows: number;
  readonly window: number;
  readonly nWindow: number;
  readonly group?: number;
  readonly headDim?: number;
  readonly layout?: string;
  readonly isa?: Isa;
}

/** Every query's output, held to the reference. */
async function checkOutputs(given: Case): Promise<void> {
  const { rows, window, nWindow, group = 3, headDim = 64, layout = LAYOUT, isa } = given;
  const random = randomFrom(rows + headDim);
  const row = () => Float32Array.from({ length: headDim }, () => Math.f16round(2 * random()));
  // Half as many rows were evicted before them, where rows say so.
  const gap = layout.endsWith("_evicted") ? Math.floor(rows / 2) : 0;
  const positions = Array.from({ length: rows }, (_, i) => i < rows / 2 ? i : i + gap);
  const heads = Array.from({ length: N_KV_HEADS }, (): HeadRows => ({
    keys: Array.from({ length: rows }, row),
    values: Array.from({ length: rows }, row),
    ...{ nListed: 0, channels: [], positions },
  }));
  const cache = writeCache(layout, heads, { headDim });
  const nHeads = N_KV_HEADS * group;
  const nTokens = rows + gap;
  const ring = new Float32Array(AT.nSlots * AT.nLayers * nHeads * window * headDim).fill(NaN);
  const first = (AT.slot * AT.nLayers + AT.layer) * nHeads;
  const queries = Array.from(
    { length: nHeads },
    (_, h) =>
      Array.from({ length: nWindow }, (_, i) => {
        const query = row();
        const place = (nTokens - nWindow + i) % window;
        ring.set(query, ((first + h) * window + place) * headDim);
        return query;
      }),
  );
  const { pages, heads: sizes, arena } = cache.buffers;
  const { outputs } = await runNamed(`window_outputs__${layout}`, {
    ...(isa ? { isa } : {}),
    defines: { HEAD_DIM: headDim, GROUP: group },
    buffers: {
      ...{ q_ring: ring, pages, heads: sizes, arena },
      outputs: new Float32Array(nHeads * nWindow * headDim).fill(NaN),
    },
    constants: {
      ...cache.constants,
      ...{ slot: AT.slot, n_heads: nHeads, n_kv_heads: N_KV_HEADS },
      ...{ window, n_window: nWindow, n_tokens: nTokens, scale: 1 / Math.sqrt(headDim) },
      key_page: cache.firstPages[cache.layout.key.segments.length - 1]!,
      value_page: cache.firstPages.at(-1)!,
    },
  });
  queries.forEach((own, h) => {
    const { keys, values } = heads[Math.floor(h / group)]!;
    const scale = 1 / Math.sqrt(headDim);
    const want = windowOutputsReference({ queries: own, nTokens, keys, values, positions, scale });
    want.forEach((output, i) => {
      const at = (h * nWindow + i) * headDim;
      // Logits of size 4·√headDim at most, a rounding per product; a few of each weight and sum.
      const bound = 2 * 2 ** -24 * (4 * (headDim + 2) * Math.sqrt(headDim) + rows + 64);
      const label = `${layout}, ${rows} rows, head ${h}, query ${i}`;
      assertClose(outputs!.subarray(at, at + headDim), output, { bound, label });
    });
  });
}

Deno.test("window_outputs: what attention makes for the last queries, causal by true positions", async () => {
  for (const rows of [1, 31, 33, 127, 300]) {
    const nWindow = Math.min(rows, 8);
    await checkOutputs({ rows, window: 8, nWindow });
    await checkOutputs({ rows, window: 8, nWindow, layout: `${LAYOUT}_evicted` });
  }
  for (const [group, headDim] of [[1, 16], [4, 128], [8, 48]] as const) {
    await checkOutputs({ rows: 40, window: 3, nWindow: 3, group, headDim });
  }
  const listed = "k_list_f16t16_f16t16_v_list_f16t1_f16t1";
  await checkOutputs({ rows: 140, window: 40, nWindow: 33, layout: listed });
  const f32 = "k_f32t16_v_list_f32t1_f32t1";
  await checkOutputs({ rows: 20, window: 4, nWindow: 2, layout: f32 });
  for (const isa of await testIsas()) await checkOutputs({ rows: 50, window: 4, nWindow: 2, isa });
});

const { sources } = await loadSources(projectRoot());
for (const { definition, funcs } of sources) {
  if (definition.kind !== "pruning") continue;
  const found = stepOf(definition as Pruning, "channels");
  if (found?.step.of !== "value") continue;
  const path = `steps[${found.index}].score`;
  const { name, params } = definition as Pruning;
  Deno.test(`value channel scores of ${name}: function, interpreter and C agree`, async () => {
    const isas = await testIsas();
    for (const isa of isas) {
      const shapes = [[3, 64, 32], [1, 16, 1], [8, 48, 5]] as const;
      for (const [group, headDim, nWindow] of isa === isas[0] ? shapes : shapes.slice(0, 1)) {
        const random = randomFrom(headDim + nWindow);
        const nHeads = N_KV_HEADS * group;
        const outputs = Float32Array.from(
          { length: nHeads * nWindow * headDim },
          (_, i) => random() * (i % headDim === 3 ? 30 : 1),
        );
        const place = (AT.slot * AT.nLayers + AT.layer) * N_KV_HEADS * headDim;
        const size = AT.nSlots * AT.nLayers * N_KV_HEADS * headDim;
        const { scores } = await runNamed(`channel_scores_${name}`, {
          isa,
          defines: { HEAD_DIM: headDim, GROUP: group },
          buffers: { outputs, scores: new Float32Array(size).fill(NaN) },
          constants: {
            ...{ slot: AT.slot, layer: AT.layer, n_layers: AT.nLayers },
            ...{ n_kv_heads: N_KV_HEADS, n_window: nWindow },
          },
        });
        for (let kvHead = 0; kvHead < N_KV_HEADS; kvHead++) {
          const heads = Array.from(
            { length: group },
            (_, g) =>
              Array.from({ length: nWindow }, (_, i) => {
                const at = ((kvHead * group + g) * nWindow + i) * headDim;
                return outputs.subarray(at, at + headDim);
              }),
          );
          const context = { ...resolveParams(name, params), layer: AT.layer, kvHead };
          const by = (score: ReturnType<typeof authorRunner>) =>
            outputScoresReference(heads, { score, group: found.step.group, context });
          const want = by(authorRunner(definition, path));
          const func = funcs[path]!;
          const interpreted = by(interpreterRunner(definition, path, { func, mode: "f64" }));
          assertClose(interpreted, want, { bound: (c) => 1e-6 * Math.abs(want[c]!) });
          const got = scores!.subarray(place + kvHead * headDim).subarray(0, headDim);
          // Squares are positive: each sum and the mean of heads round by at most half a unit.
          const units = nWindow + group + 8;
          assertClose(got, want, { bound: (c) => units * 2 ** -24 * Math.abs(want[c]!) });
        }
      }
    }
  });
}
