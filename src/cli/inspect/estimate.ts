/** `inspect estimate`: what a spec costs and saves at a context length, before a model is loaded. */

import { formatBytes } from "../../core/bytes.ts";
import { isLayeredWorth } from "../../engine/admission.ts";
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
  const { denseBytes, storedBytes, peakBytes, layeredPeakBytes } = estimate;
  const rows = [
    ["weights", formatBytes(weightBytes)],
    ["cache, dense", formatBytes(denseBytes)],
  ];
  if (design.prune.spec !== "none") {
    const share = `${(100 * storedBytes / denseBytes).toFixed(1)} % of dense`;
    const saved = formatBytes(denseBytes - storedBytes);
    // Scores may say that less is enough.
    const { tokens, channels, valueChannels } = design.prune;
    const counts = [tokens, channels, valueChannels].some((step) => step?.enough);
    const [most, least] = counts ? ["at most ", "at least "] : ["", ""];
    const stored = `${most}${formatBytes(storedBytes)}, ${share}: saves ${least}${saved}`;
    rows.push(["cache, pruned", stored]);
  }
  const [chunked, layered] = [formatBytes(peakBytes), formatBytes(layeredPeakBytes)];
  if (isLayeredWorth({ chunked: peakBytes, layered: layeredPeakBytes })) {
    rows.push(["peak of the cache", `${layered}, layer by layer`]);
    rows.push(["… in company", `${chunked}, in chunks`]);
  } else {
    rows.push(["peak of the cache", `${chunked}, in chunks`]);
    if (layeredPeakBytes < peakBytes) {
      rows.push(["… with less --kv-max", `${layered}, layer by layer`]);
    }
  }
  writeOut(`after a prompt of ${nTokens} tokens (-c), ${design.prune.spec}\n`);
  const width = Math.max(...rows.map(([key]) => key!.length)) + 2;
  writeOut(rows.map(([key, value]) => `  ${key!.padEnd(width)}${value}\n`).join(""));
  return 0;
}
