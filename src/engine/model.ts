/**
 * A loaded model as a library's user holds it: answers, batches, sessions, masks. Text in, text out; one
 * piece of work at a time.
 */

import { markStage } from "../sys/startup_marks.ts";
import { channelScoresOf } from "./channel_scores.ts";
import { maskOf } from "./mask.ts";
import type { MaskLayer } from "./mask.ts";
import type { GenerateOptions, Prompt } from "./generate_options.ts";
import { Generation, peakRssBytes } from "./generation.ts";
import type { GenerateResult } from "./generation.ts";
import type { Loaded } from "./load.ts";
import type { Outcome } from "./outcome.ts";
import type { Request } from "./request.ts";
import { checkSampling } from "./sampling.ts";
import { schedule } from "./scheduler.ts";
import { Session } from "./session.ts";

/** A model ready to generate. */
export class Model {
  readonly loaded: Loaded;
  #busy = false;

  constructor(loaded: Loaded) {
    this.loaded = loaded;
  }

  /** For people: `cpu (2 threads, x86-64-v4)`. */
  get device(): string {
    return this.loaded.engine.device.name;
  }

  /**
   * The token ids of a prompt.
   *
   * @throws {KerfError} a conversation, and the model has no chat template
   */
  tokenize(prompt: Prompt, options: Pick<GenerateOptions, "raw" | "system"> = {}): number[] {
    if (typeof prompt === "object" && "tokens" in prompt) return [...prompt.tokens];
    const { tokenizer, template } = this.loaded;
    if (typeof prompt === "string" && options.raw) return tokenizer.encode(prompt);
    const system = options.system === undefined
      ? []
      : [{ role: "system", content: options.system } as const];
    const messages = typeof prompt === "string"
      ? [...system, { role: "user", content: prompt } as const]
      : prompt;
    return tokenizer.encode(template()(messages));
  }

  /** Starts an answer; see {@linkcode Generation}. */
  generate(prompt: Prompt, options: GenerateOptions = {}): Generation {
    return new Generation(this.#answer(prompt, options));
  }

  async *#answer(prompt: Prompt, options: GenerateOptions): AsyncGenerator<string, GenerateResult> {
    let text = "";
    let isFirst = true;
    for await (const event of this.#run([{ prompt, options }], options)) {
      if (isFirst) markStage("prompt's step, first token");
      isFirst = false;
      if (event.kind === "token" && event.text !== "") {
        text += event.text;
        yield event.text;
      }
      if (event.kind === "end") {
        if (event.text !== "") yield event.text;
        return this.#result(event.outcome, event.promptTokens, text + event.text);
      }
    }
    throw new Error("the scheduler ended without an outcome");
  }

  /**
   * Answers prompts together. Each answer is bit for bit what it would be alone.
   *
   * @param options for all; `session` and `compressAfter` do not apply
   * @returns answers as they end, each with its place among the prompts
   */
  async *batch(
    prompts: readonly Prompt[],
    options: Omit<GenerateOptions, "session" | "compressAfter"> = {},
  ): AsyncGenerator<{ index: number; result: GenerateResult }, void> {
    const texts = prompts.map(() => "");
    for await (const event of this.#run(prompts.map((prompt) => ({ prompt, options })), options)) {
      if (event.kind === "token") texts[event.index] += event.text;
      if (event.kind === "end") {
        const { index } = event.outcome;
        const text = texts[index]! + event.text;
        yield { index, result: this.#result(event.outcome, event.promptTokens, text) };
      }
    }
  }

  /** A conversation whose cache is kept between answers. */
  session(): Session {
    return new Session(this.loaded.engine.cache);
  }

  /**
   * The channels, in half-split RoPE order, and the tokens that a prompt's compression keeps, per layer and
   * KV head.
   * Prefills the prompt and generates nothing.
   */
  async mask(prompt: Prompt, options: GenerateOptions = {}): Promise<MaskLayer[]> {
    using session = this.session();
    await this.generate(prompt, { ...options, maxTokens: 0, session }).result;
    return await maskOf(this.loaded.engine, session.slot);
  }

  /**
   * The scores by which a prompt's channels were chosen: f32 [nLayers, nKvHeads, headDim]. Prefills the
   * prompt and generates nothing.
   *
   * @throws {KerfError} the spec does not score the channels of every layer
   */
  async channelScores(
    prompt: Prompt,
    options: GenerateOptions = {},
  ): Promise<Float32Array<ArrayBuffer>> {
    using session = this.session();
    await this.generate(prompt, { ...options, maxTokens: 0, session }).result;
    return await channelScoresOf(this.loaded, session.slot);
  }

  /** Frees device memory. */
  close(): void {
    this.loaded.engine.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  async *#run(
    work: readonly { prompt: Prompt; options: GenerateOptions }[],
    shared: GenerateOptions,
  ) {
    if (this.#busy) throw new TypeError("Cannot generate: the model is still answering");
    checkSampling(shared);
    this.#busy = true;
    const { session, signal, onEvent } = shared;
    let kept = false;
    try {
      const requests = work.map(({ prompt, options }) => this.#request(prompt, options));
      const chunkSize = Math.min(
        shared.chunkSize ?? this.loaded.chunkSize,
        this.loaded.plan.inputs.limits.nRows,
      );
      const { engine, admission } = this.loaded;
      const run = schedule(engine, requests, {
        admission,
        chunkSize,
        ...(signal ? { signal } : {}),
      });
      for await (const event of run) {
        if (event.kind === "prefill" || event.kind === "layered") onEvent?.(event);
        else if (event.kind === "token") yield event;
        else {
          session?.keep(event.outcome.cachedTokens);
          kept = true;
          yield { ...event, promptTokens: requests[event.outcome.index]!.promptTokens };
        }
      }
    } finally {
      if (!kept) session?.drop();
      this.#busy = false;
    }
  }

  #request(prompt: Prompt, options: GenerateOptions): Request {
    const { session, maxTokens, compressAfter, onEvent } = options;
    const { tokenizer } = this.loaded;
    const promptTokens = this.tokenize(prompt, options);
    markStage("prompt's template, tokens");
    const dropped = session?.fit(promptTokens) ?? 0;
    if (dropped > 0) onEvent?.({ kind: "dropped", cachedTokens: dropped });
    return {
      promptTokens,
      sampling: options,
      stopIds: options.ignoreStop ? new Set() : tokenizer.stopIds,
      decoder: tokenizer.decoder(),
      ...(maxTokens === undefined ? {} : { maxTokens }),
      ...(compressAfter === undefined ? {} : { compressAfter }),
      ...(session ? { kept: { slot: session.slot, nCached: session.nCached } } : {}),
    };
  }

  #result(outcome: Outcome, promptTokens: readonly number[], text: string): GenerateResult {
    const { tokens, finishReason, stats } = outcome;
    return {
      promptTokens,
      tokens,
      text,
      finishReason,
      stats: { ...stats, peakRssBytes: peakRssBytes() },
    };
  }
}
