/** `inspect estimate`: what a spec costs and saves at a context length, before a model is loaded. */

import { formatBytes } from "../../core/bytes.ts";
import { forecastPeak, noRows } from "../../engine/kv_forecast.ts";
import type { ParsedArgs } from "../args.ts";
import { writeOut } from "../terminal.ts";
import { designCache, readHeader } from "./header.ts";
import { cacheBytes, forecastShape } from "./sizes.ts";

export async function inspect({ values }: ParsedArgs): Promise<number> {
  const header = await readHeader(values);
  const { config, gguf } = header;
  const design = await designCache(header, values);
  const dense = await designCache(header, { ...values, prune: "none" });
  const nTokens = design.nCtx;
  const weightBytes = [...gguf.tensors.values()].reduce((sum, tensor) => sum + tensor.bytes, 0);
  const peak = (of: typeof design, order: "chunked" | "layered") => {
    const shape = forecastShape(config, of);
    return forecastPeak(shape, { start: noRows(shape), nPrefill: nTokens, nDecode: 0, order });
  };
  const estimate = {
    model: gguf.path,
    prune: design.prune.spec,
    nTokens,
    weightBytes,
    denseBytes: cacheBytes(config, dense, nTokens),
    storedBytes: cacheBytes(config, design, nTokens),
    peakBytes: peak(design, "chunked"),
    layeredPeakBytes: peak(design, "layered"),
  };
  if (values.json) {
    writeOut(JSON.stringify(estimate) + "\n");
    return 0;
  }
  const share = (bytes: number) => `${(100 * bytes / estimate.denseBytes).toFixed(1)} % of dense`;
  const rows = [
    ["weights", formatBytes(weightBytes)],
    ["cache, dense", formatBytes(estimate.denseBytes)],
    [
      `cache, ${design.prune.spec}`,
      `${formatBytes(estimate.storedBytes)}, ${share(estimate.storedBytes)}`,
    ],
    ["peak while prefilling", formatBytes(estimate.peakBytes)],
    ["… layer by layer", `${formatBytes(estimate.layeredPeakBytes)} (--kv-max chooses it)`],
  ];
  writeOut(`after a prompt of ${nTokens} tokens\n`);
  const width = Math.max(...rows.map(([key]) => key!.length)) + 2;
  writeOut(rows.map(([key, value]) => `  ${key!.padEnd(width)}${value}\n`).join(""));
  return 0;
}
