/**
 * `deno task bench roofline`: the machine's ceilings, measured now, then each kernel of the real plan beside
 * them, in a step of decoding and one of a prompt. Times are taken inside the step, from barrier to barrier;
 * memory is read between the steps, since company on a machine takes its bandwidth first.
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
import { measureCeilings, openReading } from "./ceilings.ts";
import type { Ceilings } from "./ceilings.ts";
import { giga, kernelRows, kernelTable } from "./kernel_rows.ts";
import { markdownTable } from "./markdown_table.ts";
import { prefill } from "./measure.ts";
import { measureDecoding, measurePrompts, TOKENS_OF_TURN } from "./measured_steps.ts";
import { readShare, readShareText } from "./read_share.ts";
import { formatObjects } from "./report.ts";
import type { BenchFormat } from "./report.ts";
import { timedDevice } from "./timed_device.ts";

/** The ceilings of one instruction set on some threads. */
interface CeilingRow {
  readonly ceiling: string;
  readonly n_threads: number;
  readonly read_bytes_s: number;
  readonly f32_macs_s: number;
  readonly bf16_macs_s: number;
  readonly byte_macs_s: number;
}

function ceilingTable(rows: readonly CeilingRow[]): string {
  return markdownTable(
    ["instruction set", "threads", "read GB/s", "f32 GMAC/s", "bf16 GMAC/s", "byte GMAC/s"],
    rows.map((row) => [
      row.ceiling,
      String(row.n_threads),
      ...[row.read_bytes_s, row.f32_macs_s, row.bf16_macs_s, row.byte_macs_s].map(giga),
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
        const { readBytes, macs } = await measureCeilings(device, options);
        rows.push({
          ...{ ceiling: isaName(isa), n_threads: threads, read_bytes_s: readBytes },
          ...{ f32_macs_s: macs.f32, bf16_macs_s: macs.bf16, byte_macs_s: macs.bytes },
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
  const raw = await openCpuDevice({ threads });
  const { device, timed } = timedDevice(raw);
  const { nCtx } = (await readHeader(values)).config;
  // A prompt's step leaves its rows in the cache: the next one is so much deeper.
  const nDecoded = TOKENS_OF_TURN * repetitions;
  const nPrompts = Math.min(3, Math.floor((nCtx - nDepth - nDecoded) / Math.max(1, nPrompt)));
  if (nPrompts < 1) {
    throw new KerfError(
      `Cannot decode ${nDecoded} tokens and read ${nPrompt} behind ${nDepth}: the model knows ` +
        `${nCtx} positions`,
      { hint: "lower -d, -p or -r", exitCode: 2 },
    );
  }
  using model = await loadWithProgress({ ...values, prune }, drawer, {
    ...{ prune, parallel: 1, nCtx: nDepth + nDecoded + nPrompts * nPrompt },
    ...(nPrompt > 0 ? { chunkSize: nPrompt } : {}),
    openDevice: () => Promise.resolve(device),
  });
  const { loaded } = model;
  const { engine } = loaded;
  const { cache } = engine;
  const slot = cache.openSlot();
  await prefill(loaded, slot, { first: 0, n: nDepth, logits: false });
  await engine.compress(slot);
  const place = { loaded, slot, timed, onTurn: drawer.draw.bind(drawer) };
  const { matrices, embedding, head } = loaded.plan.inputs.weights;
  // Of a table that is no head a step reads one row.
  const weightBytes = matrices.filter((m) => !embedding.includes(m) || head.includes(m))
    .reduce((sum, m) => sum + matrixBytes(m), 0);
  const bytes = weightBytes + slotStoredBytes(cache, slot);
  using reading = await openReading(raw, bytes);
  const decoded = await measureDecoding(place, { n: repetitions, reading, weightBytes });
  const share = readShare(bytes, decoded.turns);
  const read = nPrompt > 0
    ? await measurePrompts(place, { n: nPrompts, nRows: nPrompt })
    : undefined;
  drawer.end();
  const ceilings = await allCeilings({ bytes, repetitions, threads }, raw);
  const own = ceilings.find((row) => row.n_threads === threads)!;
  const shared: Ceilings = {
    readBytes: share.read_bytes_s,
    macs: { f32: own.f32_macs_s, bf16: own.bf16_macs_s, bytes: own.byte_macs_s },
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
      ? [
        `Ceilings, reading ${formatBytes(bytes)}:\n\n${ceilingTable(ceilings)}`,
        readShareText(share, { nDepth, threads }),
      ].concat(tables.map(({ title, rows }) => `A step of ${title}:\n\n${kernelTable(rows)}`))
        .join("\n")
      : formatObjects<object>([...ceilings, share, ...tables.flatMap(({ rows }) => rows)], format),
  );
  return 0;
}
