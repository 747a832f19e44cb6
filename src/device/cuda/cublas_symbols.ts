/**
 * The functions of cuBLAS that Kerf calls, as cublas_api.h of versions 12 and 13 declares them. Handles,
 * streams and device addresses are u64; a `buffer` is the host's. Matrices are column-major.
 */

/** All of them. */
export const CUBLAS_SYMBOLS = {
  // (which part of the version, number out); a status's name, at an address.
  cublasGetProperty: { parameters: ["i32", "buffer"], result: "i32" },
  cublasGetStatusName: { parameters: ["i32"], result: "u64" },

  // The handle, and what belongs to it: (handle, stream), (handle, address, bytes), (handle, mode).
  cublasCreate_v2: { parameters: ["buffer"], result: "i32" },
  cublasDestroy_v2: { parameters: ["u64"], result: "i32" },
  cublasSetStream_v2: { parameters: ["u64", "u64"], result: "i32" },
  cublasSetWorkspace_v2: { parameters: ["u64", "u64", "usize"], result: "i32" },
  cublasSetMathMode: { parameters: ["u64", "i32"], result: "i32" },

  // C = alpha · op(A) · op(B) + beta · C: (handle, op of A, op of B, rows of C, columns of C, terms of a
  // sum, alpha, A, elements between its columns, B, …, beta, C, …).
  cublasSgemm_v2: {
    parameters: [
      ...["u64", "i32", "i32", "i32", "i32", "i32", "buffer"] as const,
      ...["u64", "i32", "u64", "i32", "buffer", "u64", "i32"] as const,
    ],
    result: "i32",
  },
} as const;

/** cublasStatus_t, cublasOperation_t, cublasMath_t by their names without CUBLAS_; libraryPropertyType. */
export const CUBLAS = Object.freeze({
  STATUS_ALLOC_FAILED: 3,
  OP_N: 0,
  OP_T: 1,
  /** Products of f32 are f32: no TF32. */
  DEFAULT_MATH: 0,
  MAJOR_VERSION: 0,
  MINOR_VERSION: 1,
});
