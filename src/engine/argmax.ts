/** The likeliest token of logits on the host, the same as the kernel arg_max finds on a device. */

/** The id of the largest logit; of equal ones the lowest. What is no number is never it; of nothing else 0. */
export function argmax(logits: Float32Array): number {
  let best = 0;
  for (let i = 1; i < logits.length; i++) {
    const [x, largest] = [logits[i]!, logits[best]!];
    if (x > largest || Number.isNaN(largest) && !Number.isNaN(x)) best = i;
  }
  return best;
}
