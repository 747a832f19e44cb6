/**
 * What the name of a matrix product's kernel says: NAME, `_q8` where it multiplies codes by codes, twice where it
 * stores codes too, then what else it stores instead of outputs.
 */

import type { Matmul } from "../../dsl/matmul.ts";

const Q8 = "_q8";
const LARGEST = "_largest";
const APPEND = "_append";

/** What a product takes and stores. */
export interface ProductKind {
  /** Rows of x are 8-bit codes. */
  readonly isQ8: boolean;
  /** So are the outputs it stores. */
  readonly storesCodes: boolean;
  /** It stores the largest of each sixteen outputs, and its place. */
  readonly storesLargest: boolean;
  /** It appends q, k and v to the cache. */
  readonly appends: boolean;
}

/** What the endings of a kernel's name say. */
export function kindOf(head: string): ProductKind {
  const ending = [LARGEST, APPEND].find((own) => head.endsWith(own)) ?? "";
  const rest = head.slice(0, head.length - ending.length);
  return {
    ...{ storesLargest: ending === LARGEST, appends: ending === APPEND },
    ...{ isQ8: rest.endsWith(Q8), storesCodes: rest.endsWith(`${Q8}${Q8}`) },
  };
}

/** The names of a product's kernels, without what they read. */
export function headsOf({ name, stores }: Matmul): string[] {
  const values = [name, `${name}${Q8}`];
  return [
    ...(stores.includes("f32") ? values : []),
    ...(stores.includes("q8") ? [`${name}${Q8}${Q8}`] : []),
    ...(stores.includes("largest") ? values.map((head) => `${head}${LARGEST}`) : []),
    ...(stores.includes("cache") ? [`${name}${Q8}${APPEND}`] : []),
  ];
}
