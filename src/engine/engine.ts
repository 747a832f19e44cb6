/**
 * The engine under everything that generates: a model on a device with its cache, one step at a time.
 * Knows slots, rows and bytes; knows nothing of text, sampling or who asked.
 */

import { STEP_FIELDS } from "../core/signature.ts";
import type { BufferRange, Device } from "../device/types.ts";
import type { KvCache } from "./cache.ts";
import type { LayerRange } from "./cache_shape.ts";
import { compressLayer, evictDecoded, flushLayer, rowsUntilFlush } from "./compress.ts";
import { whole } from "./draft.ts";
import { stepDrafts } from "./plan.ts";
import type { Plan } from "./plan.ts";
import { momentBytes } from "./plan_buffers.ts";
import { slotRanges } from "./query_rings.ts";
import { buildStep } from "./step.ts";
import type { StepSequence } from "./step.ts";
import { checkLimits } from "./step_limits.ts";
import { outputOf, readOutputs } from "./step_outputs.ts";
import type { RowOutput } from "./step_outputs.ts";

/** A sequence's share of a step, before the engine knows how long its cache is. */
export type EngineRows = Omit<StepSequence, "nSplits">;

/** … of which no row asks only where its largest logit is. */
export type LogitRows = EngineRows & { readonly logits: "none" | "last" | "all" };

/** A loaded model. */
export class Engine {
  readonly device: Device;
  readonly plan: Plan;
  readonly cache: KvCache;

  constructor(device: Device, plan: Plan) {
    this.device = device;
    this.plan = plan;
    this.cache = plan.inputs.cache;
  }

  /**
   * Runs one step: every row through the whole model, appended to its slot.
   *
   * @returns per row that wanted logits, in order
   * @throws {RangeError} it is larger than the plan's limits
   */
  async step(sequences: readonly LogitRows[]): Promise<Float32Array[]>;
  async step(sequences: readonly EngineRows[]): Promise<RowOutput[]>;
  async step(sequences: readonly EngineRows[]): Promise<RowOutput[]> {
    this.#begin(sequences, this.cache.allLayers);
    const program = outputOf(sequences) === "picks" ? this.plan.step : this.plan.logitsStep;
    const outputs = await readOutputs(this.plan, {
      sequences,
      read: (range) => this.device.run(program, this.#header, range),
    });
    for (const { slot, tokens } of sequences) this.cache.advance(slot, tokens.length);
    this.#settleDecoded(sequences);
    return outputs;
  }

  /** Decoded rows stay where they are, like those of a prefill that has ended, unless they are coded or evicted. */
  #settleDecoded(sequences: readonly EngineRows[]): void {
    const staysPut = ({ slot, tokens }: EngineRows) =>
      tokens.length === 1 && this.rowsUntilDue(slot, 0) === Infinity;
    if (this.cache.table.hasGrown && sequences.every(staysPut)) this.cache.table.settle();
  }

  /**
   * Prefills an empty slot layer by layer: the whole prompt through one layer, compress it, go on. Gives
   * the same bits as chunks through all layers, and holds one dense layer at a time.
   *
   * @returns of the last row; null when the signal ended it, and the slot is empty again. Yields the share
   * done after every layer.
   */
  async *prefillLayered(
    slot: number,
    tokens: readonly number[],
    options: { readonly logits?: "pick" | "last"; readonly signal?: AbortSignal | undefined } = {},
  ): AsyncGenerator<number, RowOutput | null> {
    const { logits = "last", signal } = options;
    const asked = outputOf([{ logits }]);
    const { config: { nLayers, dModel }, limits } = this.plan.inputs;
    const chunks = Array.from(
      { length: Math.ceil(tokens.length / limits.nRows) },
      (_, i) => tokens.slice(i * limits.nRows, (i + 1) * limits.nRows),
    );
    const xs = chunks.map(({ length }, i) =>
      this.device.allocate(4 * length * dModel, `x of chunk ${i + 1} of the prompt`)
    );
    try {
      for (let layer = 0; layer < nLayers; layer++) {
        const layers = { first: layer, end: layer + 1 };
        for (const [i, chunk] of chunks.entries()) {
          if (signal?.aborted) {
            this.cache.clearSlot(slot);
            return null;
          }
          const isLast = i === chunks.length - 1 && layer === nLayers - 1;
          const rows = { slot, position: i * limits.nRows, tokens: chunk } as const;
          this.#begin([{ ...rows, logits: isLast ? logits : "none" }], layers);
          const drafts = stepDrafts(this.plan, { layers, x: whole(xs[i]!), output: asked });
          await this.plan.run(drafts, this.#header);
          this.cache.advance(slot, chunk.length, layers);
        }
        await compressLayer(this.device, this.plan, { slot, layer, nTokens: tokens.length });
        yield (layer + 1) / nLayers;
      }
      this.cache.table.settle();
    } finally {
      for (const x of xs) this.device.free(x);
    }
    const [output] = await readOutputs(this.plan, {
      sequences: [{ tokens, logits }],
      read: (range) => this.#read(range!),
    });
    return output!;
  }

  /** Compresses every layer of a slot, at the end of a prefill. */
  async compress(slot: number): Promise<void> {
    const nTokens = this.cache.tokensOf(slot);
    for (let layer = 0; layer < this.cache.shape.nLayers; layer++) {
      await compressLayer(this.device, this.plan, { slot, layer, nTokens });
    }
    this.cache.table.settle();
  }

  /** Evicts rows of a slot that has decoded `nDecoded` tokens since its prefill, when it is time to. */
  async evictDecoded(slot: number, nDecoded: number): Promise<void> {
    const every = this.plan.inputs.tokens?.every ?? 0;
    if (every === 0 || nDecoded % every !== 0) return;
    const nTokens = this.cache.tokensOf(slot);
    await evictDecoded(this.device, this.plan, { slot, nTokens });
  }

  /**
   * Prunes and codes a slot's rows that are due, before a step that decodes: so a prefill's chunks change nothing,
   * and no step sees rows move.
   */
  async flush(slot: number): Promise<void> {
    if (this.cache.segments.every(({ segment }) => segment.flush === null)) return;
    const nTokens = this.cache.tokensOf(slot);
    for (let layer = 0; layer < this.cache.shape.nLayers; layer++) {
      await flushLayer(this.device, this.plan, { slot, layer, nTokens });
    }
  }

  /**
   * How many rows a slot that has decoded `nDecoded` may take as one, with the bits of one after the other:
   * until a flush or an eviction is due. At least one once {@linkcode flush} has run.
   */
  rowsUntilDue(slot: number, nDecoded: number): number {
    const every = this.plan.inputs.tokens?.every ?? 0;
    const untilEviction = every === 0 ? Infinity : every - nDecoded % every;
    return Math.min(untilEviction, rowsUntilFlush(this.plan, slot));
  }

  #header: Uint32Array = new Uint32Array(STEP_FIELDS.length);

  /** Pages for the rows, arrays and tables on the device. */
  #begin(sequences: readonly EngineRows[], layers: LayerRange): void {
    checkLimits(this.plan.inputs, sequences);
    for (const { slot, tokens } of sequences) {
      this.cache.reserveRows(slot, tokens.length, layers);
      this.commitQueries(slot);
    }
    const { step, ...arrays } = buildStep(sequences.map((rows) => ({
      ...rows,
      nSplits: this.cache.chunksOf(rows.slot, rows.tokens.length),
    })));
    this.cache.sync();
    for (const [name, data] of Object.entries(arrays)) {
      const buffer = this.plan.buffers.step[name as keyof typeof arrays];
      if (data.length > 0) this.device.write(buffer, data);
    }
    this.#header = step;
  }

  /** A slot's part of what is remembered of queries takes memory with the slot's first rows. */
  commitQueries(slot: number): void {
    const { buffers: { rings, moments }, inputs: { config } } = this.plan;
    for (const { buffer, offset, bytes } of slotRanges(rings, slot, config)) {
      this.device.commit(buffer, offset, bytes);
    }
    if (moments === null) return;
    const bytes = momentBytes(config);
    this.device.commit(moments, slot * bytes, bytes);
  }

  #read({ buffer, offset, bytes }: BufferRange): Promise<Uint8Array> {
    return this.device.read(buffer, offset, bytes);
  }

  close(): void {
    this.device.close();
  }
}
