/**
 * `inspect plan`: the kernel invocations of a greedy step in order, those that end a step whose logits are wanted,
 * and the memory beside them.
 */

import { formatBytes } from "../../core/bytes.ts";
import type { Invocation, Program } from "../../device/types.ts";
import type { Model } from "../../mod.ts";
import type { ParsedArgs } from "../args.ts";
import { loadWithProgress } from "../load_flags.ts";
import { openProgress, writeOut } from "../terminal.ts";
import { layerBarriers, placesOn } from "./barriers.ts";
import { gridText } from "./grid.ts";

/** What a row ends with, by the barrier behind it. */
const MARKS = { none: " ‖", full: "", parts: " ┊" } as const;

function rowOf(model: Model, invocation: Invocation) {
  const { entry } = invocation.kernel;
  const { grid } = entry.sources[model.loaded.engine.device.target]!;
  return {
    label: invocation.label,
    kernel: entry.signature.name,
    grid: gridText(grid, invocation.constants),
  };
}

export async function inspect({ values }: ParsedArgs): Promise<number> {
  using model = await loadWithProgress(values, openProgress(), { parallel: 1 });
  const { plan, engine: { device } } = model.loaded;
  const rowsOf = ({ invocations }: Program) => {
    const places = placesOn(device, invocations);
    return invocations.map((own, i) => ({ ...rowOf(model, own), barrier: places[i]!.barrier }));
  };
  const invocations = rowsOf(plan.step);
  const withLogits = rowsOf(plan.logitsStep);
  const first = invocations.findIndex(({ kernel }, i) => kernel !== withLogits[i]?.kernel);
  const logits = withLogits.slice(first);
  const buffers = Object.values(plan.buffers.activations).map(({ label, bytes }) => ({
    label,
    bytes,
  }));
  const barriers = {
    decode: layerBarriers({ plan, device }, "decode"),
    prefill: layerBarriers({ plan, device }, "prefill"),
  };
  if (values.json) {
    writeOut(
      JSON.stringify({ device: model.device, invocations, logits, barriers, buffers }) + "\n",
    );
    return 0;
  }
  const cells = (rows: typeof invocations, first = 0) =>
    rows.map((r, i) => [String(first + i), r.label, r.kernel, r.grid + MARKS[r.barrier]]);
  const columns = [
    ["", "what", "kernel", "grid"],
    ...cells(invocations),
    ["", "where logits are wanted", "", ""],
    ...cells(logits, first),
  ];
  const widths = columns[0]!.map((_, c) => Math.max(...columns.map((row) => row[c]!.length)));
  for (const row of columns) {
    writeOut(row.map((cell, c) => cell.padEnd(widths[c]!)).join("  ").trimEnd() + "\n");
  }
  writeOut(
    `a layer has ${barriers.decode} barriers in a step of decoding, ${barriers.prefill} in one of a prompt\n`,
  );
  const total = buffers.reduce((sum, { bytes }) => sum + bytes, 0);
  writeOut(
    `${model.device}; activations ${
      formatBytes(total)
    }; ‖: no barrier follows; ┊: an item waits for its own heads\n`,
  );
  return 0;
}
