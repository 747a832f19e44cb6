import { assert, assertAlmostEquals, assertEquals } from "@std/assert";
import { STEP_FIELDS } from "../../core/signature.ts";
import { matrixBytes } from "../../engine/weights.ts";
import { load } from "../../mod.ts";
import { tinyModel } from "../../model/testing.ts";
import { testFolder } from "../../model/testing_files.ts";
import { kernelRows } from "./kernel_rows.ts";
import { cacheShares, itemsOf, productsOf, workIn } from "./work.ts";

const header = (fields: Partial<Record<typeof STEP_FIELDS[number], number>>) =>
  Uint32Array.from(STEP_FIELDS, (name) => fields[name] ?? 0);

Deno.test("a step's work is that of its matrices and its cache", async () => {
  await using folder = await testFolder();
  const path = await folder.write("tiny.gguf", tinyModel());
  using model = await load({ model: path, threads: 1, activations: "f32" });
  const { plan, config } = model.loaded;
  const { matrices, embedding, head } = plan.inputs.weights;
  const shape = {
    header: header({ nRows: 1, nSeqs: 1, nLogits: 1, nDecode: 1, nSplits: 1 }),
    nDepth: 40,
    layerBytes: 1000,
    shares: productsOf("f32", 1),
  };
  const { invocations } = plan.step;
  // Prefill's attention has nothing to do in a step that decodes.
  const busy = invocations.filter((invocation) => itemsOf(invocation, shape.header) > 0);
  assert(busy.length < invocations.length);
  const workOf = workIn(plan);
  const sum = (of: (work: ReturnType<typeof workOf>) => number) =>
    busy.reduce((total, invocation) => total + of(workOf(invocation, shape)), 0);
  // The embedding is read as a head where it is one, and else only a row of it.
  const read = matrices.filter((m) => !embedding.includes(m) || head.includes(m));
  const weightBytes = read.reduce((total, m) => total + matrixBytes(m), 0);
  assertEquals(sum(({ bytes }) => bytes), weightBytes + config.nLayers * 1000);
  const { nLayers, nHeads, nKvHeads, headDim, dModel, dFf, nVocab } = config;
  const perLayer = dModel * headDim * (2 * nHeads + 2 * nKvHeads) + 3 * dModel * dFf;
  const attention = 2 * 41 * nHeads * headDim;
  assertEquals(sum(({ macs }) => macs.f32), nLayers * (perLayer + attention) + dModel * nVocab);

  const times = [3, 1, 2].map((ns) => new Float64Array(invocations.length).fill(1e6 * ns));
  const ceilings = { readBytes: 1e9, macs: { f32: 1e9, bf16: 2e9, bytes: 4e9 } };
  const rows = kernelRows(plan, { step: "decode", times, shape, ceilings });
  assertEquals(cacheShares(plan, model.loaded.engine.cache, 0), productsOf("f32", 1));
  const total = rows.pop()!;
  const nTimed = busy.filter(({ barrier }) => barrier !== false).length;
  assertEquals([total.invocations, total.ns, total.share], [nTimed, 2e6 * nTimed, 1]);
  assertAlmostEquals(rows.reduce((share, row) => share + row.share, 0), 1, 1e-12);
  const down = rows.find(({ what }) => what === "down")!;
  const bytes = matrixBytes(plan.inputs.weights.layers[0]!.ffnDown[0]!);
  assertEquals(down.invocations, nLayers);
  assertAlmostEquals(down.of_read!, bytes / 2e-3 / 1e9, 1e-12);
  assertAlmostEquals(down.of_macs!, dModel * dFf / 2e-3 / 1e9, 1e-12);
  assertEquals(rows.find(({ what }) => what === "norm")!.of_read, null);
});

Deno.test("products of bytes are held to the bytes' ceiling, apart and together", async () => {
  await using folder = await testFolder();
  const path = await folder.write("tiny.gguf", tinyModel({ storage: "Q8_0" }));
  using model = await load({ model: path, threads: 1, activations: "q8" });
  const { plan, engine } = model.loaded;
  const slot = engine.cache.openSlot();
  await engine.step([{ slot, position: 0, tokens: [3, 4], logits: "none" }]);
  assertEquals(cacheShares(plan, engine.cache, slot), productsOf("bf16", 1));
  const times = [new Float64Array(plan.step.invocations.length).fill(1e6)];
  const shape = {
    header: header({ nRows: 3, nSeqs: 1, nLogits: 1, nTiles: 1 }),
    ...{ nDepth: 0, layerBytes: 1000, shares: { f32: 0, bf16: 0.5, bytes: 0.5 } },
  };
  const ceilings = { readBytes: 1e9, macs: { f32: 1e9, bf16: 2e9, bytes: 4e9 } };
  const rows = kernelRows(plan, { step: "prefill", times, shape, ceilings });
  const [products, total] = rows.splice(-2);
  const multiplying = rows.filter((row) =>
    row.macs_s !== null && !row.kernel.includes("attention")
  );
  const sum = (of: (row: typeof rows[number]) => number) =>
    multiplying.reduce((all, row) => all + of(row), 0);
  assertEquals(products!.invocations, sum(({ invocations }) => invocations));
  assertEquals(products!.ns, sum(({ ns }) => ns));
  // Attention's products are held to the ceilings of what is cached: half of them bf16 here, half bytes.
  const attention = rows.find(({ kernel }) => kernel.includes("attention_causal_prefill"))!;
  const mixed = attention.macs_s! * (0.5 / 2e9 + 0.5 / 4e9);
  assertAlmostEquals(attention.of_macs!, mixed, 1e-9);
  const macs = sum(({ macs_s, ns }) => macs_s! * ns / 1e9);
  assertAlmostEquals(products!.of_macs!, macs / 4e9 / (products!.ns / 1e9), 1e-12);
  assert(products!.ns < total!.ns);
});
