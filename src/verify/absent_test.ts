import { assertEquals } from "@std/assert";
import type { Target } from "../core/manifest.ts";
import { sortJobs } from "./absent.ts";
import type { Job } from "./jobs.ts";

const job = (variant: string, name: string, kernels: readonly string[]): Job => ({
  ...{ variant, kind: "pruning", case: name },
  uses: kernels.map((kernel) => ({ name: kernel, defines: {} })),
  prepare: () => () => Promise.resolve([]),
});

Deno.test("cases whose kernels a target lacks are left out there, and it is said once per variant", () => {
  const jobs = [
    job("drops", "a", ["append__x", "drop__x"]),
    job("drops", "b", ["append__y", "drop__y", "copy__y"]),
    job("stays", "a", ["append__x"]),
    { ...job("drops", "c", ["copy_q8__x"]), mayLack: true },
  ];
  const lacks = (name: string, target: Target) => target === "wgsl" && !name.startsWith("append");
  const on = (target: "c" | "wgsl") =>
    sortJobs(jobs, { renderer: { lacks }, target: { target, label: `on ${target}` } });
  assertEquals(on("c"), { jobs, absent: [] });
  assertEquals(on("wgsl"), {
    jobs: [jobs[2]!],
    absent: [
      {
        ...{ variant: "drops", kind: "pruning", label: "on wgsl", kernels: ["copy", "drop"] },
        ...{ cases: 2, of: 2 },
      },
    ],
  });
});
