import { assertEquals, assertStringIncludes } from "@std/assert";
import { stagesOf, startupRows, startupTable } from "./startup.ts";

const traces = (startMs: number, slower: number) => [
  {
    originMs: startMs + 20,
    marks: [{ stage: "launcher", atMs: startMs + 50, cpuMs: 40 }],
  },
  {
    originMs: startMs + 90,
    marks: [
      { stage: "modules", atMs: startMs + 130, cpuMs: 60 },
      { stage: "step", atMs: startMs + 190 + slower, cpuMs: 100 + slower },
    ],
  },
];
const starts = [1000, 5000, 9000].map((ms, i) => stagesOf(ms, traces(ms, 10 * i)));

Deno.test("stages leave no gap between the command and the first token", () => {
  assertEquals(starts[1]!.map(({ name, ms, cpuMs }) => [name, ms, cpuMs]), [
    ["deno task, Deno starts", 20, null],
    ["launcher", 30, 40],
    ["Deno starts again, scoped", 40, null],
    ["modules", 40, 60],
    ["step", 70, 50],
  ]);
});

Deno.test("rows hold the least and the middle of each stage, and of all together", () => {
  const rows = startupRows(starts);
  assertEquals(rows.at(-2), { stage: "step", min_ms: 60, median_ms: 70, min_cpu_ms: 40 });
  const total = { stage: "to the first token", min_ms: 190, median_ms: 200, min_cpu_ms: 140 };
  assertEquals(rows.at(-1), total);
  assertStringIncludes(startupTable(rows), "| to the first token        |    190.0 |     200.0 |");
});
