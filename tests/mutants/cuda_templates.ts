/** Edits of the CUDA templates and of the emulator's checks: what only looking at every access can find. */

import type { Mutant } from "./mutant.ts";

const PARITY = ["tests/parity_cuda_test.ts"];
const EMULATOR = ["tests/emulator_test.ts"];

/** CUDA kernels and the emulator. */
export const CUDA_TEMPLATES: readonly Mutant[] = [
  {
    name: "CUDA row-wise: the next row's sums overwrite those still read",
    file: "templates/cuda/rowwise.cu.njk",
    find:
      "    kerf_sync_threads();\n{% for r in reductions %}\n    {{ r.accumulator }} = kerf_shuffle",
    replace: "{% for r in reductions %}\n    {{ r.accumulator }} = kerf_shuffle",
    tests: PARITY,
    only: "rms_norm",
  },
  {
    name: "CUDA matmul: the last lines counted twice",
    file: "templates/cuda/matmul.cu.njk",
    find: "        if (i >= n_lines) break;\n",
    replace: "",
    tests: PARITY,
    only: "matmul q4_f16_g32",
  },
  {
    name: "CUDA matmul: warps' sums read before they are written",
    file: "templates/cuda/matmul.cu.njk",
    find: "    kerf_sync_threads();\n    const u32 r = thread / OUTPUTS",
    replace: "    const u32 r = thread / OUTPUTS",
    tests: PARITY,
    only: "matmul f32",
  },
  {
    name: "CUDA attention: a thread keeps the other half of its keys",
    file: "templates/cuda/attention.cu.njk",
    find: "const bool upper = phase >= 2",
    replace: "const bool upper = phase < 2",
    tests: PARITY,
    only: "causal attention",
  },
  {
    name: "CUDA attention: keys meet queries that are still gathered",
    file: "templates/cuda/attention_decode.cu.njk",
    find: "      kerf_sync_threads();\n      float logits",
    replace: "      float logits",
    tests: PARITY,
    only: "causal attention",
  },
  {
    name: "CUDA merge: a batch's largest logits forgotten",
    file: "templates/cuda/attention_merge.cu.njk",
    find: "        largest_before = kerf_larger_logit(largest_before, largest[split]);\n",
    replace: "",
    tests: PARITY,
    only: "attention_merge",
  },
  {
    name: "the emulator lets a write meet a read",
    file: "src/device/cuda/emulator/shadow.h",
    find: "(cell->reader & THREAD_OF) != by.thread) return RACE_WITH_READ;",
    replace: "(cell->reader & THREAD_OF) != by.thread) return FINE;",
    tests: EMULATOR,
  },
  {
    name: "the emulator takes any two barriers for one",
    file: "src/device/cuda/emulator/block.h",
    find: "return a.state == b.state && a.site.line == b.site.line &&",
    replace: "return a.state == b.state &&",
    tests: EMULATOR,
  },
  {
    name: "the emulator does not know an access's size",
    file: "src/device/cuda/emulator/checks.h",
    find: "  if (bytes > r->bytes - offset) report_outside(kind, address, bytes, at);\n",
    replace: "",
    tests: EMULATOR,
  },
];
