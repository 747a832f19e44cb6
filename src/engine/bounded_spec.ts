/** The spec that a message proposes to who outgrows a context: what was asked for, so that it never does. */

import { formatSpec } from "./spec.ts";
import type { TokensPlan } from "./tokens_plan.ts";

/**
 * The spec under which a variant's cache stays inside any context: positions in the cache, and evictions while
 * decoding; null: it has no parameters that say so.
 */
export function boundedSpec(
  { definition: { name, params }, step, ...tokens }: TokensPlan,
): string | null {
  const { positions, every } = step;
  const [cacheIf, interval] = [typeof positions === "object" ? positions.cacheIf : null, every];
  if (cacheIf === null || typeof interval !== "string" || step.share) return null;
  const values = { ...tokens.params, [cacheIf]: 1, [interval]: tokens.every || EVERY };
  const own = Object.entries(values).filter(([key, value]) => value !== params[key]?.default);
  return formatSpec([{ name, values: Object.fromEntries(own) }]);
}

/** Tokens between evictions that a message proposes: seldom enough to cost little. */
const EVERY = 64;
