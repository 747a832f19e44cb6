/** Edits of what numbers become: 8-bit rows and their scales, what is no number, ties, means. */

import type { Mutant } from "./mutant.ts";

const CODED_ROWS = ["tests/parity/rowwise.ts"];
const NO_NUMBERS = ["tests/parity/not_numbers.ts"];

/** Rounding, ties, and what is no number. */
export const NUMBERS: readonly Mutant[] = [
  {
    name: "scales of 8-bit rows are not rounded up",
    file: "templates/c/kerf_store_q8.h",
    find: "KERF_Q8_ROUND = 0x1ffff",
    replace: "KERF_Q8_ROUND = 0",
    tests: CODED_ROWS,
    only: "gives the nearest codes",
    generated: true,
  },
  {
    name: "of equal words the last is wide",
    file: "templates/c/kerf_store_q8.h",
    find: "to->wide = size > largest ? w",
    replace: "to->wide = size >= largest ? w",
    tests: CODED_ROWS,
    only: "gives the nearest codes",
    generated: true,
  },
  {
    name: "what is no number makes a scale that is one",
    file: "templates/c/kerf_store_q8.h",
    find: "top > KERF_Q8_MOST ? KERF_Q8_NAN : bits",
    replace: "bits",
    tests: NO_NUMBERS,
    generated: true,
  },
  {
    name: "AVX-512: what is no number makes a scale that is one",
    file: "templates/c/kerf_store_q8_avx512.h",
    find: "_mm_mask_mov_epi32(bits, is_nan, _mm_set1_epi32(KERF_Q8_NAN))",
    replace: "_mm_mask_mov_epi32(bits, is_nan & 0, _mm_set1_epi32(KERF_Q8_NAN))",
    tests: NO_NUMBERS,
    generated: true,
  },
  {
    name: "bits of a channel: ties go to the later channel",
    file: "templates/c/select_bits.c.njk",
    find: "2 * other + i <= 2 * (list_start + c) + step",
    replace: "2 * other + i >= 2 * (list_start + c) + step",
    tests: ["tests/parity/channel_bits.ts"],
    only: "select_bits: of channels",
  },
  {
    name: "means of keys count the rows behind the last",
    file: "templates/c/key_means.c.njk",
    find: "kerf_first16(kerf_lanes(n_rows - row))",
    replace: "kerf_first16(16 + 0 * kerf_lanes(n_rows - row))",
    tests: ["tests/parity/set_rows.ts"],
  },
  {
    name: "codes are cut, not held, at the largest",
    file: "templates/c/kerf_codes.h",
    find:
      "kerf_min16(kerf_max16(steps, kerf_splat16(0.0f)), kerf_splat16((float)((1 << bits) - 1)))",
    replace: "kerf_max16(steps, kerf_splat16(0.0f * (float)bits))",
    tests: ["tests/parity/encode_rows.ts"],
    only: "keys are coded",
    generated: true,
  },
  {
    name: "WGSL: of equal logits the later is picked",
    file: "templates/wgsl/arg_max.wgsl.njk",
    find: "first_group[other] < first_group[lane]",
    replace: "first_group[other] > first_group[lane]",
    tests: ["tests/parity_wgsl_test.ts"],
    only: "arg_max",
  },
  {
    name: "CUDA: half of a block's logits are not looked at",
    file: "templates/cuda/arg_max.cu.njk",
    find: "half = THREADS / 2;",
    replace: "half = THREADS / 4;",
    tests: ["tests/parity_cuda_test.ts"],
    only: "arg_max",
  },
];
