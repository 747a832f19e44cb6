/*
 * Outputs of attention as 8-bit codes, the same that rows stored as f32 and coded afterwards have. Include
 * after kerf_native.h and kerf_softmax.h.
 */
#pragma once

#include "kerf_store_q8.h"

/* The block of codes that begins with input `first` of rows, a multiple of KERF_Q8_INPUTS. */
KERF_INLINE struct kerf_q8 *kerf_q8_at(uint8_t *rows, size_t first)
{
  return (struct kerf_q8 *)rows + first / KERF_Q8_INPUTS;
}

/* kerf_finish_softmax, into codes; n is a multiple of KERF_Q8_INPUTS. The values end divided by their sum. */
KERF_INLINE void kerf_finish_softmax_q8(float sum, float *values, struct kerf_q8 *out, uint32_t n)
{
  kerf_finish_softmax(sum, values, values, n);
  for (uint32_t i = 0; i + KERF_Q8_INPUTS <= n; i += KERF_Q8_INPUTS, out++) {
    kerf_store_q8(out, kerf_load16(&values[i]), kerf_load16(&values[i + 16]));
  }
}
