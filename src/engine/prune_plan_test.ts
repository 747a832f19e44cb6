import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { KerfError } from "../core/error.ts";
import { attention } from "../dsl/attention.ts";
import { channels } from "../dsl/channels.ts";
import { pruning } from "../dsl/pruning.ts";
import type { Pruning } from "../dsl/pruning.ts";
import { meanSquare } from "../dsl/reductions.ts";
import { table } from "../dsl/table.ts";
import { tokens } from "../dsl/tokens.ts";
import type { TokensStep } from "../dsl/tokens.ts";
import { wrapped, wrapper } from "../dsl/wrapper.ts";
import type { Wrapper } from "../dsl/wrapper.ts";
import { channelsPlan, keptChannels } from "./channels_plan.ts";
import { testFolder } from "../model/testing_files.ts";
import { refuseClashes } from "./prune_clashes.ts";
import { prunePlan } from "./prune_plan.ts";
import { definitionNames, KERNELS_ROOT, loadDefinition } from "./registry.ts";
import { specWithTables } from "./testing_tables.ts";
import { paramsOf } from "./variant_params.ts";

const dims = { nLayers: 2, nHeads: 6, nKvHeads: 3, headDim: 128, nCtx: 256 };

Deno.test("keptChannels removes the floor of the share, as ThinK counts", () => {
  const kept = (remove: number, headDim = 128, multiple = 1) =>
    keptChannels({ remove }, { headDim, multiple });
  assertEquals([0.3, 0.4, 0.5, 0.6, 0.7, 0.8].map((r) => kept(r)), [90, 77, 64, 52, 39, 26]);
  assertEquals(kept(0), 128);
  // 0.29 · 100 is 28.999999999999996 in a double, and means 29.
  assertEquals(kept(0.29, 100), 71);
  assertEquals(kept(0.6, 128, 16), 64);
  assertEquals(kept(0.01, 60, 16), 60);
  assertEquals(keptChannels({ keep: 20 }, { headDim: 64, multiple: 8 }), 24);
});

Deno.test("prunePlan resolves a variant from its declared data", async () => {
  const none = await prunePlan("none", dims);
  assertEquals(none, {
    spec: "none",
    tokens: null,
    channels: null,
    valueChannels: null,
    bits: null,
    classes: null,
    steps: null,
    budgets: [],
  });
  const { spec, channels } = await prunePlan("think:ratio=0.4,recent=16", dims);
  assertEquals(spec, "think:ratio=0.4,recent=16");
  assertEquals([channels!.window, channels!.recent], [32, 16]);
  assertEquals([...channels!.widths], Array(6).fill(77));
});

/** Keeps what a table says, per layer and KV head. */
const byTable = pruning({
  name: "by_table",
  tables: {
    widths: table({
      shape: ["nLayers", "nKvHeads"],
      dtype: "u32",
      from: ({ nLayers, nKvHeads }) => Array.from({ length: nLayers * nKvHeads }, (_, i) => 20 * i),
    }),
  },
  params: { multiple: { default: 1, integer: true } },
  steps: [channels({
    of: "key",
    group: "mean",
    window: 8,
    score: (_q, k) => meanSquare(k),
    keep: "widths",
    multiple: "multiple",
  })],
});

Deno.test("two steps of one file that choose the same are refused by their places", () => {
  const [step] = byTable.steps;
  const twice = pruning({ ...byTable, name: "twice", steps: [step!, { ...step! }] });
  const typed = { name: "twice", values: {} };
  const params = paramsOf(typed, twice);
  const error = assertThrows(
    () => refuseClashes([{ name: "twice", definition: twice, params, spec: typed, typed }]),
    KerfError,
    'Cannot use "twice": steps[0] and steps[1] both choose key channels',
  );
  assertEquals(error.hints, ["leave one of the two in kernels/prune/twice.ts"]);
});

Deno.test("widths may come from a table, one per layer and KV head", async () => {
  const spec = { name: "by_table", values: {} };
  const empty = () => channelsPlan(byTable, spec, { dims });
  const error = await assertRejects(empty, KerfError, "a head would keep no channel");
  assertEquals(error.exitCode, 2);
  const widened = pruning({
    ...byTable,
    tables: { widths: { ...byTable.tables.widths!, from: () => [1, 20, 64, 63, 80, 5] } },
  });
  const of = async (multiple: number) =>
    (await channelsPlan(widened, { name: "by_table", values: { multiple } }, {
      dims: { ...dims, headDim: 64 },
    })).widths;
  assertEquals([...await of(1)], [1, 20, 64, 63, 64, 5]);
  assertEquals([...await of(16)], [16, 32, 64, 64, 64, 16]);
});

Deno.test("prunePlan works for every variant of the folder", async () => {
  await using folder = await testFolder();
  for (const name of definitionNames("prune")) {
    const definition = await loadDefinition<Pruning | Wrapper>("prune", name);
    const spec = await specWithTables(definition, dims, folder);
    const { tokens, channels, steps } = await prunePlan(spec, dims);
    const own = definition.kind === "wrapper" ? definition.of : name;
    assertEquals((tokens ?? channels)?.definition.name ?? steps?.name, own);
  }
});

Deno.test("a variant is a file of at most thirty lines of code", () => {
  for (const name of definitionNames("prune")) {
    const text = Deno.readTextFileSync(new URL(`prune/${name}.ts`, KERNELS_ROOT));
    const lines = text.replaceAll(/\/\*\*[^]*?\*\//g, "").split("\n").filter((line) => line !== "");
    assert(lines.length <= 30, `${name}: ${lines.length} lines`);
  }
});

Deno.test("prunePlan refuses slips with the nearest name", async () => {
  const refused = async (spec: string, message: string, hint?: string) => {
    const error = await assertRejects(() => prunePlan(spec, dims), KerfError, message);
    assertEquals(error.exitCode, 2);
    if (hint) assert(error.hints.includes(hint), error.hints.join("\n"));
  };
  await refused("thnik", 'Cannot use "thnik"', "did you mean think?");
  await refused("think:ratoi=1", "no such parameter", "did you mean ratio?");
  await refused("think:ratio=2", "from 0 to 0.95");
  await refused("think:ratio=half", "is not a number");
  const sweep = "a sweep stands for several specs: deno task bench --prune SPEC takes one";
  await refused("think:ratio=0.3..0.7/0.1", "is not a number", sweep);
  await refused("think+key_norm_channels", "both choose key channels");
});

Deno.test("steps of several variants are one plan, in the order they run", async () => {
  const plan = await prunePlan("snapkv:budget=512+think:ratio=0.4", dims);
  assertEquals([plan.tokens!.params.budget, plan.channels!.params.ratio], [512, 0.4]);
  assertEquals(plan.steps!.steps.map(({ kind }) => kind), ["tokens", "channels"]);
  const refused = async (spec: string, message: string, hint: string) => {
    const error = await assertRejects(() => prunePlan(spec, dims), KerfError, message);
    assertEquals([error.exitCode, ...error.hints], [2, hint]);
  };
  await refused(
    "think+snapkv",
    'Cannot run "snapkv" after "think": rows are evicted before channels are pruned',
    "--prune snapkv+think",
  );
  await refused(
    "snapkv+tova",
    'Cannot combine "snapkv" and "tova": both choose which rows stay',
    "use one of them: --prune snapkv",
  );
  await refused(
    "streaming:in_cache=1+think",
    'Cannot combine "streaming" with positions in the cache and "think"',
    "--prune streaming+think",
  );
  await refused(
    "think+think",
    '"think" and "think": both choose',
    "use one of them: --prune think",
  );
});

Deno.test("a wrapper names what it wraps and takes the parameters of both", async () => {
  const { tokens } = await prunePlan("adakv:of=tova,budget=99,floor=0.5", dims);
  assertEquals([tokens!.definition.name, tokens!.step.scope, tokens!.floor], ["tova", "head", 0.5]);
  assertEquals(tokens!.params, { budget: 99, every: 0, floor: 0.5 });
  assertEquals((await prunePlan("tova", dims)).tokens!.floor, null);
  const refused = async (spec: string, message: string, hint: string) => {
    const error = await assertRejects(() => prunePlan(spec, dims), KerfError, message);
    assertEquals([error.exitCode, error.hints.includes(hint)], [2, true], error.hints.join());
  };
  await refused(
    "adakv:of=think",
    'Cannot wrap "think" in "adakv": it evicts no',
    "adakv:of=snapkv",
  );
  await refused(
    "adakv:of=adakv",
    'Cannot wrap "adakv" in "adakv": both set `scope`, and a head\'s rows are chosen once',
    "--prune adakv:of=snapkv",
  );
  await refused("adakv:of=snapvk", 'Cannot use "snapvk"', "did you mean snapkv?");
  await refused("adakv:flor=1", "no such parameter", "did you mean floor?");
});

Deno.test("wrappers in wrappers are one step, and each sets what no other does", async () => {
  const spec = "adakv:of=chunkkv:of=massed:of=tova,mass=0.5,floor=0.3,block=8,budget=99";
  const { spec: shortest, tokens } = await prunePlan(spec, dims);
  assertEquals(shortest, spec);
  const { floor, enough, blockRows, step: { scope } } = tokens!;
  assertEquals([floor, enough!.amount, blockRows, scope], [0.3, 0.5, 8, "head"]);
  assertEquals([tokens!.definition.name, tokens!.params.budget], ["tova", 99]);
  const other = await prunePlan('massed:floor=0.3,of="chunkkv:of=adakv,block=8"', dims);
  assertEquals([other.tokens!.floor, other.tokens!.blockRows], [0.3, 8]);
  assertEquals(other.tokens!.definition.name, "snapkv");
  const refused = async (spec: string, message: string, hint: string) => {
    const error = await assertRejects(() => prunePlan(spec, dims), KerfError, message);
    assertEquals([error.exitCode, ...error.hints], [2, hint]);
  };
  await refused(
    "massed:of=adakv:of=thresholded:of=tova",
    'Cannot wrap "thresholded" in "massed": both set `enough`',
    "--prune massed:of=adakv:of=tova",
  );
  await refused(
    'adakv:budget=9,of="massed:budget=8"',
    'Cannot wrap "massed:budget=8" in "adakv": budget is set twice',
    "adakv:of=snapkv",
  );
  await refused('adakv:of="tova+think"', "changes one variant", "adakv:of=snapkv");
  await refused("adakv:of=massed:of=think", "it evicts no rows", "adakv:of=snapkv");
});

Deno.test("a wrapper's budget replaces that of what it wraps", () => {
  const inner = pruning({
    name: "inner",
    steps: [tokens({ score: () => 0, group: "mean", remove: 0.5 })],
  });
  const kept = wrapper({ name: "kept", of: "inner", tokens: { keep: 40 } });
  const [step] = wrapped([kept], inner).steps as TokensStep[];
  assertEquals([step!.keep, step!.remove], [40, undefined]);
  const halved = wrapper({ name: "halved", of: "inner", tokens: { remove: 0.25 } });
  assertThrows(() => wrapped([halved, kept], inner), KerfError, "both set `keep`");
});

Deno.test("paramsOf leaves the paths of file tables alone", () => {
  const definition = attention({
    name: "with_table",
    params: { cap: { default: 2 } },
    tables: { bias: { shape: ["nHeads"], dtype: "f32", file: "bias" } },
    mask: () => true,
  });
  const values = paramsOf({ name: "with_table", values: { bias: "b.safetensors" } }, definition);
  assertEquals(values, { cap: 2 });
  assertThrows(
    () => paramsOf({ name: "with_table", values: { bais: 1 } }, definition),
    KerfError,
    "no such parameter",
  );
});
