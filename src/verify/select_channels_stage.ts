/**
 * The choice of channels: exactly the highest of the scores it is given, and the author's choice but for
 * channels whose scores lie at the cut.
 */

import { selectChannelsReference } from "../reference/select_channels.ts";
import { N_KV_HEADS } from "./cases.ts";
import type { Scores } from "./channel_score_stage.ts";
import type { Measurement } from "./compare.ts";
import type { RunNamed } from "./kernels.ts";
import type { PruningProblem } from "./pruning_case.ts";
import { firstHead } from "./ring_stage.ts";
import { AT } from "./written_cache.ts";

/** A score nearer to the cut than this, relatively, may be chosen either way (f32 against f64). */
const NEAR_TIE = 1e-5;

/** What a place holds that no kernel wrote. */
const UNTOUCHED = 99;

/** Chooses the channels that stay. */
export async function selectChannels(
  { shape }: PruningProblem,
  scores: Scores,
  { widths, run }: { readonly widths: readonly number[]; readonly run: RunNamed },
): Promise<{
  /** u32 [nSlots, nLayers, nKvHeads, headDim] */
  buffer: Uint32Array<ArrayBuffer>;
  /** Ascending, per KV head. */
  kept: number[][];
  measurements: Measurement[];
}> {
  const { headDim } = shape;
  const { channels } = await run("select_channels", {
    defines: { HEAD_DIM: headDim },
    buffers: {
      scores: scores.buffer,
      widths: Uint32Array.from([...widths.map(() => 0), ...widths]),
      channels: new Uint32Array(scores.buffer.length).fill(UNTOUCHED),
    },
    constants: { slot: AT.slot, layer: AT.layer, n_layers: AT.nLayers, n_kv_heads: N_KV_HEADS },
  });
  const start = firstHead(N_KV_HEADS) * headDim;
  const own = channels.slice(start, start + N_KV_HEADS * headDim);
  const want = new Uint32Array(own.length).fill(UNTOUCHED);
  widths.forEach((width, kvHead) => {
    const given = scores.buffer.subarray(start + kvHead * headDim).subarray(0, headDim);
    want.set(selectChannelsReference(given, width), kvHead * headDim);
  });
  const kept = widths.map((width, kvHead) =>
    Array.from(own.subarray(kvHead * headDim, kvHead * headDim + width))
  );
  const dims = [{ name: "head", size: N_KV_HEADS }, { name: "channel", size: headDim }];
  return {
    buffer: channels,
    kept,
    measurements: [
      { kernel: "select channels", dims, got: own, want },
      authorsChoice(scores, kept, headDim),
    ],
  };
}

/** 1 for each channel that stays, by the kernels and by the author's scores. */
function authorsChoice(
  { want: scores }: Scores,
  kept: readonly (readonly number[])[],
  headDim: number,
): Measurement {
  const got = new Uint8Array(N_KV_HEADS * headDim);
  const want = new Uint8Array(got.length);
  let nearTies = 0;
  kept.forEach((stays, kvHead) => {
    const start = kvHead * headDim;
    const own = scores.subarray(start, start + headDim);
    const chosen = selectChannelsReference(own, stays.length);
    for (const channel of stays) got[start + channel] = 1;
    for (const channel of chosen) want[start + channel] = 1;
    const cut = Math.min(...chosen.map((channel) => own[channel]!));
    for (let channel = 0; channel < headDim; channel++) {
      const at = start + channel;
      const near = Math.abs(own[channel]! - cut) <= NEAR_TIE * Math.abs(cut);
      if (got[at] === want[at] || !near) continue;
      nearTies++;
      want[at] = got[at]!;
    }
  });
  const dims = [{ name: "head", size: N_KV_HEADS }, { name: "channel", size: headDim }];
  return { kernel: "select channels", dims, got, want, nearTies };
}
