/** Identifiers that hook code may not take in CUDA: C++ keywords, the header's types, CUDA's own names. */

import { words } from "../../names.ts";

const KEYWORDS =
  `alignas alignof and and_eq asm auto bitand bitor bool break case catch char char16_t char32_t
  class compl const const_cast constexpr continue decltype default delete do double dynamic_cast else enum
  explicit export extern false float for friend goto if inline int long mutable namespace new noexcept not
  not_eq nullptr operator or or_eq private protected public register reinterpret_cast return short signed
  sizeof static static_assert static_cast struct switch template this thread_local throw true try typedef
  typeid typename union unsigned using virtual void volatile wchar_t while xor xor_eq`;

const TYPES = `u8 u16 u32 u64 i8 i32 i64 kerf_f32 kerf_f16 kerf_bf16`;

const BUILT_IN =
  `threadIdx blockIdx blockDim gridDim warpSize dim3 abs min max floor ceil exp log sin cos pow
  sqrt tanh round trunc`;

/** Words of the templates where hooks stand that no family knows of. */
const TEMPLATES =
  `THREADS WARPS ROWS OUTPUTS SLICES HEAD_DIM GROUP GROUP_SIZE thread warp lane half n_items pair heads
  second angles quad slice blocks n_lines n_groups n_rows n_rows_all group first_row partial column line product
  shared state tile seq place head before of_part first_channel part end pages page in_page`;

/** Every such name. */
export const CUDA_WORDS: ReadonlySet<string> = new Set(
  [KEYWORDS, TYPES, BUILT_IN, TEMPLATES].flatMap(words),
);
