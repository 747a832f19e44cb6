/**
 * `deno task bench roofline`: the machine's ceilings, measured now, then each kernel of the real plan beside
 * them, in a step of decoding and one of a prompt. Times are taken inside the step, from barrier to barrier.
 */

import { formatBytes } from "../../core/bytes.ts";
import { KerfError } from "../../core/error.ts";
import { isaName } from "../../device/cpu/isa.ts";
import { machineIsas } from "../../device/cpu/machine_isas.ts";
import { openCpuDevice } from "../../device/cpu/device.ts";
import type { Device } from "../../device/types.ts";
import { slotStoredBytes } from "../../engine/cache_bytes.ts";
import { matrixBytes } from "../../engine/weights.ts";
import type { ParsedArgs } from "../args.ts";
import { commitWithChanges } from "../commit.ts";
import { readHeader } from "../inspect/header.ts";
import { loadWithProgress } from "../load_flags.ts";
import { openProgress, writeError, writeOut } from "../terminal.ts";
import { measureCeilings } from "./ceilings.ts";
import { giga, kernelRows, kernelTable } from "./kernel_rows.ts";
import { markdownTable } from "./markdown_table.ts";
import { prefill, tokensAt } from "./measure.ts";
import { formatObjects } from "./report.ts";
import type { BenchFormat } from "./report.ts";

/** The ceilings of one instruction set on some threads. */
interface CeilingRow {
  readonly ceiling: string;
  readonly n_threads: number;
  readonly read_bytes_s: number;
  readonly f32_macs_s: number;
  readonly byte_macs_s: number;
}

/** One step of the plan: its header, and how long each invocation took, in ns. */
interface TimedStep {
  readonly header: Uint32Array;
  readonly times: Float64Array;
}

/** A device that times every program; `last` gives the latest run. */
function timing(device: Device): { device: Device; last: () => TimedStep } {
  let last: TimedStep | undefined;
  return {
    device: {
      ...device,
      async run(program, header, read) {
        last = { header, times: await device.runTimed!(program, header) };
        return read ? await device.read(read.buffer, read.offset, read.bytes) : new Uint8Array();
      },
    },
    last: () => last!,
  };
}

function ceilingTable(rows: readonly CeilingRow[]): string {
  return markdownTable(
    ["instruction set", "threads", "read GB/s", "f32 GMAC/s", "byte GMAC/s"],
    rows.map((row) => [
      row.ceiling,
      String(row.n_threads),
      ...[row.read_bytes_s, row.f32_macs_s, row.byte_macs_s].map(giga),
    ]),
    1,
  );
}

/** The ceilings of every instruction set here, on one thread and on `threads`. */
async function allCeilings(
  options: { readonly bytes: number; readonly repetitions: number; readonly threads: number },
  best: Device,
): Promise<CeilingRow[]> {
  const rows: CeilingRow[] = [];
  const isas = await machineIsas();
  const first = isas.findIndex((isa) => best.name.includes(isaName(isa)));
  for (const isa of isas.slice(first)) {
    for (const threads of new Set([1, options.threads])) {
      const device = await openCpuDevice({ isa, threads });
      try {
        const { readBytes, f32Macs, byteMacs } = await measureCeilings(device, options);
        rows.push({
          ...{ ceiling: isaName(isa), n_threads: threads },
          ...{ read_bytes_s: readBytes, f32_macs_s: f32Macs, byte_macs_s: byteMacs },
        });
      } finally {
        device.close();
      }
    }
  }
  return rows;
}

/** The command: `values` are the flags of `bench`. */
export async function roofline(values: ParsedArgs["values"]): Promise<number> {
  if ((values.device ?? "cpu") !== "cpu") {
    throw new KerfError(`Cannot time the kernels of ${values.device} one by one`, {
      hint: "deno task bench roofline --device cpu",
      exitCode: 2,
    });
  }
  const first = (name: string, fallback: number) =>
    (values[name] as readonly number[] | undefined)?.[0] ?? fallback;
  const [nPrompt, nDepth] = [first("p", 512), first("d", 0)];
  const repetitions = (values.r as number | undefined) ?? 9;
  const threads = (values.t as number | undefined) ?? navigator.hardwareConcurrency;
  const prune = ([values.prune ?? []].flat() as readonly string[])[0] ?? "none";
  const drawer = openProgress();
  const timed = timing(await openCpuDevice({ threads }));
  const { nCtx } = (await readHeader(values)).config;
  // A prompt's step leaves its rows in the cache: the next one is so much deeper.
  const nPrompts = Math.min(3, Math.floor((nCtx - nDepth - repetitions) / Math.max(1, nPrompt)));
  if (nPrompts < 1) {
    throw new KerfError(
      `Cannot decode ${repetitions} tokens and read ${nPrompt} behind ${nDepth}: the model knows ` +
        `${nCtx} positions`,
      { hint: "lower -d, -p or -r", exitCode: 2 },
    );
  }
  using model = await loadWithProgress({ ...values, prune }, drawer, {
    ...{ prune, parallel: 1, nCtx: nDepth + repetitions + nPrompts * nPrompt },
    ...(nPrompt > 0 ? { chunkSize: nPrompt } : {}),
    openDevice: () => Promise.resolve(timed.device),
  });
  const { loaded } = model;
  const { engine } = loaded;
  const { cache } = engine;
  const slot = cache.openSlot();
  await prefill(loaded, slot, { first: 0, n: nDepth, logits: false });
  await engine.compress(slot);
  /** `n` steps of `nRows` rows, each behind the one before; the bytes are those at the middle one. */
  const steps = async (first: number, nRows: number, n: number) => {
    const timedSteps: TimedStep[] = [];
    let layerBytes = 0;
    for (let i = 0; i < n; i++) {
      const position = first + i * nRows;
      drawer.draw({ label: `steps of ${nRows} tokens`, done: i, total: n });
      const tokens = tokensAt(position, nRows, loaded.config.nVocab);
      await engine.step([{ slot, position, tokens, logits: "pick" }]);
      timedSteps.push(timed.last());
      if (i <= n >> 1) layerBytes = slotStoredBytes(cache, slot) / loaded.config.nLayers;
    }
    drawer.end();
    const { header } = timedSteps[n >> 1]!;
    const shape = { header, nDepth: first + (n >> 1) * nRows, layerBytes };
    return { times: timedSteps.map(({ times }) => times), shape };
  };
  const decoded = await steps(nDepth, 1, repetitions);
  const read = nPrompt > 0 ? await steps(nDepth + repetitions, nPrompt, nPrompts) : undefined;
  const weights = loaded.plan.inputs.weights.matrices.reduce((sum, m) => sum + matrixBytes(m), 0);
  const bytes = weights + slotStoredBytes(cache, slot);
  const ceilings = await allCeilings({ bytes, repetitions, threads }, timed.device);
  const own = ceilings.find((row) => row.n_threads === threads)!;
  const shared = {
    readBytes: own.read_bytes_s,
    f32Macs: own.f32_macs_s,
    byteMacs: own.byte_macs_s,
  };
  const tables = [
    { step: "decode", title: `one token after ${nDepth}`, measured: decoded },
    { step: "prefill", title: `${nPrompt} tokens of a prompt after ${nDepth}`, measured: read },
  ].flatMap(({ step, title, measured }) =>
    measured
      ? [{ title, rows: kernelRows(loaded.plan, { step, ...measured, ceilings: shared }) }]
      : []
  );
  writeError(
    `${model.device}, ${Deno.build.target}; commit ${await commitWithChanges()}; ${prune}\n`,
  );
  const format = (values.o as BenchFormat | undefined) ?? "md";
  writeOut(
    format === "md"
      ? [`Ceilings, reading ${formatBytes(bytes)}:\n\n${ceilingTable(ceilings)}`]
        .concat(tables.map(({ title, rows }) => `A step of ${title}:\n\n${kernelTable(rows)}`))
        .join("\n")
      : formatObjects<object>([...ceilings, ...tables.flatMap(({ rows }) => rows)], format),
  );
  return 0;
}
