/**
 * What every pruning variant, every legal composition of up to three and every wrapper in another promises
 * whoever runs it, derived from kernels/prune/: budgets met exactly (or what of them is enough), protected rows kept, channels as many
 * as chosen, bytes within their forecast, chunks and company without influence on any bit. What a composition
 * computes is held to the authors' functions by `verify`.
 */

import { assert, assertEquals } from "@std/assert";
import { KerfError } from "../src/core/error.ts";
import type { Pruning, Wrapper } from "../src/dsl/mod.ts";
import { slotStoredBytes } from "../src/engine/cache_bytes.ts";
import type { Engine } from "../src/engine/engine.ts";
import { maskOf } from "../src/engine/mask.ts";
import { prunePlan } from "../src/engine/prune_plan.ts";
import type { PrunePlan } from "../src/engine/prune_plan.ts";
import { definitionNames, loadDefinition } from "../src/engine/registry.ts";
import { specWithTables } from "../src/engine/testing_tables.ts";
import { floorRows, keptRows, leastRows } from "../src/engine/row_budgets.ts";
import { testFolder } from "../src/model/testing_files.ts";
import { bitsOf, tokens, withModel } from "./_eviction.ts";

const SHAPE = { nLayers: 2, nHeads: 4, nKvHeads: 2 } as const;
/** Of the tiny model in _eviction.ts. */
const DIMS = { ...SHAPE, headDim: 32, nCtx: 1024 };
/** Longer than what shipped budgets keep and residuals leave whole; no multiple of anything. */
const N_PROMPT = 707;

/** A legal spec, and what it is made of. */
interface Composition {
  readonly spec: string;
  readonly names: readonly string[];
  readonly plan: PrunePlan;
}

/** What a spec makes of these variants; null: it is refused. */
async function composed(spec: string, names: readonly string[]): Promise<Composition | null> {
  try {
    return { spec, names, plan: await prunePlan(spec, DIMS) };
  } catch (error) {
    if (error instanceof KerfError && names.length > 1) return null;
    throw error;
  }
}

/** Every legal composition of one to three variants, in the order of their names. */
async function compositions(specs: ReadonlyMap<string, string>): Promise<Composition[]> {
  const all: Composition[] = [];
  let last: readonly (readonly string[])[] = [[]];
  for (let length = 1; length <= 3; length++) {
    const next: (readonly string[])[] = [];
    for (const names of last.flatMap((own) => [...specs.keys()].map((name) => [...own, name]))) {
      const legal = await composed(names.map((name) => specs.get(name)!).join("+"), names);
      if (legal) {
        all.push(legal);
        next.push(names);
      }
    }
    // What is refused stays refused whatever follows.
    last = next;
  }
  return all;
}

/** Every two wrappers that set different things, one in the other, and all of those before other steps. */
async function nested(wrappers: readonly string[]): Promise<Composition[]> {
  const pairs = wrappers.flatMap((outer, i) =>
    wrappers.slice(i + 1).map((inner) => [outer, inner])
  );
  const legal: Composition[] = [];
  for (const names of pairs) {
    const found = await composed(names.join(":of="), names);
    if (found) legal.push(found);
  }
  const [{ spec, names }] = legal as [Composition];
  return [...legal, (await composed(`${spec}+think+kivi`, [...names, "think", "kivi"]))!];
}

/** What stands together by numbers other than the shipped ones. */
const NUMBERED = [
  "rerotated:of=expected_attention,ahead=64+kivi:keys=0",
  "h2o:in_cache=1,every=0+kivi",
  "snapkv:every=16+spark+kivi:keys=0",
  "h2o:every=0+think_bits:budget=0.1,turned=1",
  "streaming:every=16,in_cache=1+think_values:multiple=16+kivi:keys=0",
];

/** Rows and channels that a prompt's compression left, against the declared numbers. */
async function checkBudgets(engine: Engine, slot: number, { plan, spec }: Composition) {
  const { tokens, channels } = plan;
  const masks = (await maskOf(engine, slot)).flatMap(({ heads }) => heads);
  const rows = masks.map((_, head) => engine.cache.rowsOf({ slot, head }));
  if (tokens) {
    const heads = masks.map((_, head) => ({
      layer: Math.floor(head / SHAPE.nKvHeads),
      kvHead: head % SHAPE.nKvHeads,
      nRows: N_PROMPT,
    }));
    const wanted = heads.map((head) => keptRows(tokens, head));
    const sum = (counts: readonly number[], layer: number) =>
      counts.slice(layer * SHAPE.nKvHeads, (layer + 1) * SHAPE.nKvHeads).reduce((a, b) => a + b);
    // How many rows are enough, and which blocks, is tests/eviction_enough_test.ts's and eviction_budgets_test.ts's.
    const isCounted = tokens.enough !== null || tokens.blockRows > 1;
    const shares = tokens.floor !== null;
    rows.forEach((n, i) => {
      const own = leastRows(tokens, heads[i]!);
      const least = shares ? Math.min(own, floorRows(tokens, wanted[i]!)) : own;
      const block = n < N_PROMPT ? tokens.blockRows - 1 : 0;
      assert(!isCounted || n >= least - block && (shares || n <= wanted[i]!), `${spec}: ${n}`);
    });
    if (!shares && !isCounted) assertEquals(rows, wanted, spec);
    for (let layer = 0; layer < SHAPE.nLayers; layer++) {
      const [kept, most] = [sum(rows, layer), sum(wanted, layer)];
      assert(isCounted ? kept <= most : kept === most, `${spec}, layer ${layer}: ${kept}`);
    }
  }
  for (const [head, { keptTokens, keptChannels }] of masks.entries()) {
    const of = `${spec}, head ${head}`;
    if (keptTokens) {
      const kept = new Set(keptTokens);
      assertEquals([kept.size, keptTokens.length], [rows[head], rows[head]], of);
      for (let i = 0; i < tokens!.first; i++) assert(kept.has(i), `${of} lost row ${i}`);
      for (let i = 1; i <= tokens!.last; i++) {
        assert(kept.has(N_PROMPT - i), `${of} lost a last row`);
      }
    }
    if (channels && keptChannels) {
      // How many of them are enough is tests/channel_counts_test.ts's.
      const [n, width] = [keptChannels.length, channels.widths[head]!];
      if (channels.enough === null) assertEquals(n, width, of);
      else assert(n >= Math.min(width, channels.enough.least) && n <= width, `${of}: ${n}`);
    }
  }
}

/** Stored rows fit in what is allocated, which exceeds them by started pages and tiles only. */
function checkBytes({ cache }: Engine, slot: number, spec: string) {
  const stored = slotStoredBytes(cache, slot);
  const { allocated } = cache.table.bytesOf(slot);
  // A started page of whole rows, f32 at most, for every segment of every head.
  const page = 128 * (4 * DIMS.headDim + 8) + 64;
  const slack = cache.nHeadsPerSlot * cache.segments.length * page;
  // Lists of channels count as masks, and what missing ones read as as halves: both have buffers of their own.
  const beside = cache.segments.reduce((bytes, { segment: { channels, fill } }) => {
    const masks = channels === "list" ? DIMS.headDim / 8 : 0;
    return bytes + cache.nHeadsPerSlot * (masks + (fill === "mean" ? 2 * DIMS.headDim : 0));
  }, 0);
  const what = `${spec}: ${allocated} for ${stored}`;
  assert(allocated >= stored - beside && allocated <= stored + slack, what);
}

async function conforms(composition: Composition) {
  const { spec } = composition;
  await withModel(SHAPE, { prune: spec, parallel: 2, chunkSize: 1024 }, async (model) => {
    const { engine } = model.loaded;
    const { cache } = engine;
    const ids = tokens(N_PROMPT, 1);
    const alone = cache.openSlot();
    const want = await bitsOf(model, alone, { ids, chunk: 1024, nDecode: 0 });
    await checkBudgets(engine, alone, composition);
    checkBytes(engine, alone, spec);
    // A later turn, over what is left; then some tokens.
    const turn = { ids: tokens(45, 2), chunk: 1024, nDecode: 5 };
    want.push(...await bitsOf(model, alone, turn));
    checkBytes(engine, alone, spec);
    cache.closeSlot(alone);

    const [company, slot] = [cache.openSlot(), cache.openSlot()];
    await bitsOf(model, company, { ids: tokens(333, 3), chunk: 1024, nDecode: 1 });
    const seen = await bitsOf(model, slot, { ids, chunk: 160, nDecode: 0 });
    const [last] = seen.slice(-1);
    const again = await bitsOf(model, slot, { ...turn, chunk: 17 });
    assertEquals([last, ...again.slice(-turn.nDecode - 1)], want, `${spec}: chunks or company`);
    cache.closeSlot(company);
    cache.closeSlot(slot);
    assertEquals(cache.table.allocatedBytes, 0, spec);

    // Long enough for what happens while decoding: rows are evicted, and become codes.
    const maxTokens = 70;
    const prompt = { tokens: ids };
    const options = { maxTokens, ignoreStop: true };
    const { tokens: answer, stats: { kv } } = await model.generate(prompt, options).result;
    const others = [{ tokens: tokens(400, 3) }, prompt];
    for await (const { index, result } of model.batch(others, { ...options, chunkSize: 160 })) {
      if (index === 1) assertEquals(result.tokens, answer, `${spec}: an answer in company`);
    }
    const work = { nCached: 0, nPrompt: N_PROMPT, boundaries: [N_PROMPT], maxTokens };
    const { peakBytes } = model.loaded.admission.admit(work, null, Infinity)!;
    assert(kv.peakBytes <= peakBytes, `${spec} held ${kv.peakBytes} of ${peakBytes} forecast`);
  });
}

Deno.test("variants and compositions conform", async (t) => {
  await using folder = await testFolder();
  const specs = new Map<string, string>();
  const wrappers: string[] = [];
  for (const name of definitionNames("prune")) {
    const definition = await loadDefinition<Pruning | Wrapper>("prune", name);
    specs.set(name, await specWithTables(definition, DIMS, folder));
    if (definition.kind === "wrapper") wrappers.push(name);
  }
  const all = await compositions(specs);
  assertEquals(new Set(all.flatMap(({ names }) => names)), new Set(specs.keys()));
  for (const composition of all) {
    await t.step(composition.names.join("+"), () => conforms(composition));
  }
  const numbered = await Promise.all(
    NUMBERED.map(async (spec) => ({ spec, names: [spec], plan: await prunePlan(spec, DIMS) })),
  );
  for (const composition of [...await nested(wrappers), ...numbered]) {
    await t.step(composition.spec, () => conforms(composition));
  }
});
