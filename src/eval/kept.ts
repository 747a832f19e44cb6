/**
 * What specs keep of one prompt, read back from their caches: the pictures of a report. Measures nothing, and
 * leaves no slot open.
 */

import { maskOf } from "../engine/mask.ts";
import type { MaskLayer } from "../engine/mask.ts";
import type { EvalSpec } from "./evaluate.ts";
import { Prefills } from "./prefills.ts";

/** What one spec keeps. */
export interface KeptBySpec {
  readonly spec: string;
  readonly layers: readonly MaskLayer[];
}

/** What specs keep of a prompt. */
export interface KeptMaps {
  readonly passage: string;
  /** The prompt's text, token by token. */
  readonly tokens: readonly string[];
  readonly headDim: number;
  readonly specs: readonly KeptBySpec[];
}

/** Compresses a prompt with every spec, over as few prefills as serve them. */
export async function keptBySpecs(
  prompt: readonly number[],
  specs: readonly EvalSpec[],
): Promise<KeptBySpec[]> {
  const engines = await Promise.all(specs.map(({ open }) => open()));
  const prefills = new Prefills(prompt, engines);
  const kept: KeptBySpec[] = [];
  for (const [i, { spec }] of specs.entries()) {
    const { engine } = engines[i]!;
    const { slot } = await prefills.open(engines[i]!);
    try {
      await engine.compress(slot);
      kept.push({ spec, layers: await maskOf(engine, slot) });
    } finally {
      engine.cache.closeSlot(slot);
    }
  }
  return kept;
}
