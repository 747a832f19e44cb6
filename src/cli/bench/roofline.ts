/**
 * `deno task bench roofline`: the machine's ceilings, measured now, then each kernel of the real plan beside
 * them, in a step of decoding and one of a prompt; of several specs also what the others save of the first one's
 * attention. Times are taken inside the step, from barrier to barrier; memory is read between the steps, since
 * company on a machine takes its bandwidth first.
 */

import { formatBytes } from "../../core/bytes.ts";
import { KerfError } from "../../core/error.ts";
import { openCpuDevice } from "../../device/cpu/device.ts";
import { expandSweep } from "../../engine/sweep.ts";
import type { ParsedArgs } from "../args.ts";
import { commitWithChanges } from "../commit.ts";
import { readHeader } from "../inspect/header.ts";
import { loadWithProgress } from "../load_flags.ts";
import { openProgress, writeError, writeOut } from "../terminal.ts";
import { ceilingRows, ceilingTable } from "./ceiling_rows.ts";
import type { CeilingRow } from "./ceiling_rows.ts";
import { attentionNs, kernelRows, kernelTable } from "./kernel_rows.ts";
import { measureSpecs } from "./measured_specs.ts";
import type { MeasuredSpec } from "./measured_specs.ts";
import { stepsOf, TOKENS_OF_TURN } from "./measured_steps.ts";
import type { MeasuredSteps } from "./measured_steps.ts";
import { readShare, readShareText } from "./read_share.ts";
import { formatObjects } from "./report.ts";
import type { BenchFormat } from "./report.ts";
import { savedRows, savedText } from "./saved_time.ts";
import type { AttentionTurns } from "./saved_time.ts";
import { timedDevice } from "./timed_device.ts";

/** What is measured. */
interface Asked {
  readonly prunes: readonly [string, ...string[]];
  readonly depths: readonly number[];
  readonly nPrompt: number;
  readonly repetitions: number;
  readonly threads: number;
}

/** @throws {KerfError} what the flags ask for cannot be measured together */
function askedOf(values: ParsedArgs["values"]): Asked {
  if ((values.device ?? "cpu") !== "cpu") {
    throw new KerfError(`Cannot time the kernels of ${values.device} one by one`, {
      hint: "deno task bench roofline --device cpu",
      exitCode: 2,
    });
  }
  const prompts = (values.p as readonly number[] | undefined) ?? [512];
  if (prompts.length > 1) {
    throw new KerfError(`Cannot take prompts of ${prompts.join(" and ")} tokens in one roofline`, {
      hint: `-p ${prompts[0]}`,
      exitCode: 2,
    });
  }
  const repetitions = (values.r as number | undefined) ?? 9;
  if (repetitions < 1) {
    throw new KerfError(`Cannot repeat ${repetitions} times`, { hint: "-r 9", exitCode: 2 });
  }
  const [first = "none", ...others] = [values.prune ?? []].flat().map(String).flatMap(expandSweep);
  return {
    prunes: [first, ...others],
    depths: (values.d as readonly number[] | undefined) ?? [0],
    nPrompt: prompts[0]!,
    repetitions,
    threads: (values.t as number | undefined) ?? navigator.hardwareConcurrency,
  };
}

/** What is told of one spec at one depth. */
function reportOf(
  { loaded, nDepth, bytes, turns, prompts }: MeasuredSpec,
  { nPrompt, threads, own }: {
    readonly nPrompt: number;
    readonly threads: number;
    readonly own: CeilingRow;
  },
) {
  const prune = loaded.prune.spec;
  const share = readShare(bytes, turns.map(({ read }) => read));
  const ceilings = {
    readBytes: share.read_bytes_s,
    macs: { f32: own.f32_macs_s, bf16: own.bf16_macs_s, bytes: own.byte_macs_s },
  };
  const rowsOf = (step: string, steps: MeasuredSteps) =>
    kernelRows(loaded.plan, { step, ...steps, ceilings });
  const tables = [
    { title: `one token after ${nDepth}`, rows: rowsOf("decode", stepsOf(turns)) },
    ...(prompts
      ? [{
        title: `${nPrompt} tokens of a prompt after ${nDepth}`,
        rows: rowsOf("prefill", prompts),
      }]
      : []),
  ];
  const attention: AttentionTurns = {
    prune,
    turns: turns.map((turn) => ({
      ns: attentionNs(rowsOf("decode", turn)),
      bytes: turn.shape.layerBytes * loaded.config.nLayers,
    })),
  };
  return {
    attention,
    objects: [share, ...tables.flatMap(({ rows }) => rows)].map((row) => ({
      prune,
      n_depth: nDepth,
      ...row,
    })),
    text: [
      readShareText(share, { nDepth, threads }),
      ...tables.map(({ title, rows }) => `A step of ${title}, ${prune}:\n\n${kernelTable(rows)}`),
    ],
  };
}

/** The command: `values` are the flags of `bench`. */
export async function roofline(values: ParsedArgs["values"]): Promise<number> {
  const asked = askedOf(values);
  const { prunes, depths, nPrompt, repetitions, threads } = asked;
  const drawer = openProgress();
  const raw = await openCpuDevice({ threads });
  const { device, timed } = timedDevice(raw);
  const { nCtx } = (await readHeader(values)).config;
  const deepest = Math.max(...depths);
  const nMore = Math.max(TOKENS_OF_TURN * repetitions, nPrompt);
  if (deepest + nMore > nCtx) {
    throw new KerfError(
      `Cannot take ${nMore} tokens behind ${deepest}: the model knows ${nCtx} positions`,
      { hint: "lower -d, -p or -r", exitCode: 2 },
    );
  }
  const [prune, ...others] = prunes;
  using model = await loadWithProgress({ ...values, prune }, drawer, {
    ...{ prune, parallel: 1, nCtx: deepest + nMore },
    ...(nPrompt > 0 ? { chunkSize: nPrompt } : {}),
    openDevice: () => Promise.resolve(device),
  });
  const models = [model.loaded];
  for (const other of others) models.push(await model.loaded.withPrune(other));
  const measured: MeasuredSpec[][] = [];
  for (const nDepth of depths) {
    const more = { raw, timed, nDepth, repetitions, nPrompt, drawer };
    measured.push(await measureSpecs(models, more));
  }
  drawer.end();
  const bytes = Math.max(...measured.flat().map((one) => one.bytes));
  const ceilings = await ceilingRows({ bytes, repetitions, threads }, raw);
  const own = ceilings.find((row) => row.n_threads === threads)!;
  const reports = measured.map((atDepth) =>
    atDepth.map((one) => reportOf(one, { nPrompt, threads, own }))
  );
  const saved = reports.flatMap((atDepth, i) => {
    const [first, ...rest] = atDepth.map(({ attention }) => attention);
    return savedRows(depths[i]!, [first!, ...rest]);
  });
  writeError(
    `${model.device}, ${Deno.build.target}; commit ${await commitWithChanges()}; ` +
      `${prunes.join(", ")}\n`,
  );
  const format = (values.o as BenchFormat | undefined) ?? "md";
  writeOut(
    format === "md"
      ? [
        `Ceilings, reading ${formatBytes(bytes)}:\n\n${ceilingTable(ceilings)}`,
        ...reports.flat().flatMap(({ text }) => text),
        ...(saved.length > 0 ? [savedText(saved)] : []),
      ].join("\n")
      : formatObjects<object>(
        [...ceilings, ...reports.flat().flatMap(({ objects }) => objects), ...saved],
        format,
      ),
  );
  return 0;
}
