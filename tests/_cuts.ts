/** Which rows of which heads a choice is made of, as its kernels take it: layer 1 of 2, so that strides matter. */

export const LAYER = 1, N_LAYERS = 2;

/** `cuts` of heads, those of the other layer filled with what must not be read. */
export const cutsOf = (
  heads: readonly (readonly [listed: number, rows: number, keep: number])[],
): Uint32Array<ArrayBuffer> =>
  Uint32Array.from([...Array(4 * heads.length).fill(9999), ...heads.flatMap((h) => [...h, 0])]);
