import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { KerfError } from "../core/error.ts";
import { testFolder } from "../model/testing_files.ts";
import { BUDGET_FORMAT } from "./budget_file.ts";
import type { BudgetFile } from "./budget_file.ts";
import { prunePlan } from "./prune_plan.ts";
import { keptRows } from "./row_budgets.ts";

const dims = { nLayers: 2, nHeads: 6, nKvHeads: 3, headDim: 128, nCtx: 256 };

const CHANNELS: BudgetFile = {
  format: BUDGET_FORMAT,
  model: "a.gguf",
  modelSha256: "00",
  spec: "think:ratio=0.5",
  value: 0.5,
  counts: "key channels",
  uniform: 64,
  kept: [[60, 64, 68], [96, 32, 64]],
};

const ROWS: BudgetFile = {
  ...CHANNELS,
  spec: "snapkv:budget=100",
  value: 100,
  counts: "rows",
  uniform: 100,
  kept: [[150, 150, 150], [50, 50, 50]],
};

Deno.test("a budget file gives every head its count, and the parameter the number it stands for", async () => {
  await using folder = await testFolder();
  const path = await folder.write("think.json", JSON.stringify(CHANNELS));
  const { spec, channels, budgets } = await prunePlan(`think:ratio=${path},window=8`, dims);
  assertEquals(spec, `think:ratio=${path},window=8`);
  assertEquals([...channels!.widths], CHANNELS.kept.flat());
  assertEquals([channels!.params.ratio, channels!.params.window], [0.5, 8]);
  assertEquals(budgets.map(({ modelSha256, path }) => [modelSha256, path]), [["00", path]]);
  const plain = await prunePlan("think:ratio=0.5", dims);
  assertEquals([plain.channels!.params.ratio, plain.budgets], [0.5, []]);

  const rows = await folder.write("rows.json", JSON.stringify(ROWS));
  for (const variant of ["snapkv:", "h2o:", "tova:", "adakv:of=snapkv,", "chunkkv:"]) {
    const { tokens } = await prunePlan(`${variant}budget=${rows}+think:ratio=${path}`, dims);
    const kept = (layer: number, nRows: number) => keptRows(tokens!, { layer, kvHead: 1, nRows });
    assertEquals([kept(0, 256), kept(1, 256), kept(0, 120)], [150, 50, 120], variant);
    assertEquals(tokens!.params.budget, 100);
  }
});

Deno.test("what is wrong with a budget file is told with the command that makes another", async () => {
  await using folder = await testFolder();
  const refused = async (spec: string, content: unknown, message: string) => {
    const text = typeof content === "string" ? content : JSON.stringify(content);
    const path = await folder.write("b.json", text);
    const named = spec.replace("FILE", path);
    const error = await assertRejects(() => prunePlan(named, dims), KerfError);
    assertEquals(error.exitCode, 2);
    assertStringIncludes(error.message, `=${path} for "${spec.split(":")[0]}": ${message}`);
    assertEquals(error.hints.length, 1);
    return error.hints[0]!.replace(path, "FILE");
  };
  const think = "think:ratio=FILE";
  const usual = "deno task eval calibrate --prune think:ratio=0.5 -o FILE";
  assertEquals(await refused(think, "{", "it is no JSON"), usual);
  const format = 'it is no budget file: its "format" is not "kerf budgets 1"';
  assertEquals(await refused(think, "null", format), usual);
  await refused(think, { ...CHANNELS, format: "other" }, format);
  const { modelSha256: _, ...rest } = CHANNELS;
  await refused(think, { ...rest, kept: 3 }, 'its "modelSha256", "kept" is wrong');
  assertEquals(
    await refused(
      "snapkv:budget=FILE",
      CHANNELS,
      "it holds counts of key channels, and budget is a budget of rows",
    ),
    "deno task eval calibrate --prune snapkv:budget=512 -o FILE",
  );
  await refused(
    think,
    { ...CHANNELS, kept: [[64, 64]] },
    "it is for 1 × 2 layers and KV heads, and the model has 2 × 3",
  );
  const first = (n: unknown) => ({ ...CHANNELS, kept: [[n, 64, 68], [96, 32, 64]] });
  await refused(think, first(129), "a head would keep 129 key channels of 128");
  await refused(think, first(0.5), "a head would keep 0.5 key channels");
  await refused(think, first("many"), "a head would keep many key channels");
  await refused(think, first(61), "its heads keep 385 key channels, 384 at ratio=0.5");
  assertEquals(
    await refused(
      "tova:budget=FILE",
      { ...ROWS, kept: [[150, 150, 150], [49, 50, 51]] },
      "the heads of a layer keep the same rows, and those of layer 1 keep 49, 50, 51",
    ),
    "deno task eval calibrate --prune tova:budget=512 -o FILE",
  );
  await refused(
    "adakv:of=snapkv,budget=FILE",
    CHANNELS,
    "it holds counts of key channels, and budget is a budget of rows",
  );
  const nowhere = join(folder.path, "none.json");
  await assertRejects(() => prunePlan(`think:ratio=${nowhere}`, dims), KerfError, "no such file");
  // Not every parameter is a budget.
  await assertRejects(
    () => prunePlan(`think:window=${nowhere}`, dims),
    KerfError,
    "it is not a number",
  );
});
