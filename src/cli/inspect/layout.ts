/** `inspect layout`: the segments of a head's cache with rows, channels and bytes, drawn. */

import { formatBytes } from "../../core/bytes.ts";
import { drawLayout } from "../../layout/picture.ts";
import { layoutName } from "../../layout/name.ts";
import type { ParsedArgs } from "../args.ts";
import { writeOut } from "../terminal.ts";
import { designCache, readHeader } from "./header.ts";
import { cacheBytes, headSizes } from "./sizes.ts";

export async function inspect({ values }: ParsedArgs): Promise<number> {
  const header = await readHeader(values);
  const { config } = header;
  const design = await designCache(header, values);
  const nTokens = design.nCtx;
  const sizes = headSizes(config, design, { head: 0, nTokens });
  const stored = cacheBytes(config, design, nTokens);
  const dense = cacheBytes(
    config,
    await designCache(header, { ...values, prune: "none" }),
    nTokens,
  );
  if (values.json) {
    const { layout, prune } = design;
    const name = layoutName(layout);
    const bytes = { storedBytes: stored, denseBytes: dense };
    writeOut(JSON.stringify({ prune: prune.spec, name, layout, sizes, nTokens, ...bytes }) + "\n");
    return 0;
  }
  writeOut(`layer 0, KV head 0, after a prompt of ${nTokens} tokens (-c), ${design.prune.spec}\n`);
  writeOut(drawLayout(design.layout, sizes) + "\n");
  const segments = [...design.layout.key.segments, ...design.layout.value.segments];
  if (segments.some(({ code }) => code.kind === "affine")) {
    writeOut("bits of codes are with their scales and minima\n");
  }
  const share = (100 * stored / dense).toFixed(1);
  writeOut(
    `all ${config.nLayers} layers × ${config.nKvHeads} KV heads: ` +
      `${formatBytes(stored)}, ${share} % of dense\n`,
  );
  return 0;
}
