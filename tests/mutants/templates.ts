/** Edits of the C templates: loops, tails, merges, indices. */

import type { Mutant } from "./mutant.ts";

const ROWWISE = ["tests/parity/rowwise.ts"];
const ATTENTION = ["tests/parity/attention.ts"];
const SCORES = ["tests/parity/channel_scores.ts"];
const SELECTION = ["tests/parity/selection.ts"];

/** Templates: loops, tails, merges. */
export const TEMPLATES: readonly Mutant[] = [
  {
    name: "ties keep the higher row",
    file: "templates/c/select_rows.c.njk",
    find: "stays = order > lowest || (order == lowest && n_equal > 0);",
    replace: "stays = order >= lowest;",
    tests: ["tests/parity/evict.ts"],
  },
  {
    name: "a window that sees later rows",
    file: "templates/c/window_softmax.c.njk",
    find: "present & (positions <= (int32_t)position)",
    replace: "present",
    tests: ["tests/parity/token_scores.ts"],
    only: "window_softmax",
  },
  {
    name: "positions of kept rows left behind",
    file: "templates/c/keep_rows.c.njk",
    find: "((const int32_t *)source)[row % PAGE_ROWS];",
    replace: "(int32_t)new_row;",
    tests: ["tests/parity/evict.ts"],
    only: "keep_rows",
  },
  {
    name: "row-wise: the tail dropped",
    file: "templates/c/rowwise.c.njk",
    find: "for (uint32_t c = 0; c < width; c += 16) {\n      const uint32_t n = " +
      "kerf_lanes(width - c);\n{% for column in columns %}",
    replace: "for (uint32_t c = 0; c + 16 <= width; c += 16) {\n      const uint32_t n = " +
      "kerf_lanes(width - c);\n{% for column in columns %}",
    tests: ROWWISE,
    only: "residual_add",
  },
  {
    name: "row-wise: lanes past the tail reduced",
    file: "templates/c/rowwise.c.njk",
    find: "kerf_select16(kerf_first16(n), {{ r.step }}, {{ r.accumulator }})",
    replace:
      "{{ r.step }} + kerf_select16(kerf_first16(n), kerf_splat16(0.0f), kerf_splat16(1.0f))",
    tests: ROWWISE,
    only: "rms_norm",
  },
  {
    name: "packed nibbles swapped",
    file: "templates/c/packing_u4.njk",
    find: "#define LOW(v) kerf_fman(scale##v, kerf_to_f32xn(CODES(v) & 15)",
    replace: "#define LOW(v) kerf_fman(scale##v, kerf_to_f32xn(CODES(v) >> 4)",
    tests: ["tests/parity/matmul.ts"],
    only: "matmul q4_f16_g32: every shape",
  },
  {
    name: "a product's last inputs dropped",
    file: "templates/c/matmul.c.njk",
    find: "const uint32_t n = n_in - k < INPUTS ? n_in - k : INPUTS;",
    replace: "const uint32_t n = n_in - k < INPUTS ? n_in - k - GROUP : INPUTS;",
    tests: ["tests/parity/matmul.ts"],
    only: "matmul q4_f16_g32: every shape",
  },
  {
    name: "append: page index off by one",
    file: "templates/c/append.c.njk",
    find: "{{ stream.code }} *)(arena + (size_t)pages[row / PAGE_ROWS]",
    replace: "{{ stream.code }} *)(arena + (size_t)pages[(row + 1) / PAGE_ROWS]",
    tests: ["tests/parity/append.ts"],
    only: "append stores rows behind",
  },
  {
    name: "softmax: no rescale where partials meet",
    file: "templates/c/kerf_softmax.h",
    find: "kerf_load16(&a_values[i]) * a_scale",
    replace: "kerf_load16(&a_values[i])",
    tests: SELECTION,
    only: "attention_merge",
    generated: true,
  },
  {
    name: "attention: keys of the wrong KV head",
    file: "templates/c/attention.c.njk",
    find: "* args->n_kv_heads + kv_head;",
    replace: "* args->n_kv_heads + (kv_head + 1) % args->n_kv_heads;",
    tests: ATTENTION,
    only: "causal attention over",
  },
  {
    name: "attention: pruned rows scaled by 1/√nKept",
    file: "templates/c/attention.c.njk",
    find: "q[g * HEAD_DIM + c] = heads[g * HEAD_DIM + channels[c]];",
    replace: "q[g * HEAD_DIM + c] = heads[g * HEAD_DIM + channels[c]] * " +
      "__builtin_sqrtf((float)HEAD_DIM / (float)width);",
    tests: ATTENTION,
    only: "(oracle 1)",
  },
  {
    name: "attention: a query sees no new key of its own",
    file: "templates/c/attention_prefill.c.njk",
    find: ".n_visible = kv.n_rows - (n_queries - 1 - i),",
    replace: ".n_visible = kv.n_rows - (n_queries - i),",
    tests: ATTENTION,
    only: "an empty cache",
  },
  {
    name: "attention: a masked row is not zeros",
    file: "templates/c/kerf_softmax.h",
    find: "sum == 0.0f ? kerf_splat16(0.0f) : value / sum",
    replace: "value / sum",
    tests: ATTENTION,
    only: "(oracle 7)",
    generated: true,
  },
  {
    name: "scores: rounded to f16",
    file: "templates/c/channel_scores.c.njk",
    find: "      kerf_store16(&args->scores[place * HEAD_DIM + c], " +
      'total{{ " / (float)GROUP" if group == "mean" }});',
    replace: "      uint16_t rounded[16];\n" +
      '      kerf_store16_f16(rounded, total{{ " / (float)GROUP" if group == "mean" }});\n' +
      "      kerf_store16(&args->scores[place * HEAD_DIM + c], kerf_load16_f16(rounded));",
    tests: SCORES,
    only: "scores of think",
  },
  {
    name: "scores: the group's sum for its mean",
    file: "templates/c/channel_scores.c.njk",
    find: 'total{{ " / (float)GROUP" if group == "mean" }}',
    replace: "total",
    tests: SCORES,
    only: "scores of think",
  },
  {
    name: "scores: the group's first head only",
    file: "templates/c/channel_scores.c.njk",
    find: "for (uint32_t g = 0; g < GROUP; g++) {",
    replace: "for (uint32_t g = 0; g < 1; g++) {",
    tests: SCORES,
    only: "scores of think",
  },
  {
    name: "scores: without the last row",
    file: "templates/c/channel_scores.c.njk",
    find: "{{ rows_field }}];",
    replace: "{{ rows_field }}] - 1;",
    tests: SCORES,
    only: "scores of think",
  },
  {
    name: "selection: ties keep the higher channel",
    file: "templates/c/select_channels.c.njk",
    find: "score[other] == score[c] && other < c",
    replace: "score[other] == score[c] && other > c",
    tests: SELECTION,
    only: "select_channels",
  },
  {
    name: "selection: the first layer's widths for all",
    file: "templates/c/select_channels.c.njk",
    find: "args->widths[args->layer * args->n_kv_heads + kv_head]",
    replace: "args->widths[kv_head]",
    tests: SELECTION,
    only: "select_channels",
  },
  {
    name: "arg-max: lanes past the tail count",
    file: "templates/c/arg_max.c.njk",
    find: "kerf_first16(n) & (x > lanes)",
    replace: "(x > lanes)",
    tests: SELECTION,
    only: "arg_max",
  },
  {
    name: "embedding: a part's tokens counted from the table's start",
    file: "templates/c/embedding_values.c.njk",
    find: "args->tokens[row] - args->first_row",
    replace: "args->tokens[row]",
    tests: ["tests/parity/embedding.ts"],
    only: "parts of a table",
  },
  {
    name: "the ring of queries off by one",
    file: "templates/c/append.c.njk",
    find: "(seq[2] + offset) % window",
    replace: "(seq[2] + offset + 1) % window",
    tests: ["tests/parity/append_recording.ts"],
    only: "append_recording",
  },
  {
    name: "the last row of a window is not recorded",
    file: "templates/c/append.c.njk",
    find: "n_query - offset > window",
    replace: "n_query - offset >= window",
    tests: ["tests/parity/append_recording.ts"],
    only: "append_recording",
  },
  {
    name: "the second ring over the first",
    file: "templates/c/append.c.njk",
    find: "args->q_ring + args->second_ring",
    replace: "args->q_ring",
    tests: ["tests/parity/append_recording.ts"],
    only: "append_recording",
  },
  {
    name: "compaction gathers the channels in reverse",
    file: "templates/c/move_rows.c.njk",
    find: '"channels[c]" if listed else "c"',
    replace: '"channels[width - 1 - c]" if listed else "c"',
    tests: ["tests/parity/move_rows.ts"],
    only: "rows lose channels",
  },
];
