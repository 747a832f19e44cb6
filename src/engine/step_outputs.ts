/**
 * What a step leaves for the rows that ask: their logits, or the ids of the largest of them. Where all rows
 * want ids, the device picks them and four bytes a row are read.
 */

import type { BufferRange } from "../device/types.ts";
import { argmax } from "./argmax.ts";
import type { HeadOutput } from "./end_drafts.ts";
import type { Plan } from "./plan.ts";
import { logitRows } from "./step.ts";
import type { StepSequence } from "./step.ts";

/** What a row gives back that wants logits: f32 [nVocab], or the id of the largest where it picks. */
export type RowOutput = Float32Array | number;

/** What a step has to leave: logits where any row wants them. */
export const outputOf = (sequences: readonly Pick<StepSequence, "logits">[]): HeadOutput =>
  sequences.every(({ logits }) => logits === "pick" || logits === "none") ? "picks" : "logits";

/**
 * Reads what rows want: four bytes of each where all pick, else logits, of which the ids are taken here.
 *
 * @param options `read`: a range once the rows are computed; without one it only computes them
 */
export async function readOutputs(
  { inputs, buffers }: Plan,
  { sequences, read }: {
    readonly sequences: readonly Pick<StepSequence, "tokens" | "logits">[];
    readonly read: (range?: BufferRange) => Promise<Uint8Array>;
  },
): Promise<RowOutput[]> {
  const { nVocab } = inputs.config;
  const { logits, picks } = buffers.activations;
  const wanted = sequences.flatMap((s) => Array<typeof s.logits>(logitRows(s)).fill(s.logits));
  if (outputOf(sequences) === "picks") {
    const ids = { buffer: picks, offset: 0, bytes: 4 * wanted.length };
    const bytes = await read(wanted.length > 0 ? ids : undefined);
    return [...new Uint32Array(bytes.buffer, bytes.byteOffset, wanted.length)];
  }
  const bytes = await read({ buffer: logits, offset: 0, bytes: 4 * wanted.length * nVocab });
  return wanted.map((want, i) => {
    const row = new Float32Array(bytes.buffer, bytes.byteOffset + 4 * i * nVocab, nVocab);
    return want === "pick" ? argmax(row) : row;
  });
}
