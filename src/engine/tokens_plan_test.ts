import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { KerfError } from "../core/error.ts";
import { pruning, table, tokens } from "../dsl/mod.ts";
import type { TokensSpec } from "../dsl/mod.ts";
import { prunePlan } from "./prune_plan.ts";
import { tokensPlan } from "./tokens_plan.ts";
import { floorRows, keepsAlike, keptRows, leastRows } from "./row_budgets.ts";

const dims = { nLayers: 2, nHeads: 6, nKvHeads: 3, headDim: 64, nCtx: 256 };
const at = { layer: 1, kvHead: 2 };

const planOf = (budget: Partial<TokensSpec>, values: Record<string, number> = {}) =>
  tokensPlan(
    pruning({
      name: "test",
      params: { share: { default: 0.29 }, sinks: { default: 4, integer: true } },
      tables: {
        counts: table({
          shape: ["nLayers", "nKvHeads"],
          dtype: "u32",
          from: ({ nLayers, nKvHeads }) =>
            Array.from({ length: nLayers * nKvHeads }, (_, i) => 10 + i),
        }),
      },
      steps: [tokens({
        score: () => 0,
        group: "mean",
        protect: { first: "sinks", last: 5 },
        ...budget as { keep: number },
      })],
    }),
    { name: "test", values },
    dims,
  );

Deno.test("a budget is a count, a share, a table or a function, protected rows included", async () => {
  const kept = async (budget: Partial<TokensSpec>, nRows: number) =>
    keptRows(await planOf(budget), { ...at, nRows });
  assertEquals([await kept({ keep: 40 }, 300), await kept({ keep: 40 }, 30)], [40, 30]);
  // 0.29 · 100 is 28.999999999999996 in a double, and means 29.
  assertEquals([await kept({ remove: "share" }, 100), await kept({ remove: 1 }, 100)], [71, 9]);
  assertEquals(await kept({ keep: "counts" }, 100), 15);
  const halves = ({ layer, nRows, sinks }: Record<string, number>) => nRows! / 2 + layer! + sinks!;
  assertEquals([await kept({ keep: halves }, 101), await kept({ keep: halves }, 2)], [55, 2]);
});

Deno.test("a floor is a share of what a head's budget leaves beside its protected rows", async () => {
  const plan = await planOf({ keep: 60 });
  const floors = [0, 0.2, 1, null].map((floor) => floorRows({ ...plan, floor }, 60));
  // Nine are protected; 0.2 · 51 is 10.2.
  assertEquals(floors, [9, 19, 60, 60]);
  assertEquals(floorRows({ ...plan, floor: 0.2 }, 5), 5);
});

Deno.test("counts are rounded up, and what is enough lowers them to the least at most", async () => {
  const of = { ...at, nRows: 100 };
  const rounded = await planOf({ remove: "share", multiple: 16 });
  assertEquals([keptRows(rounded, of), leastRows(rounded, of)], [80, 80]);
  assertEquals(keptRows(rounded, { ...of, nRows: 15 }), 15);
  const mass = await planOf({ keep: 60, enough: { mass: 0.9, least: 12 } });
  assertEquals([keptRows(mass, of), leastRows(mass, of)], [60, 12]);
  const free = await planOf({ enough: { atLeast: 1 } });
  assertEquals([keptRows(free, of), leastRows(free, of)], [100, 9]);
});

Deno.test("whether a layer's heads always keep as many rows", async () => {
  const alike = async (budget: Partial<TokensSpec>) => keepsAlike(await planOf(budget));
  assertEquals([await alike({ keep: 40 }), await alike({ remove: "share" })], [true, true]);
  assertEquals([await alike({ keep: ({ layer }) => 30 + layer! })], [true]);
  assertEquals([await alike({ keep: ({ kvHead }) => 30 + kvHead! })], [false]);
  // Of short prompts all rows stay, of long ones not.
  assertEquals([await alike({ keep: "counts" })], [false]);
  assertEquals([await alike({ keep: 40, share: { floor: 0.2 } })], [false]);
  assertEquals([await alike({ keep: 40, enough: { atLeast: 1 } })], [false]);
  assertEquals([await alike({ keep: 40, block: { rows: 16, kind: "mean" } })], [false]);
});

Deno.test("what is enough names a parameter, and heads that keep the same share nothing", async () => {
  const refused = async (budget: Partial<TokensSpec>, message: string) => {
    const error = await assertRejects(() => planOf(budget), KerfError, message);
    assertEquals(error.exitCode, 2);
  };
  await refused(
    { keep: 60, scope: "layer", share: { floor: 0.2 } },
    "heads that keep the same rows have no budgets to share",
  );
  assertThrows(() => planOf({ enough: { mass: "most" } }), TypeError, "enough.mass");
});

Deno.test("a budget below the protected rows is refused, and so is an even pool", async () => {
  const refused = async (work: Promise<unknown>, message: string, hint: string) => {
    const error = await assertRejects(() => work, KerfError, message);
    assertEquals([error.exitCode, ...error.hints], [2, hint]);
  };
  const few = "a budget of 8 is less than the 9 rows that always stay";
  await refused(planOf({ keep: 8 }), few, "keep at least 9 rows");
  await refused(
    planOf({ keep: "counts" }, { sinks: 6 }),
    "a budget of 10",
    "keep at least 11 rows",
  );
  await refused(
    prunePlan("snapkv:budget=16", dims),
    'Cannot evict with "snapkv": a budget of 16 is less than the 32 rows',
    "keep at least 32 rows",
  );
  await refused(prunePlan("snapkv:pool=4", dims), "4 neighbours", "pool an odd number, such as 5");
});

Deno.test("neighbours meet in their largest or their mean, as declared or as a parameter says", async () => {
  const plan = async (kind: "max" | "mean" | { meanIf: string }, sinks = 4) =>
    (await planOf({ keep: 40, pool: { kind, width: 3 } }, { sinks })).poolsMax;
  assertEquals([await plan("max"), await plan("mean")], [true, false]);
  assertEquals([await plan({ meanIf: "sinks" }, 0), await plan({ meanIf: "sinks" })], [
    true,
    false,
  ]);
  await assertRejects(() => plan({ meanIf: "none" }), TypeError, 'pool.kind.meanIf names "none"');
});
