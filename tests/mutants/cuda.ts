/** Edits of the CUDA device: memory, order, giving back. */

import type { Mutant } from "./mutant.ts";

/** The CUDA device. */
export const CUDA_DEVICE: readonly Mutant[] = [
  {
    name: "a graph's nodes wait for one node of several",
    file: "src/device/cuda/graph.ts",
    find: "if (nodes.length > 0) before = nodes;",
    replace: "if (nodes.length > 0) before = nodes.slice(0, 1);",
    tests: ["src/device/cuda/device_test.ts"],
  },
  {
    name: "a graph leaves out what only some of its steps need",
    file: "src/device/cuda/graph.ts",
    find: "n <= 1 ? n : 2 ** Math.ceil(Math.log2(n))",
    replace: "n & ~1",
    tests: ["src/device/cuda/device_test.ts"],
  },
  {
    name: "memory given back while work may touch it",
    file: "src/device/cuda/chunks.ts",
    find: "      () => call.cuStreamSynchronize(stream),\n",
    replace: "",
    tests: ["src/device/cuda/device_test.ts"],
  },
  {
    name: "a fresh chunk holds whatever was there",
    file: "src/device/cuda/chunks.ts",
    find: "      call.cuMemsetD8Async(at, 0, bytes, stream);\n",
    replace: "",
    tests: ["src/device/cuda/device_test.ts"],
  },
  {
    name: "graphs are never destroyed",
    file: "src/device/cuda/runner.ts",
    find: "      this.#executables.add(executable);\n",
    replace: "",
    tests: ["src/device/cuda/device_test.ts"],
  },
  {
    name: "cuBLAS multiplies from one row later",
    file: "src/device/cuda/products.ts",
    find: "nRows >= CUBLAS_ROWS",
    replace: "nRows > CUBLAS_ROWS",
    tests: ["tests/cuda_products_test.ts"],
  },
  {
    name: "cuBLAS is given its workspace before its stream",
    file: "src/device/cuda/products.ts",
    find: "      call.cublasSetMathMode(handle, CUBLAS.DEFAULT_MATH);\n",
    replace: "      call.cublasSetStream_v2(handle, this.#context.stream);\n",
    tests: ["tests/cuda_products_test.ts"],
  },
  {
    name: "cuBLAS' handle stays when the device closes",
    file: "src/device/cuda/products.ts",
    find: "    return [() => this.#cublas.call.cublasDestroy_v2(multiplier.handle)];\n",
    replace: "    return [];\n",
    tests: ["tests/cuda_products_test.ts"],
  },
  {
    name: "every strip's outputs go where the first one's do",
    file: "templates/cuda/matmul_strips.njk",
    find: "const u32 column = strip.first + at;",
    replace: "const u32 column = at;",
    tests: ["tests/cuda_products_test.ts"],
  },
  {
    name: "one failed release ends the others",
    file: "src/device/cuda/release.ts",
    find: "      failures.push(error);\n",
    replace: "      throw error;\n",
    tests: ["src/device/cuda/failures_test.ts"],
  },
];
