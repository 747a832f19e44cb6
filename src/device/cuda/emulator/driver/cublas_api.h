/*
 * The functions of cuBLAS that src/device/cuda/cublas_symbols.ts names, in the driver's own library: a
 * product is work of the driver's stream. It refuses what would be slow or wrong on a GPU too: a product
 * without a stream, a workspace that the caller gave, and f32 arithmetic.
 */
#pragma once

#include "context.h"

/* cublasStatus_t. */
enum {
  CUBLAS_SUCCESS = 0,
  CUBLAS_NOT_INITIALIZED = 1,
  CUBLAS_ALLOC_FAILED = 3,
  CUBLAS_INVALID_VALUE = 7,
  CUBLAS_EXECUTION_FAILED = 13,
};

struct multiplier {
  u64 stream, workspace;
  size_t workspace_bytes;
  int mode;
};

/* Begins a call; a context that a kernel has broken fails it in cuBLAS' words. */
#define BEGIN_CUBLAS(...)                                                          \
  struct call call = begin(__VA_ARGS__);                                           \
  if (call.code != 0 && call.code == poison) call.code = CUBLAS_EXECUTION_FAILED
#define CUBLAS_MULTIPLIER(handle)                                                  \
  struct object *object = find_object(MULTIPLIER, handle);                         \
  REQUIRE(object != NULL, CUBLAS_NOT_INITIALIZED);                                 \
  struct multiplier *multiplier = object->data

EXPORT const char *cublasGetStatusName(int status);
EXPORT const char *cublasGetStatusName(int status)
{
  switch (status) {
  case CUBLAS_SUCCESS: return "CUBLAS_STATUS_SUCCESS";
  case CUBLAS_NOT_INITIALIZED: return "CUBLAS_STATUS_NOT_INITIALIZED";
  case CUBLAS_ALLOC_FAILED: return "CUBLAS_STATUS_ALLOC_FAILED";
  case CUBLAS_INVALID_VALUE: return "CUBLAS_STATUS_INVALID_VALUE";
  case CUBLAS_EXECUTION_FAILED: return "CUBLAS_STATUS_EXECUTION_FAILED";
  default: return "<unknown>";
  }
}

EXPORT int cublasGetProperty(int which, int *value);
EXPORT int cublasGetProperty(int which, int *value)
{
  BEGIN_CUBLAS("cublasGetProperty", "which=%d", which);
  REQUIRE(which >= 0 && which <= 2, CUBLAS_INVALID_VALUE);
  *value = which == 0 ? gpu.version / 1000 : 0;
  return finish(&call, CUBLAS_SUCCESS);
}

EXPORT int cublasCreate_v2(u64 *handle);
EXPORT int cublasCreate_v2(u64 *handle)
{
  BEGIN_CUBLAS("cublasCreate_v2", "%s", "");
  REQUIRE(call.code == 0, call.code);
  REQUIRE(n_retained > 0 && current == context, CUBLAS_NOT_INITIALIZED);
  *handle = make_object(MULTIPLIER, 0, calloc(1, sizeof(struct multiplier)));
  return finish(&call, CUBLAS_SUCCESS);
}

EXPORT int cublasDestroy_v2(u64 handle);
EXPORT int cublasDestroy_v2(u64 handle)
{
  BEGIN_CUBLAS("cublasDestroy_v2", "%s", "");
  CUBLAS_MULTIPLIER(handle);
  /* It waits for its work, whose workspace may go afterwards. */
  run_queue();
  (void)multiplier;
  destroy_object(object);
  return finish(&call, CUBLAS_SUCCESS);
}

EXPORT int cublasSetStream_v2(u64 handle, u64 stream);
EXPORT int cublasSetStream_v2(u64 handle, u64 stream)
{
  BEGIN_CUBLAS("cublasSetStream_v2", "%s", "");
  REQUIRE(call.code == 0, call.code);
  CUBLAS_MULTIPLIER(handle);
  REQUIRE(find_object(STREAM, stream) != NULL, CUBLAS_INVALID_VALUE);
  /* Back to a workspace of the library's own, as the manual says. */
  *multiplier = (struct multiplier){ .stream = stream, .mode = multiplier->mode };
  return finish(&call, CUBLAS_SUCCESS);
}

EXPORT int cublasSetWorkspace_v2(u64 handle, u64 workspace, size_t bytes);
EXPORT int cublasSetWorkspace_v2(u64 handle, u64 workspace, size_t bytes)
{
  BEGIN_CUBLAS("cublasSetWorkspace_v2", "bytes=%zu", bytes);
  REQUIRE(call.code == 0, call.code);
  CUBLAS_MULTIPLIER(handle);
  REQUIRE(workspace % 256 == 0 && is_usable(workspace, bytes), CUBLAS_INVALID_VALUE);
  multiplier->workspace = workspace;
  multiplier->workspace_bytes = bytes;
  return finish(&call, CUBLAS_SUCCESS);
}

EXPORT int cublasSetMathMode(u64 handle, int mode);
EXPORT int cublasSetMathMode(u64 handle, int mode)
{
  BEGIN_CUBLAS("cublasSetMathMode", "mode=%d", mode);
  REQUIRE(call.code == 0, call.code);
  CUBLAS_MULTIPLIER(handle);
  multiplier->mode = mode;
  return finish(&call, CUBLAS_SUCCESS);
}

/* Bytes from the first element of a column-major f32 matrix to its last. */
static u64 matrix_bytes(int rows, int columns, int stride)
{
  return 4 * ((u64)(columns - 1) * (u64)stride + (u64)rows);
}

EXPORT int cublasSgemm_v2(u64 handle, int op_a, int op_b, int m, int n, int k, const float *alpha,
                          u64 a, int lda, u64 b, int ldb, const float *beta, u64 c, int ldc);
EXPORT int cublasSgemm_v2(u64 handle, int op_a, int op_b, int m, int n, int k, const float *alpha,
                          u64 a, int lda, u64 b, int ldb, const float *beta, u64 c, int ldc)
{
  BEGIN_CUBLAS("cublasSgemm_v2", "m=%d n=%d k=%d lda=%d ldb=%d ldc=%d", m, n, k, lda, ldb, ldc);
  REQUIRE(call.code == 0, call.code);
  CUBLAS_MULTIPLIER(handle);
  REQUIRE(find_object(STREAM, multiplier->stream) != NULL, CUBLAS_NOT_INITIALIZED);
  const int has_workspace = is_usable(multiplier->workspace, multiplier->workspace_bytes);
  REQUIRE(multiplier->workspace != 0 && has_workspace, CUBLAS_NOT_INITIALIZED);
  REQUIRE(multiplier->mode == 0 && *alpha == 1 && *beta == 0, CUBLAS_INVALID_VALUE);
  /* The one form that is used: rows of A and of xᵀ lie in one piece each. */
  REQUIRE(op_a == 1 && op_b == 0 && m > 0 && n > 0 && k > 0, CUBLAS_INVALID_VALUE);
  REQUIRE(lda >= k && ldb >= k && ldc >= m, CUBLAS_INVALID_VALUE);
  const struct product product = {
    .m = m, .n = n, .k = k, .lda = lda, .ldb = ldb, .ldc = ldc, .a = a, .b = b, .c = c,
    .a_bytes = matrix_bytes(k, m, lda), .b_bytes = matrix_bytes(k, n, ldb),
    .c_bytes = matrix_bytes(m, n, ldc),
  };
  REQUIRE(has_memory(&product), CUBLAS_INVALID_VALUE);
  enqueue(PRODUCT)->product = product;
  return finish(&call, CUBLAS_SUCCESS);
}
