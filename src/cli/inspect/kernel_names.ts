/** Which kernel a word means, for the cache and the variants that the flags choose. */

/** What narrows a word that several names hold. */
export interface KernelChoice {
  /** `layoutName` of the cache. */
  readonly layout: string;
  /** The attention variant's name. */
  readonly attention: string;
  /** The pruning variants' names. */
  readonly prune: readonly string[];
}

/** Kernels that exist for every layout, whether or not they are generated beforehand. */
const OF_ANY_LAYOUT = /^(append(_recording)?|attention_\w+?_(decode|prefill)(_recording)?)__k_/;

const headOf = (name: string) => name.split("__")[0]!;

/**
 * The kernels that a word means: the one of that name, else those that hold it, for the layout and the
 * variants where their names carry these, and of the shortest family (`matmul` is not `matmul_add`).
 *
 * @param names the generated kernels; what is returned may be one that a run would render
 *
 * @example
 * ```ts
 * import { kernelsMeant } from "./kernel_names.ts";
 * const names = ["attention_causal_decode__k_f16t16_v_f16t1", "rms_norm"];
 * const choice = { layout: "k_f32t16_v_f32t1", attention: "causal", prune: [] };
 * const [name] = kernelsMeant("decode", names, choice);
 * if (name !== "attention_causal_decode__k_f32t16_v_f32t1") throw new Error(name);
 * ```
 */
export function kernelsMeant(
  word: string,
  names: readonly string[],
  { layout, attention, prune }: KernelChoice,
): string[] {
  if (names.includes(word)) return [word];
  const found = names.filter((name) => name.includes(word)).map((name) =>
    OF_ANY_LAYOUT.test(name) ? name.replace(/__k_.*$/, `__${layout}`) : name
  );
  const narrow = (of: readonly string[], keep: (name: string) => boolean) => {
    const kept = of.filter(keep);
    return kept.length > 0 ? kept : of;
  };
  const ofAttention = narrow(
    [...new Set(found)],
    (name) => name.startsWith(`attention_${attention}_`),
  );
  const ofPrune = narrow(
    ofAttention,
    (name) =>
      prune.some((variant) =>
        /^(channel|token)_scores_/.test(name) && name.includes(`_scores_${variant}__`)
      ),
  );
  const heads = ofPrune.map(headOf);
  const ofFamily = narrow(
    ofPrune,
    (name) => !heads.some((head) => headOf(name).startsWith(`${head}_`)),
  );
  return [...narrow(ofFamily, (name) => headOf(name) === word)];
}
