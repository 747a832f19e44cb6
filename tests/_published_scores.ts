/** Scores of rows as papers define them, in f64 over an independent forward pass. */

import type { LayerTrace } from "./_forward.ts";

/** Softmax of the last `window` queries of a head over all keys, causal: [query][key]. */
function windowSoftmax(
  { queries, keys }: LayerTrace,
  head: number,
  window: number,
): number[][] {
  const own = keys[Math.floor(head / (queries.length / keys.length))]!;
  const n = own.length;
  return queries[head]!.slice(n - window).map((q, i) => {
    const logits = own.map((k, row) =>
      row > n - window + i
        ? -Infinity
        : k.reduce((s, x, c) => s + x * q[c]!, 0) / Math.sqrt(q.length)
    );
    const largest = Math.max(...logits);
    const weights = logits.map((logit) => Math.exp(logit - largest));
    const sum = weights.reduce((a, b) => a + b);
    return weights.map((weight) => weight / sum);
  });
}

const mean = (lists: readonly (readonly number[])[]) =>
  lists[0]!.map((_, i) => lists.reduce((sum, list) => sum + list[i]!, 0) / lists.length);
const total = (lists: readonly (readonly number[])[]) =>
  lists[0]!.map((_, i) => lists.reduce((sum, list) => sum + list[i]!, 0));

/** The scores of one KV head as papers define them; `last` rows at the end are no candidates. */
export type Published = (layer: LayerTrace, kvHead: number) => number[];

/** arXiv:2404.14469: what the last `window` queries give a row, the largest of `pool` neighbours. */
export const snapkv = (window: number, pool: number): Published => (layer, kvHead) => {
  const group = layer.queries.length / layer.keys.length;
  const n = layer.keys[0]!.length;
  return mean(Array.from({ length: group }, (_, g) => {
    const sums = total(windowSoftmax(layer, kvHead * group + g, window)).slice(0, n - window);
    const reach = (pool - 1) / 2;
    return Array.from(
      { length: n },
      (_, row) =>
        row >= n - window ? 0 : Math.max(...sums.slice(Math.max(0, row - reach), row + reach + 1)),
    );
  }));
};
/** arXiv:2401.06104: what the last query gives a row. */
export const tova: Published = (layer) =>
  mean(layer.queries.map((_, head) => windowSoftmax(layer, head, 1)[0]!));
/** arXiv:2406.11430: keys of small norm stay. */
export const keyNorm: Published = ({ keys }, kvHead) =>
  keys[kvHead]!.map((k) => -Math.sqrt(k.reduce((s, x) => s + x * x, 0)));
/** arXiv:2504.15364: keys unlike the mean of unit keys stay. */
export const keyDiff: Published = ({ keys }, kvHead) => {
  const norm = (v: Float64Array) => Math.sqrt(v.reduce((s, x) => s + x * x, 0));
  const dot = (a: Float64Array, b: Float64Array) => a.reduce((s, x, c) => s + x * b[c]!, 0);
  const units = keys[kvHead]!.map((k) => k.map((x) => x / norm(k)));
  const anchor = units[0]!.map((_, c) => units.reduce((s, u) => s + u[c]!, 0) / units.length);
  return units.map((unit) => -dot(unit, anchor) / norm(anchor));
};
/** arXiv:2306.14048: what all queries give a row. */
export const h2o: Published = (layer, kvHead) => {
  const group = layer.queries.length / layer.keys.length;
  const n = layer.keys[0]!.length;
  return mean(Array.from(
    { length: group },
    (_, g) => total(windowSoftmax(layer, kvHead * group + g, n)),
  ));
};
/** The newest stay. */
export const position: Published = ({ keys }) => keys[0]!.map((_, row) => row);
