/** Edits of how many and in which order: budgets, widths, bits, classes, rows of a step and of a cache. */

import type { Mutant } from "./mutant.ts";

const BUDGETS = ["src/engine/tokens_plan_test.ts"];
const STEP = ["src/engine/step_test.ts"];

/** Counts and orders. */
export const AMOUNTS: readonly Mutant[] = [
  {
    name: "kept rows rounded down to a multiple",
    file: "src/engine/row_budgets.ts",
    find: "Math.ceil(wantedRows(plan, head) / multiple)",
    replace: "Math.floor(wantedRows(plan, head) / multiple)",
    tests: BUDGETS,
  },
  {
    name: "a floor of all rows, the protected ones among them",
    file: "src/engine/row_budgets.ts",
    find: "fixed + Math.floor((floor ?? 1) * (keep - fixed))",
    replace: "Math.max(fixed, Math.floor((floor ?? 1) * keep))",
    tests: BUDGETS,
  },
  {
    name: "kept channels rounded to the nearest multiple",
    file: "src/engine/channels_plan.ts",
    find: "Math.ceil(kept / multiple)",
    replace: "Math.round(kept / multiple)",
    tests: ["src/engine/prune_plan_test.ts"],
  },
  {
    name: "a layer's bits rounded up",
    file: "src/engine/channel_bits_plan.ts",
    find: "Math.floor(average * nKvHeads * headDim + 1e-6)",
    replace: "Math.ceil(average * nKvHeads * headDim - 1e-6)",
    tests: ["src/engine/channel_bits_plan_test.ts"],
  },
  {
    name: "a share of rows rounded down to units",
    file: "src/layout/row_classes.ts",
    find: "Math.floor(split.share * units + 0.5)",
    replace: "Math.floor(split.share * units)",
    tests: ["src/layout/row_classes_test.ts"],
  },
  {
    name: "a flush chooses bits again for heads that have theirs",
    file: "src/engine/move_layer.ts",
    find: "hasBits[i] ? 0 : to - from",
    replace: "to - from",
    tests: ["tests/evicted_classes_test.ts"],
    only: "survivors are coded by class",
  },
  {
    name: "a flush chooses the first class among the prompt's rows too",
    file: "src/engine/move_layer.ts",
    find: "[0, first + moved, first + high!.to - high!.from, 0]",
    replace: "[0, first + moved, first + high!.to, 0]",
    tests: ["tests/row_classes_test.ts"],
    only: "each class has the rows",
  },
  {
    name: "survivors in the order of their classes",
    file: "src/engine/restore_order.ts",
    find: ".sort((a, b) => positions[a]! - positions[b]!)",
    replace: "",
    tests: ["tests/evicted_classes_test.ts"],
    only: "survivors are coded by class",
  },
  {
    name: "one row more than the budget is not evicted",
    file: "src/engine/evict_rows.ts",
    find: "cuts.some(({ rows, least }) => rows > least)",
    replace: "cuts.some(({ rows, least }) => rows > least + 1)",
    tests: ["tests/eviction_turns_test.ts"],
    only: "stored bytes",
  },
  {
    name: "a step's tiles counted from their sequence's start",
    file: "src/engine/step.ts",
    find: "tiles.push(index, firstRow + i,",
    replace: "tiles.push(index, i,",
    tests: STEP,
  },
  {
    name: "a step has the splits of its last sequence",
    file: "src/engine/step.ts",
    find: "nSplits = Math.max(nSplits, sequence.nSplits);",
    replace: "nSplits = sequence.nSplits;",
    tests: STEP,
  },
  {
    name: "key heads are parts by pairs",
    file: "src/engine/head_parts.ts",
    find: "(head - nHeads) % nKvHeads",
    replace: "(head - nHeads) >> 1",
    tests: ["src/engine/head_parts_test.ts"],
  },
  {
    name: "a barrier of parts before what has none",
    file: "src/device/barriers.ts",
    find: "divided[i]! && divided[i + 1] === true",
    replace: "divided[i]!",
    tests: ["src/device/barriers_test.ts"],
  },
  {
    name: "parts wait for the last level alone",
    file: "src/device/cpu/runtime/runtime.c",
    find: "    memcpy(g->ends, g->before->ends, sizeof g->ends);\n",
    replace: "    memset(g->ends, 0, sizeof g->ends);\n",
    tests: ["src/device/cpu/waits_test.ts"],
  },
];
