/**
 * `deno task bench`: llama-bench's tests on a model, with cache bytes beside the speeds. Repetitions of
 * all specs (and of the peer) take turns, so that a machine whose speed drifts slows all of them alike.
 */

import { KerfError } from "../core/error.ts";
import { peakRssBytes } from "../engine/generation.ts";
import type { LoadOptions, Model } from "../mod.ts";
import { refuseWords } from "./args.ts";
import type { ParsedArgs } from "./args.ts";
import { besideBusy } from "./bench/busy.ts";
import { CHECK_TOKENS, checkModel, runOnce } from "./bench/measure.ts";
import type { BenchSample, BenchTest } from "./bench/measure.ts";
import { bestOfPeer, runPeer } from "./bench/peer.ts";
import type { PeerOptions, PeerRun } from "./bench/peer.ts";
import { saveRows } from "./bench/results.ts";
import { roofline } from "./bench/roofline.ts";
import { startup } from "./bench/startup.ts";
import { tune } from "./bench/tune.ts";
import { formatRows } from "./bench/report.ts";
import type { BenchFormat } from "./bench/report.ts";
import { rowOf, testName } from "./bench/row.ts";
import type { BenchRow, SharedColumns } from "./bench/row.ts";
import { commitWithChanges } from "./commit.ts";
import { readHeader } from "./inspect/header.ts";
import { loadWithProgress, modelName } from "./load_flags.ts";
import { userPath } from "./root.ts";
import { openProgress, writeError, writeOut } from "./terminal.ts";
import { expandSweep } from "../engine/sweep.ts";
import { runCommandLine } from "./main.ts";

/** The tests that -p, -n, -d and -npl span: every prompt length, then every decode length, per depth. */
function testsOf(values: ParsedArgs["values"]): BenchTest[] {
  const list = (name: string, fallback: number[]) => (values[name] as number[]) ?? fallback;
  const tests: BenchTest[] = [];
  for (const nDepth of list("d", [0])) {
    for (const nParallel of list("npl", [1])) {
      const at = { nDepth, nParallel };
      for (const nPrompt of list("p", [512])) {
        if (nPrompt > 0) tests.push({ ...at, nPrompt, nGen: 0 });
      }
      for (const nGen of list("n", [128])) {
        if (nGen > 0) tests.push({ ...at, nPrompt: 0, nGen });
      }
    }
  }
  if (tests.length === 0 || tests.some((t) => t.nDepth < 0 || t.nParallel < 1)) {
    throw new KerfError("There is nothing to measure", { hint: "-p 512 -n 128", exitCode: 2 });
  }
  return tests;
}

/** What else than a model's speed can be measured. */
const SUBJECTS: Readonly<Record<string, (values: ParsedArgs["values"]) => Promise<number>>> = {
  startup,
  roofline,
  tune,
};

export async function main({ values, positionals }: ParsedArgs): Promise<number> {
  const [subject, ...words] = positionals;
  const measureSubject = subject === undefined ? undefined : SUBJECTS[subject];
  if (measureSubject) {
    refuseWords(`bench ${subject}`, words);
    return await measureSubject(values);
  }
  refuseWords("bench", positionals);
  const tests = testsOf(values);
  const repetitions = (values.r as number | undefined) ?? 5;
  if (repetitions < 1) {
    throw new KerfError(`Cannot repeat ${repetitions} times`, { hint: "-r 5", exitCode: 2 });
  }
  const specs = ((values.prune as readonly string[] | undefined) ?? ["none"]).flatMap(expandSweep);
  const longest = Math.max(CHECK_TOKENS, ...tests.map((t) => t.nDepth + t.nPrompt + t.nGen));
  const { config } = await readHeader(values);
  if (longest > config.nCtx) {
    throw new KerfError(
      `Cannot measure ${longest} tokens in a row: the model knows ${config.nCtx} positions`,
      { hint: "lower -d, -p or -n", exitCode: 2 },
    );
  }
  const parallel = Math.max(...tests.map((t) => t.nParallel));
  const drawer = openProgress();
  const models: Model[] = [];
  try {
    for (const prune of specs) {
      const more: LoadOptions = { prune, parallel, nCtx: longest };
      models.push(await loadWithProgress({ ...values, prune }, drawer, more));
    }
    for (const model of models) await checkModel(model.loaded);
    const rows: BenchRow[] = [];
    const shared = await machineOf(values, models[0]!);
    writeError(`${shared.machine}; commit ${shared.build_commit}\n`);
    for (const test of tests) {
      rows.push(...await measure(test, { models, repetitions, values, shared }));
    }
    if (values.save === true) await saveRows(rows);
    writeOut(formatRows(rows, (values.o as BenchFormat | undefined) ?? "md"));
    return 0;
  } finally {
    models.forEach((model) => model.close());
    drawer.end();
  }
}

type MachineColumns = Omit<SharedColumns, "prune">;

async function machineOf(values: ParsedArgs["values"], model: Model): Promise<MachineColumns> {
  const { gguf, chunkSize, engine } = model.loaded;
  const tensors = [...gguf.tensors.values()];
  return {
    build_commit: await commitWithChanges(),
    machine: `${model.device}, ${Deno.build.target}`,
    backends: engine.device.kind.toUpperCase(),
    model_filename: modelName(model),
    model_type: String(gguf.metadata.get("general.name") ?? ""),
    model_size: tensors.reduce((sum, { bytes }) => sum + bytes, 0),
    model_n_params: tensors.reduce((sum, { shape }) => sum + shape.reduce((a, b) => a * b, 1), 0),
    n_batch: chunkSize,
    n_ubatch: chunkSize,
    n_threads: (values.t as number | undefined) ?? navigator.hardwareConcurrency,
    type_k: (values.ctk as string | undefined) ?? "f16",
    type_v: (values.ctv as string | undefined) ?? "f16",
  };
}

/** One test on every model, and on the peer: a warm-up, then turns. */
async function measure(
  test: BenchTest,
  { models, repetitions, values, shared }: {
    models: readonly Model[];
    repetitions: number;
    values: ParsedArgs["values"];
    shared: MachineColumns;
  },
): Promise<BenchRow[]> {
  const samples: BenchSample[][] = models.map(() => []);
  const busy: BenchSample[][] = models.map(() => []);
  const nProcesses = values.busy === true ? navigator.hardwareConcurrency : 0;
  // One sequence is what llama-bench can run.
  const peers = (test.nParallel === 1 ? peersOf(values, models[0]!, shared) : [])
    .map((options) => ({ options, runs: [] as PeerRun[], best: undefined as PeerRun | undefined }));
  const drawer = openProgress();
  const label = testName(test);
  for (let i = 0; i <= repetitions; i++) {
    drawer.draw({ label, done: i, total: repetitions });
    for (const [m, model] of models.entries()) {
      const warmUp = i === 0;
      const sample = await runOnce(model.loaded, warmUp ? shortened(test) : test);
      if (warmUp) continue;
      samples[m]!.push(sample);
      if (nProcesses === 0) continue;
      busy[m]!.push(await besideBusy(nProcesses, () => runOnce(model.loaded, test)));
    }
    for (const peer of peers) {
      if (peer.best) peer.runs.push(await runPeer(peer.options, test, peer.best.flashAttention));
      else peer.best = await bestOfPeer(peer.options, test);
    }
  }
  drawer.end();
  return models.map((model, m) =>
    rowOf({ ...shared, prune: model.loaded.prune.spec }, test, {
      samples: samples[m]!,
      busy: nProcesses > 0 ? { nProcesses, samples: busy[m]! } : undefined,
      peers,
      peakRssBytes: peakRssBytes(),
    })
  );
}

/** What --vs, --vs-m and --vs-cache name: every file of the peer's with every type of its cache. */
function peersOf(
  values: ParsedArgs["values"],
  model: Model,
  shared: MachineColumns,
): PeerOptions[] {
  if (values.vs === undefined) {
    const stray = ["vs-m", "vs-cache"].find((name) => values[name] !== undefined);
    if (stray === undefined) return [];
    throw new KerfError(`Cannot use --${stray} without a peer`, {
      hint: `--vs PATH/llama-bench --${stray} ${[values[stray]].flat()[0]}`,
      exitCode: 2,
    });
  }
  const own = [model.loaded.gguf.path];
  const files = (values["vs-m"] as readonly string[] | undefined)?.map(userPath) ?? own;
  const types = (values["vs-cache"] as string | undefined)?.split(",") ?? [];
  const caches = types.length > 0
    ? types.map((type) => ({ key: type, value: type }))
    : [{ key: shared.type_k, value: shared.type_v }];
  const { n_threads: threads } = shared;
  const program = userPath(values.vs as string);
  return files.flatMap((model) =>
    caches.map((cacheTypes) => ({ program, model, threads, cacheTypes }))
  );
}

/** The warm-up touches the same code and pages without the whole depth. */
const shortened = (test: BenchTest): BenchTest => ({
  ...test,
  nDepth: Math.min(test.nDepth, 256),
  nGen: Math.min(test.nGen, 8),
});

if (import.meta.main) Deno.exit(await runCommandLine(Deno.args, { main }));
