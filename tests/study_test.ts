/** The study of bench/results: its charts and tables are those of its results, and show what they say. */

import { assert, assertEquals, assertMatch } from "@std/assert";
import { familyChart, frontier } from "../bench/results/chart.ts";
import { familyOf } from "../bench/results/families.ts";
import { studyFiles } from "../bench/results/files.ts";
import { summaryOf } from "../bench/results/read.ts";
import { FIXED_RESULTS } from "./_eval_results.ts";

const FOLDER = new URL("../bench/results/", import.meta.url);

Deno.test("the study's charts and tables are what its results say", async () => {
  const files = await studyFiles(FOLDER);
  const drawn = [...Deno.readDirSync(FOLDER)].map(({ name }) => name)
    .filter((name) => /\.(svg|md)$/.test(name));
  assertEquals([...files.keys()].sort(), drawn.sort());
  for (const [name, text] of files) {
    const isSame = Deno.readTextFileSync(new URL(name, FOLDER)) === text;
    assert(isSame, `${name} is old: deno run -A bench/results/study.ts --draw`);
  }
});

Deno.test("cases that an interrupted run has for some specs only do not count", () => {
  const all = summaryOf(FIXED_RESULTS, "continuation").summary;
  const last = FIXED_RESULTS.findLastIndex(({ protocol }) => protocol === "continuation");
  const cut = summaryOf(FIXED_RESULTS.toSpliced(last, 1), "continuation").summary;
  assertEquals(new Set(cut.map(({ n }) => n)), new Set([all[0]!.n - 1]));
  assertEquals(cut.length, all.length);
});

Deno.test("a family's line goes through what none of it beats", () => {
  const mark = (x: number, y: number) => ({ family: "rows", x, y });
  const [small, same, worse, large] = [mark(12, 3), mark(12.3, 2), mark(25, 2.5), mark(50, 1)];
  assertEquals(frontier([small, same, worse, large], "low"), [same, large]);
  assertEquals(frontier([small, same, worse, large], "high"), [small]);
});

Deno.test("a chart has a mark a spec and its own colours in light and dark", async () => {
  const marks = [{ family: "codes", x: 33, y: 0.01 }, { family: "rows", x: 50, y: 0.02 }];
  const ticks = [0.01, 0.1];
  const vertical = { title: "KL", better: "low", scale: "log", ticks } as const;
  const svg = await familyChart(marks, { title: "A < B", vertical });
  assertEquals(svg.match(/<path[^>]* aria-roledescription="point"/g)?.length, marks.length);
  assertMatch(svg, /A &lt; B/);
  assertMatch(svg, /@media \(prefers-color-scheme:dark\)/);
  const used = new Set(svg.match(/var\(--\w+\)/g));
  for (const name of used) assert(svg.includes(`${name.slice(4, -1)}:`), name);
});

Deno.test("a spec's family says what its steps do", () => {
  assertEquals(familyOf("snapkv:budget=1+think:ratio=0.4+kivi"), "rows, codes");
  assertEquals(familyOf("tova+think_bits:budget=0.2"), "rows, think_bits");
  assertEquals(familyOf("think+think_values"), "channels");
  assertEquals(familyOf("think:ratio=0.4+rotated:keys=0"), "channels, codes");
});
