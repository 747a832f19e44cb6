/** Rows, widths and bytes of a cache after a prompt was prefilled and compressed. */

import { mostChannels } from "../../engine/channel_bits_plan.ts";
import { noRows, rowsAfter } from "../../engine/kv_forecast.ts";
import type { ForecastShape, HeadRows } from "../../engine/kv_forecast.ts";
import { rowSplit } from "../../engine/row_classes_plan.ts";
import { classRows } from "../../layout/row_classes.ts";
import type { PictureSizes } from "../../layout/picture.ts";
import { storedBytes, storedSideBytes } from "../../layout/bytes.ts";
import type { StoredChannels } from "../../layout/bytes.ts";
import type { Segment } from "../../layout/types.ts";
import type { LlamaConfig } from "../../model/config.ts";
import { cutOf } from "../../engine/prune_layer.ts";
import type { CacheDesign } from "./header.ts";

/** What a forecast reads of a design. */
export const forecastShape = (
  { nLayers, nKvHeads, headDim }: LlamaConfig,
  { layout, prune }: CacheDesign,
): ForecastShape => ({ ...prune, layout, nLayers, nKvHeads, headDim });

/** The rows of every head (layer · nKvHeads + KV head) after `nTokens` of prompt. */
function promptRows(config: LlamaConfig, design: CacheDesign, nTokens: number): HeadRows[] {
  const shape = forecastShape(config, design);
  return rowsAfter(shape, { start: noRows(shape), nPrefill: nTokens });
}

function sizesOf(
  { headDim }: LlamaConfig,
  { prune, layout }: CacheDesign,
  { head, rows }: { readonly head: number; readonly rows: HeadRows },
): PictureSizes {
  const split = rowSplit(prune.classes, layout);
  const stream = (name: "key" | "value") => {
    const compressed = classRows(split, rows[name]);
    return layout[name].segments.map((segment, i, { length }) => ({
      rows: i === length - 1 ? rows.rows - rows[name] : compressed[i]!,
      ...storedChannels(segment, prune, { head, headDim, stream: name }),
    }));
  };
  return { headDim, key: stream("key"), value: stream("value") };
}

/** The channels that a segment stores of a head; of channels with bits of their own as many as may be. */
function storedChannels(
  { channels }: Segment,
  prune: CacheDesign["prune"],
  { head, headDim, stream }: {
    readonly head: number;
    readonly headDim: number;
    readonly stream: "key" | "value";
  },
): StoredChannels {
  if (channels !== "list") return { width: channels === "none" ? 0 : headDim };
  return prune.bits
    ? mostChannels(prune.bits, headDim)
    : { width: cutOf(prune, stream)!.widths[head]! };
}

/** The segment sizes of KV head `head` after `nTokens` of prompt. */
export function headSizes(
  config: LlamaConfig,
  design: CacheDesign,
  { head, nTokens }: { readonly head: number; readonly nTokens: number },
): PictureSizes {
  return sizesOf(config, design, { head, rows: promptRows(config, design, nTokens)[head]! });
}

/** Stored bytes of the whole cache after `nTokens` of prompt: every layer, every KV head. */
export function cacheBytes(config: LlamaConfig, design: CacheDesign, nTokens: number): number {
  const { layout } = design;
  return promptRows(config, design, nTokens).reduce((bytes, rows, head) => {
    const sizes = sizesOf(config, design, { head, rows });
    return bytes + storedBytes(layout.key, sizes.key, config.headDim) +
      storedBytes(layout.value, sizes.value, config.headDim) +
      storedSideBytes(layout, rows.rows);
  }, 0);
}
