/** The families whose kernels depend on a layout refuse what they have no kernel for, and say what to do. */

import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import append from "../../../kernels/ops/append.ts";
import decodeRows from "../../../kernels/ops/decode_rows.ts";
import encodeRows from "../../../kernels/ops/encode_rows.ts";
import fillRows from "../../../kernels/ops/fill_rows.ts";
import keepRows from "../../../kernels/ops/keep_rows.ts";
import moveRowsDefinition from "../../../kernels/ops/move_rows.ts";
import thinRows from "../../../kernels/ops/thin_rows.ts";
import causal from "../../../kernels/attention/causal.ts";
import snapkv from "../../../kernels/prune/snapkv.ts";
import think from "../../../kernels/prune/think.ts";
import { KerfError } from "../../core/error.ts";
import windowOutputs from "../../../kernels/ops/window_outputs.ts";
import type { Definition } from "../../dsl/types.ts";
import { c } from "../targets/c/mod.ts";
import type { Family } from "../types.ts";
import { append as appendFamily } from "./append.ts";
import { attention } from "./attention.ts";
import { channelScores } from "./channel_scores.ts";
import { layoutKernels } from "./layout_kernel.ts";
import { moveRows } from "./move_rows.ts";
import { setRows } from "./set_rows.ts";
import { tokenScores } from "./token_scores.ts";

/** Layout names are checked before hooks are read, so the sources need no IR. */
const refusal = (
  family: Family,
  definition: Definition,
  suffixes: readonly string[],
): KerfError => {
  const source = { definition, funcs: {}, file: "kernels/x.ts", authored: [], doc: [] };
  const request = { head: family.heads(source)[0]!, suffixes };
  return assertThrows(() => family.emit(source, request, c), KerfError);
};

const REFUSED: readonly [Family, Definition, readonly string[], string][] = [
  [attention, causal, ["dense"], 'Cannot read "dense" as the name of a layout'],
  [attention, causal, ["k_f16t1_v_f16t1"], "in tiles of 16, and a segment is f16t1"],
  [attention, causal, ["k_f16t16_v_f16t16"], "in tiles of 1, and a segment is f16t16"],
  [attention, causal, ["k_q4c24t16_f16t16_v_f16t1"], "share scales along rows or channels"],
  [attention, causal, ["k_f16t16_v_q4r32t1_f16t1"], "share scales along channels"],
  [attention, causal, ["k_q4r8t1_f16t16_v_f16t1"], "a segment is q4r8t1"],
  [attention, causal, ["k_f16t16_v_q4c24t1_f16t1"], "along channels, 16 or a multiple of it"],
  [attention, causal, ["k_q4r32t16_v_f16t1"], "keys of one type"],
  [attention, causal, ["k_list_f32t16_f16t16_v_f16t1"], "keys of one type"],
  [attention, causal, ["k_f16t16_v_bitmap_f16t1_f16t1"], "a segment is bitmap_f16t1"],
  [attention, causal, ["k_bitmap_f16t1_f16t16_v_f16t1"], "a segment is bitmap_f16t1"],
  [attention, causal, ["k_bitmap_mean_q4r32t1_f16t16_v_f16t1"], "are f16, row after row"],
  [setRows, thinRows, ["f16t16"], "a move has a source and a destination"],
  [setRows, thinRows, ["f16t16", "list_f16t16"], "keys of every channel meet keys"],
  [setRows, thinRows, ["bitmap_mean_f16t1", "f16t16"], "a segment is bitmap_mean_f16t1"],
  [setRows, fillRows, ["bitmap_mean_f16t1", "f16t1"], "a segment is f16t1"],
  [layoutKernels, windowOutputs, ["k_f16t16_v_list_f16t1_q4c32t1"], "a segment is q4c32t1"],
  [appendFamily, append, ["k_list_f16t16_v_f32"], 'Cannot read "k_list_f16t16_v_f32" as the name'],
  [appendFamily, append, ["k_list_f16t16_f16t16_v_f16t1_cached_evicted"], "have every channel"],
  [layoutKernels, keepRows, ["k_f16t16_v_f16t1"], "reads the positions of rows"],
  [layoutKernels, keepRows, ["k_q4r32t16_f16t16_v_f16t1_evicted"], "a segment is q4r32t16"],
  [tokenScores, snapkv, ["k_f16t16_v_f16t1"], "reads the positions of rows"],
  [channelScores, think, ["k"], 'Cannot read "k" as the name of a layout'],
  [moveRows, moveRowsDefinition, ["f16t16"], "a move has a source and a destination"],
  [moveRows, moveRowsDefinition, ["f16t16", "list_f32t16"], "and one of the same type"],
  [moveRows, moveRowsDefinition, ["list_f16t16", "list_f16t16"], "rows move between a full"],
  [moveRows, moveRowsDefinition, ["f16t16", "q4r32t16"], "and one of the same type"],
  [moveRows, encodeRows, ["f16t16", "f16t16"], "coded from a full segment"],
  [moveRows, encodeRows, ["q4r32t16", "q4r32t16"], "a segment is q4r32t16"],
  [moveRows, decodeRows, ["f16t16", "q4r32t16"], "a segment is q4r32t16"],
  [moveRows, decodeRows, ["f16t16", "f16t16"], "coded rows become those of a full segment"],
  [moveRows, decodeRows, ["q4c32t1", "list_f16t1"], "coded rows become those of a full segment"],
  [moveRows, moveRowsDefinition, ["f16t16", "bitmap_f16t1"], "a segment is bitmap_f16t1"],
];

for (const [family, definition, suffixes, message] of REFUSED) {
  Deno.test(`${family.kind} refuses ${suffixes.join("__")}`, () => {
    const error = refusal(family, definition, suffixes);
    assertStringIncludes(error.message, message);
    assertEquals(error.hints.length, 1);
  });
}
