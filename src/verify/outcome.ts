/** Everything one verification found: what tables, JSON and reports are made of. */

import type { AbsentKernels } from "./absent.ts";
import type { Check, TargetLabel } from "./result.ts";
import type { MissingTarget } from "./targets.ts";

/** A whole verification. */
export interface Outcome {
  readonly passed: boolean;
  readonly seconds: number;
  readonly targets: readonly TargetLabel[];
  /** Targets that were not here. */
  readonly missing: readonly MissingTarget[];
  /** What targets that are here have no templates for yet: neither passed nor failed. */
  readonly absent: readonly AbsentKernels[];
  /** One per variant, kernel and target. */
  readonly checks: readonly Check[];
}

/** `snapkv is not there on wgsl: it has no template for select_rows`; of some of its cases: how many. */
export function absentText({ variant, label, kernels, cases, of }: AbsentKernels): string {
  const what = cases === of ? `${variant} is` : `${cases} of ${of} cases of ${variant} are`;
  return `${what} not there on ${label}: it has no template for ${kernels.join(", ")}`;
}

/** `row 3, head 1, channel 12`. */
export const placeText = (at: Readonly<Record<string, number>>): string =>
  Object.entries(at).map(([name, index]) => `${name} ${index}`).join(", ");

/** A small number in few letters: `3.3e-6`; zero is `0`. */
export const shortNumber = (x: number): string =>
  x === 0 ? "0" : Number.isFinite(x) ? x.toExponential(1) : String(x);

/** A share of a bound: `12 %`, `exact` for none. */
export function shareText(share: number): string {
  if (share === 0) return "exact";
  if (!Number.isFinite(share)) return "no bound";
  if (share < 0.001) return "< 0.1 %";
  return `${(100 * share).toFixed(share < 0.1 ? 1 : 0)} %`;
}
