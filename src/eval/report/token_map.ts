/** Kept tokens over the text itself: the more heads keep a token, the fuller the colour behind it. */

import { element } from "../../core/html.ts";
import type { Html } from "../../core/html.ts";
import type { MaskLayer } from "../../engine/mask.ts";

/** Colours from none to all heads; the style has a class `t0` … for each. */
export const TOKEN_STEPS = 5;

/** The share of heads, over all layers, that keep each token; null: all keep all of them. */
export function keptShares(layers: readonly MaskLayer[], nTokens: number): number[] | null {
  const heads = layers.flatMap(({ heads }) => heads);
  if (heads.every(({ keptTokens }) => keptTokens === null)) return null;
  const counts = new Array<number>(nTokens).fill(0);
  for (const { keptTokens } of heads) {
    if (keptTokens) { for (const position of keptTokens) counts[position]!++; }
    else counts.forEach((n, position) => counts[position] = n + 1);
  }
  return counts.map((count) => count / heads.length);
}

/** The step of a share: the first for none, the last for all, the others between. */
export const tokenStep = (share: number): number =>
  share === 0 ? 0 : share === 1 ? TOKEN_STEPS - 1 : 1 + Math.floor(share * (TOKEN_STEPS - 2));

/** The text. @param shares of each token, as `keptShares` counts them */
export function tokenMap(tokens: readonly string[], shares: readonly number[]): Html {
  const runs: { step: number; text: string }[] = [];
  for (const [i, text] of tokens.entries()) {
    const step = tokenStep(shares[i]!);
    const last = runs.at(-1);
    if (last?.step === step) last.text += text;
    else runs.push({ step, text });
  }
  return element(
    "p",
    { class: "tokens", tabindex: 0 },
    runs.map(({ step, text }) => element("span", { class: `t${step}` }, text)),
  );
}

/** What the steps stand for, in the colours of the text. */
export function tokenSteps(): Html {
  const [first, last] = ["no head", "all heads"];
  const between = Array.from(
    { length: TOKEN_STEPS - 2 },
    (_, i) => `under ${Math.round(100 * (i + 1) / (TOKEN_STEPS - 2))} %`,
  );
  return element(
    "span",
    { class: "steps" },
    [first, ...between, last].map((text, step) => [
      " ",
      element("span", { class: `t${step}` }, text),
    ]),
  );
}
