/**
 * Kept rows against kvpress 0.5.5, which runs the same GGUF in PyTorch: tests/data/make_kvpress.py made the
 * fixtures. A file there is the variant of its name; docs/variants.md says where definitions differ.
 */

import { assert, assertEquals } from "@std/assert";
import { load } from "kerf";
import type { Model } from "kerf";
import { maskOf } from "../src/engine/mask.ts";
import { definitionNames } from "../src/engine/registry.ts";

/** What one press kept of one prompt, per layer and KV head. */
interface Item {
  readonly prompt: string;
  /** Runs of rows: `0-3 17`. */
  readonly kept: readonly (readonly string[])[];
  /** (lowest kept score − highest removed) / |lowest kept|; null: there was no choice. */
  readonly gaps: readonly (readonly (number | null)[])[];
}

interface Fixture {
  readonly spec: string;
  readonly items: readonly Item[];
}

const DATA = new URL("data/", import.meta.url);
const readJson = async (path: string) => JSON.parse(await Deno.readTextFile(new URL(path, DATA)));

const prompts = new Map<string, readonly number[]>(
  (await readJson("reference/think.json")).items.map(
    ({ name, prompt_ids }: { name: string; prompt_ids: number[] }) => [name, prompt_ids],
  ),
);

const rowsOf = (runs: string): number[] =>
  runs.split(" ").flatMap((run) => {
    const [first = NaN, last = first] = run.split("-").map(Number);
    return Array.from({ length: last - first + 1 }, (_, i) => first + i);
  });

async function keptRows({ loaded: { engine, chunkSize } }: Model, ids: readonly number[]) {
  const slot = engine.cache.openSlot();
  try {
    for (let at = 0; at < ids.length; at += chunkSize) {
      const tokens = ids.slice(at, at + chunkSize);
      await engine.step([{ slot, position: at, tokens, logits: "none" }]);
    }
    await engine.compress(slot);
    return (await maskOf(engine, slot)).map(({ heads }) => heads.map((head) => head.keptTokens));
  } finally {
    engine.cache.closeSlot(slot);
  }
}

/**
 * Cuts closer than `gap` may fall otherwise; `n` bounds how many of the 90 heads of a prompt have one. With
 * f32 caches only the order of sums differs. An f16 cache rounds each key to 11 bits: norms and cosines move
 * by up to 2⁻¹¹, logits of size 20 by a hundredth at worst and weights with them.
 */
const NEAR = { f32: { gap: 1e-5, n: 1 }, f16: { gap: 1e-2, n: 15 } } as const;

async function compare({ spec, items }: Fixture, type: "f32" | "f16"): Promise<void> {
  const arithmetic = { cacheTypes: { key: type, value: type }, activations: "f32" } as const;
  using model = await load({ prune: spec, ...arithmetic, nCtx: 1024, parallel: 1 });
  for (const { prompt, kept, gaps } of items) {
    const got = await keptRows(model, prompts.get(prompt)!);
    let nearTies = 0;
    kept.forEach((heads, layer) =>
      heads.forEach((runs, head) => {
        const want = rowsOf(runs);
        const own = got[layer]![head]!;
        const what = `${spec}, ${type}, ${prompt}, layer ${layer}, head ${head}`;
        assertEquals(own.length, want.length, what);
        if (own.join() === want.join()) return;
        nearTies++;
        const gap = gaps[layer]![head];
        assert(gap != null && gap < NEAR[type].gap, `${what}: a cut of ${gap} fell otherwise`);
        // Rows at the cut change places; what lies far from it stays.
        const others = own.filter((row) => !want.includes(row)).length;
        assert(others <= (type === "f32" ? 1 : 2), `${what}: ${others} rows differ`);
      })
    );
    assert(nearTies <= NEAR[type].n, `${spec}, ${type}, ${prompt}: ${nearTies} heads differ`);
  }
}

for (const { name } of [...Deno.readDirSync(new URL("kvpress/", DATA))]) {
  const variant = name.replace(".json", "");
  Deno.test({
    name: `${variant} keeps the rows that kvpress keeps`,
    // A fixture whose variant is not there yet waits for it, and the runner counts it.
    ignore: !definitionNames("prune").includes(variant),
    async fn() {
      const fixture: Fixture = await readJson(`kvpress/${name}`);
      for (const type of ["f32", "f16"] as const) await compare(fixture, type);
    },
  });
}
