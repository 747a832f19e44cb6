/** Rows, widths and bytes of a cache after a prompt was prefilled and compressed. */

import { rowsToCompress } from "../../engine/compress.ts";
import type { PictureSizes } from "../../layout/picture.ts";
import { storedBytes } from "../../layout/bytes.ts";
import type { LlamaConfig } from "../../model/config.ts";
import type { CacheDesign } from "./header.ts";

/** The segment sizes of KV head `head` (layer · nKvHeads + kvHead) after `nTokens` of prompt. */
export function headSizes(
  config: LlamaConfig,
  { prune, layout }: CacheDesign,
  { head, nTokens }: { readonly head: number; readonly nTokens: number },
): PictureSizes {
  const { headDim } = config;
  const width = prune.channels?.widths[head] ?? headDim;
  const recent = width < headDim ? prune.channels!.recent : Infinity;
  const { moved } = rowsToCompress({ listed: 0, full: nTokens }, recent);
  const full = { rows: nTokens - moved, width: headDim };
  const listed = { rows: moved, width };
  return {
    headDim,
    key: layout.key.segments.map((segment) => segment.channels === "list" ? listed : full),
    value: [{ rows: nTokens, width: headDim }],
  };
}

/** Stored bytes of the whole cache after `nTokens` of prompt: every layer, every KV head. */
export function cacheBytes(config: LlamaConfig, design: CacheDesign, nTokens: number): number {
  let bytes = 0;
  for (let head = 0; head < config.nLayers * config.nKvHeads; head++) {
    const sizes = headSizes(config, design, { head, nTokens });
    bytes += storedBytes(design.layout.key, sizes.key, config.headDim) +
      storedBytes(design.layout.value, sizes.value, config.headDim);
  }
  return bytes;
}
