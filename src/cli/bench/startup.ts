/**
 * `deno task bench startup`: starts `deno task run` several times with one token to make, and says where the
 * time to that token goes, stage by stage. Elapsed time is what people wait for; processor time is what
 * stays the same while other work runs on the machine.
 */

import { KerfError } from "../../core/error.ts";
import { runCommand } from "../../sys/command.ts";
import { startupTraces } from "../../sys/startup_marks.ts";
import type { StartupTrace } from "../../sys/startup_marks.ts";
import { ROOT } from "../root.ts";
import type { ParsedArgs } from "../args.ts";
import { spelled } from "../args.ts";
import { commit } from "../commit.ts";
import { commandOf } from "../flags.ts";
import { openProgress, writeError, writeOut } from "../terminal.ts";
import { markdownTable } from "./markdown_table.ts";
import { formatObjects } from "./report.ts";
import type { BenchFormat } from "./report.ts";
import { median } from "./spread.ts";

/** One stage of one start. */
interface Stage {
  readonly name: string;
  readonly ms: number;
  /** Null where no process of Kerf's runs yet. */
  readonly cpuMs: number | null;
}

/** A stage over all starts. */
export interface StartupRow {
  readonly stage: string;
  readonly min_ms: number;
  readonly median_ms: number;
  readonly min_cpu_ms: number | null;
}

/**
 * The stages of a start, in order and without gaps.
 *
 * @param startedMs when the command was started, milliseconds since 1970
 * @param traces the launcher's, then the command's
 */
export function stagesOf(startedMs: number, traces: readonly StartupTrace[]): Stage[] {
  const stages: Stage[] = [];
  let lastMs = startedMs;
  for (const [i, { originMs, marks }] of traces.entries()) {
    const name = i === 0 ? "deno task, Deno starts" : "Deno starts again, scoped";
    stages.push({ name, ms: originMs - lastMs, cpuMs: null });
    lastMs = originMs;
    let lastCpuMs = 0;
    for (const { stage, atMs, cpuMs } of marks) {
      stages.push({ name: stage, ms: atMs - lastMs, cpuMs: cpuMs - lastCpuMs });
      [lastMs, lastCpuMs] = [atMs, cpuMs];
    }
  }
  return stages;
}

/** Each stage over several starts, then all of them together. */
export function startupRows(starts: readonly (readonly Stage[])[]): StartupRow[] {
  const rowOf = (stage: string, ms: readonly number[], cpuMs: readonly (number | null)[]) => ({
    stage,
    min_ms: Math.min(...ms),
    median_ms: median(ms),
    min_cpu_ms: cpuMs.every((cpu) => cpu !== null) ? Math.min(...cpuMs) : null,
  });
  const sum = (values: readonly (number | null)[]) =>
    values.reduce<number>((total, value) => total + (value ?? 0), 0);
  const total = rowOf(
    "to the first token",
    starts.map((stages) => sum(stages.map(({ ms }) => ms))),
    starts.map((stages) => sum(stages.map(({ cpuMs }) => cpuMs))),
  );
  const names = starts[0]!.map(({ name }) => name);
  return [
    ...names.map((name, i) =>
      rowOf(name, starts.map((s) => s[i]!.ms), starts.map((s) => s[i]!.cpuMs))
    ),
    total,
  ];
}

/** Starts once. @throws {KerfError} the start failed */
async function startOnce(words: readonly string[]): Promise<Stage[]> {
  const env = Object.fromEntries(
    ["KERF_CACHE", "DENO_DIR", "KERF_ISA", "CC"].flatMap((name) => {
      const value = Deno.env.get(name);
      return value === undefined ? [] : [[name, value]];
    }),
  );
  const startedMs = performance.timeOrigin + performance.now();
  const { code, stderr } = await runCommand(
    Deno.execPath(),
    ["task", "run", ...words, "-n", "1", "Hello"],
    { cwd: ROOT, env: { ...env, INIT_CWD: Deno.env.get("INIT_CWD") ?? ROOT, KERF_STARTUP: "1" } },
  );
  const traces = startupTraces(stderr);
  if (code === 0 && traces.length === 2) return stagesOf(startedMs, traces);
  throw new KerfError(`Cannot measure a start: it ended with code ${code}`, {
    hint: stderr.trim().split("\n").filter((line) => !line.startsWith("kerf-")).at(-1) ?? "",
  });
}

/**
 * Starts `repetitions` times, after once that fills the caches.
 *
 * @param words flags of `run`
 */
export async function measureStartup(
  words: readonly string[],
  repetitions: number,
  onStart: (done: number) => void,
): Promise<StartupRow[]> {
  const starts: Stage[][] = [];
  for (let i = 0; i <= repetitions; i++) {
    onStart(i);
    const stages = await startOnce(words);
    if (i > 0) starts.push(stages);
  }
  return startupRows(starts);
}

/** The rows as a table of Markdown. */
export function startupTable(rows: readonly StartupRow[]): string {
  const shown = (ms: number | null) => ms === null ? "" : ms.toFixed(1);
  return markdownTable(
    ["stage", "least ms", "median ms", "least CPU ms"],
    rows.map((row) => [
      row.stage,
      ...[row.min_ms, row.median_ms, row.min_cpu_ms].map(shown),
    ]),
    1,
  );
}

/** The command: `values` are the flags of `bench`, of which a start takes those that `run` has. */
export async function startup(values: ParsedArgs["values"]): Promise<number> {
  const format = (values.o as BenchFormat | undefined) ?? "md";
  const repetitions = (values.r as number | undefined) ?? 5;
  const words = ["m", "device", "prune", "attention", "activations", "t", "ctk", "ctv"]
    .flatMap((name) => {
      const given = [values[name] ?? []].flat();
      const flag = commandOf("run")!.flags.find((flag) => flag.name === name)!;
      return given.slice(0, 1).flatMap((value) => [spelled(flag), String(value)]);
    });
  const drawer = openProgress();
  const rows = await measureStartup(
    words,
    repetitions,
    (done) => drawer.draw({ label: "starting", done, total: repetitions }),
  ).finally(() => drawer.end());
  writeError(
    `${Deno.build.target}, ${navigator.hardwareConcurrency} processors; commit ${await commit()}\n`,
  );
  writeOut(format === "md" ? startupTable(rows) : formatObjects(rows, format));
  return 0;
}
