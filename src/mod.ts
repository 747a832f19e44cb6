/**
 * Kerf as a library: load a model, cut its cache, generate.
 *
 * @example The default model is fetched on first use
 * ```ts ignore
 * import { load } from "kerf";
 *
 * using model = await load({ prune: "think:ratio=0.5" });
 * const answer = model.generate("What is the capital of France?");
 * for await (const piece of answer) console.log(piece);
 * console.log((await answer.result).stats.kv);
 * ```
 */

import { loadModel } from "./engine/load.ts";
import type { LoadOptions } from "./engine/load.ts";
import { Model } from "./engine/model.ts";

export { KerfError } from "./core/error.ts";
export type { CacheType, CacheTypes } from "./layout/steps.ts";
export type { ChatMessage } from "./model/chat.ts";
export { Generation } from "./engine/generation.ts";
export type { GenerateResult } from "./engine/generation.ts";
export type { LoadOptions, LoadProgress } from "./engine/load.ts";
export type { MaskHead, MaskLayer } from "./engine/mask.ts";
export { Model } from "./engine/model.ts";
export type { GenerateEvent, GenerateOptions, Prompt } from "./engine/generate_options.ts";
export type { SamplingOptions } from "./engine/sampling.ts";
export type { FinishReason, KvStats, SequenceStats } from "./engine/sequence.ts";
export { Session } from "./engine/session.ts";

/**
 * Loads a model. Dispose of it (`using`) or call `close()` when done.
 *
 * @throws {KerfError} whatever stops it, with what to change
 *
 * @example What stops it is meant for people
 * ```ts
 * import { KerfError, load } from "kerf";
 *
 * try {
 *   using model = await load({ model: "nowhere.gguf" });
 *   console.log(model.device);
 * } catch (error) {
 *   if (!(error instanceof KerfError)) throw error;
 *   console.error(error.render()); // error: Cannot open model … hint: …
 * }
 * ```
 */
export async function load(options: LoadOptions = {}): Promise<Model> {
  return new Model(await loadModel(options));
}
