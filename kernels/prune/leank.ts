import { channels, pruning, table } from "kerf/dsl";

/**
 * LeanK: every head keeps a number of key channels of its own, the same ones for every prompt. Both come from
 * a file, which `deno task calibrate` makes from the scores of another variant over a text; the paper learns
 * them. Nothing is scored when a prompt ends, and its first tokens need not be there. What a file does not
 * know of a prompt is lost; what each head needs it knows better than think: at 75 % of the bytes divergence
 * was 0.048 beside 0.058 on chapters of the book whose first one was the text (bench/results).
 */
export default pruning({
  name: "leank",
  source: "arXiv:2508.02215",
  params: { recent: { default: 32, min: 0, integer: true, doc: "last rows that stay whole" } },
  tables: {
    importance: table({
      shape: ["nLayers", "nKvHeads", "headDim"],
      dtype: "f32",
      file: "importance",
      path: "file",
    }),
    widths: table({ shape: ["nLayers", "nKvHeads"], dtype: "u32", file: "widths", path: "file" }),
  },
  steps: [channels({
    of: "key",
    group: "mean",
    window: 1,
    score: (_q, _k, { importance, layer, kvHead, channel }) => importance[layer][kvHead][channel],
    keep: "widths",
    protect: { last: "recent" },
  })],
});
