/** Edits of the run half: cache, plan, sampling, text, build cache. */

import type { Mutant } from "./mutant.ts";

/** The run half. */
export const ENGINE: readonly Mutant[] = [
  {
    name: "one row too many loses channels",
    file: "src/engine/compress.ts",
    find: "Math.max(0, sizes.full - recent)",
    replace: "Math.max(0, sizes.full - recent + 1)",
    tests: ["src/engine/cache_test.ts"],
  },
  {
    name: "old pages freed before their rows are moved",
    file: "src/engine/compress.ts",
    find: "  await plan.run(compressDrafts(plan.buffers, cache, { slot, layer }));\n" +
      "  for (const page of old) cache.table.release(page);\n",
    replace: "  for (const page of old) cache.table.release(page);\n" +
      "  await plan.run(compressDrafts(plan.buffers, cache, { slot, layer }));\n",
    tests: ["tests/oracle_test.ts"],
  },
  {
    name: "old pages never freed",
    file: "src/engine/compress.ts",
    find: "  for (const page of old) cache.table.release(page);\n",
    replace: "",
    tests: ["src/engine/cache_test.ts"],
  },
  {
    name: "a later turn chooses channels again",
    file: "src/engine/compress.ts",
    find: "if (rows.listed === 0) {",
    replace: "if (rows.listed >= 0) {",
    tests: ["src/engine/cache_test.ts"],
    only: "a later turn keeps",
  },
  {
    name: "queries recorded for the wrong layer",
    file: "src/engine/layer_drafts.ts",
    find: 'label: at("record queries"),\n    constants: { layer },',
    replace: 'label: at("record queries"),\n    constants: { layer: 0 },',
    tests: ["tests/forward_test.ts"],
  },
  {
    name: "logits scaled by 1/D",
    file: "src/engine/plan_buffers.ts",
    find: "scale: 1 / Math.sqrt(headDim)",
    replace: "scale: 1 / headDim",
    tests: ["tests/forward_test.ts"],
  },
  {
    name: "a started chunk not counted",
    file: "src/engine/cache.ts",
    find: "chunks += Math.ceil((rows",
    replace: "chunks += Math.floor((rows",
    tests: ["src/engine/cache_test.ts"],
  },
  {
    name: "every row of a chunk at its first position",
    file: "src/engine/step.ts",
    find: "rowPosition.push(sequence.position + i);",
    replace: "rowPosition.push(sequence.position);",
    tests: ["src/engine/step_test.ts"],
  },
  {
    name: "a barrier forgotten",
    file: "src/device/cpu/runtime.c",
    find: "      wait_for(p, &group->finished, group->expected, 1);",
    replace: "      if (i + 1 == p->n_ops) wait_for(p, &group->finished, group->expected, 1);",
    tests: ["src/device/cpu/device_test.ts"],
    only: "barrier",
  },
  {
    name: "mask bytes forgotten",
    file: "src/layout/bytes.ts",
    find: "return bytes + (listed ? maskBytes(headDim) : 0);",
    replace: "return bytes;",
    tests: ["src/layout/bytes_test.ts"],
  },
  {
    name: "greedy: ties go to the higher id",
    file: "src/engine/sampling.ts",
    find: "if (logits[i]! > logits[best]!) best = i;",
    replace: "if (logits[i]! >= logits[best]!) best = i;",
    tests: ["src/engine/sampling_test.ts"],
  },
  {
    name: "the stop token printed",
    file: "src/engine/sequence.ts",
    find: '    s.finish = "stop";\n    return null;\n',
    replace: '    s.finish = "stop";\n',
    tests: ["tests/generation_test.ts"],
    only: "a stop token ends",
  },
  {
    name: "streaming breaks characters",
    file: "src/model/detokenizer.ts",
    find: "decoder.decode(bytesOf(id), { stream: true })",
    replace: "decoder.decode(bytesOf(id))",
    tests: ["src/model/tokenizer_test.ts"],
    only: "a streaming decoder holds back",
  },
  {
    name: "the cache's key ignores the flags",
    file: "src/build/compile_c.ts",
    find: 'Deno.build.target, flags.join(" "), text]',
    replace: "Deno.build.target, text]",
    tests: ["src/build/compile_c_test.ts"],
    only: "text, flags, defines",
  },
];
