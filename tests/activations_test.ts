/**
 * 8-bit activations through the engine: how far from f32 they may take the logits, on the default model and
 * on tiny ones of every kind of weights, and that a row's bits depend on nothing beside it.
 */

import { assert, assertEquals } from "@std/assert";
import { load } from "kerf";
import type { LoadOptions } from "kerf";
import type { StorageName } from "../src/core/mod.ts";
import { argmax } from "../src/engine/argmax.ts";
import { tinyModel } from "../src/model/testing.ts";
import { testFolder } from "../src/model/testing_files.ts";

/** Logits behind every token of a text, fed in chunks. */
async function logitsOf(
  tokens: readonly number[],
  { chunk = tokens.length, ...options }: LoadOptions & { readonly chunk?: number },
): Promise<Float32Array[]> {
  using model = await load({ parallel: 2, logitRows: tokens.length, ...options });
  const { engine } = model.loaded;
  // Another sequence's rows are in the same steps.
  const [slot, other] = [engine.cache.openSlot(), engine.cache.openSlot()];
  const all: Float32Array[] = [];
  for (let position = 0; position < tokens.length; position += chunk) {
    const rows = { position, tokens: tokens.slice(position, position + chunk) };
    const company = options.chunkSize === undefined ? [] : [{
      ...{ slot: other, position: position / chunk, tokens: [5], logits: "none" as const },
    }];
    all.push(
      ...await engine.step([...company, { slot, ...rows, logits: "all" }]) as Float32Array[],
    );
  }
  return all;
}

/** Mean KL divergence of two models' next tokens in nats, and how often their likeliest is the same. */
function compare(want: readonly Float32Array[], got: readonly Float32Array[]) {
  const softmax = (logits: Float32Array) => {
    const largest = logits.reduce((a, b) => Math.max(a, b));
    const weights = Float64Array.from(logits, (l) => Math.exp(l - largest));
    const sum = weights.reduce((a, b) => a + b);
    return weights.map((w) => w / sum);
  };
  const each = want.map((logits, i) => {
    const [p, q] = [softmax(logits), softmax(got[i]!)];
    return p.reduce((kl, p, token) => p === 0 ? kl : kl + p * Math.log(p / q[token]!), 0);
  });
  const same = want.filter((logits, i) => argmax(logits) === argmax(got[i]!)).length;
  return { kl: each.reduce((a, b) => a + b, 0) / each.length, agreement: same / want.length };
}

Deno.test("the default model with 8-bit activations stays within 0.002 nats of f32", async () => {
  const { items }: { items: { name: string; prompt_ids: number[] }[] } = JSON.parse(
    await Deno.readTextFile(new URL("data/reference/think.json", import.meta.url)),
  );
  const tokens = items.find(({ name }) => name === "moby-200")!.prompt_ids.slice(0, 128);
  const [f32, q8] = [
    await logitsOf(tokens, { activations: "f32" }),
    await logitsOf(tokens, { activations: "q8" }),
  ];
  const { kl, agreement } = compare(f32, q8);
  assert(kl > 1e-6 && kl <= 0.002, `mean KL is ${kl}`);
  assert(agreement >= 0.95, `the likeliest tokens agree in ${agreement}`);
});

const TEXT = Array.from({ length: 40 }, (_, i) => 3 + (i * 37) % 290);

for (const storage of ["Q8_0", "Q4_1", "Q4_K", "Q6_K"] as const satisfies readonly StorageName[]) {
  Deno.test(`8-bit activations over ${storage}: near f32, one row's bits in any company`, async () => {
    await using folder = await testFolder();
    const shape = { nHeads: 4, nKvHeads: 2, headDim: 64, dFf: 256, seed: 3, storage };
    const path = await folder.write("tiny.gguf", tinyModel(shape));
    const run = (options: Parameters<typeof logitsOf>[1]) =>
      logitsOf(TEXT, { model: path, activations: "q8", ...options });
    const whole = await run({ threads: 2 });
    // Random weights have no structure: their logits are nearly flat, and errors in them count.
    const { kl } = compare(await run({ activations: "f32" }), whole);
    assert(kl > 0 && kl <= 0.01, `mean KL is ${kl}`);
    for (const [threads, chunk] of [[1, 1], [2, 13], [3, 5]] as const) {
      assertEquals(
        await run({ threads, chunk, chunkSize: 16 }),
        whole,
        `${threads} threads, ${chunk}`,
      );
    }
  });
}

Deno.test("weights that are no codes, and caches of f32, are multiplied in f32, whatever the activations", async () => {
  await using folder = await testFolder();
  const path = await folder.write("tiny.gguf", tinyModel({ storage: "F16" }));
  const cacheTypes = { key: "f32", value: "f32" } as const;
  const run = (activations: "f32" | "q8") =>
    logitsOf(TEXT, { model: path, activations, cacheTypes });
  assertEquals(await run("q8"), await run("f32"));
});
