/**
 * Codes steps: a stream's older rows are stored as whole numbers of few bits, with a scale and a minimum for
 * every group. They score nothing; which rows are coded, and when, follows from two numbers.
 */

import { KerfError } from "../core/error.ts";
import type { CodesRule } from "../layout/make.ts";
import { amountOf } from "./accumulator.ts";
import type { Amount } from "./accumulator.ts";
import type { ChannelBits } from "./channel_bits.ts";
import type { RowBits } from "./row_bits.ts";

/** What an author writes for a codes step. */
export interface CodesSpec {
  readonly of: "key" | "value";
  /** Bits of a code: 2, 4 or 8; of keys along rows also `byChannel()`, of values `byRow()`. */
  readonly bits: Amount | ChannelBits | RowBits;
  /**
   * What shares a scale and a minimum: `rows` of one channel, as keys want it, whose channels differ in
   * range; or `channels` of one row.
   */
  readonly along: "rows" | "channels";
  /** How many share them: 16, 32, 64 or 128. */
  readonly group: Amount;
  /** Rows that are coded at once; along rows a multiple of the group. */
  readonly residual: Amount;
  /**
   * Blocks of `residual` rows that always stay whole: with 1 the oldest of 2 · residual whole rows are
   * coded, with 0 rows are coded as soon as there are `residual` of them. Default 1.
   */
  readonly keep?: Amount;
}

/** A codes step of a variant. */
export interface CodesStep extends Required<CodesSpec> {
  readonly kind: "codes";
}

/**
 * Codes older rows: at the end of a prefill, and while decoding whenever enough whole ones are there.
 *
 * Source: KIVI, arXiv:2402.02750, section 3.
 *
 * @example
 * ```ts
 * import { codes } from "kerf/dsl";
 * const step = codes({ of: "key", bits: 4, along: "rows", group: 32, residual: 128 });
 * if (step.keep !== 1) throw new Error("the last rows stay whole");
 * ```
 */
export function codes(spec: CodesSpec): CodesStep {
  return Object.freeze({ keep: 1, ...spec, kind: "codes" });
}

const BITS: readonly number[] = [2, 4, 8];
const GROUPS: readonly number[] = [16, 32, 64, 128];

/**
 * A codes step with its numbers.
 *
 * @throws {KerfError} exit code 2: bits or a group that no kernel reads, or a residual of no whole groups
 */
export function codesRule(
  owner: string,
  step: CodesStep,
  values: Readonly<Record<string, number>>,
): CodesRule {
  const [group, rows, keep] = [step.group, step.residual, step.keep]
    .map((amount) => amountOf(amount, values)) as [number, number, number];
  const byRow = typeof step.bits === "object" && step.bits.kind === "byRow" ? step.bits : null;
  const byChannel = typeof step.bits === "object" && step.bits.kind === "byChannel"
    ? step.bits
    : null;
  const amounts = byRow
    ? [byRow.high, byRow.low]
    : [byChannel ? byChannel.choices[2] : step.bits as Amount];
  const refuse = (why: string, hint: string) => {
    throw new KerfError(`Cannot code ${step.of}s with "${owner}": ${why}`, { hint, exitCode: 2 });
  };
  const codes = amounts.map((amount): CodesRule["code"] => {
    const bits = amountOf(amount, values);
    if (!BITS.includes(bits)) refuse(`a code has no ${bits} bits`, `use ${BITS.join(", ")} bits`);
    const low = byChannel ? { low: byChannel.choices[1] } : {};
    return { kind: "affine", bits: bits as 2 | 4 | 8, ...low, along: step.along, group };
  });
  if (byRow && (step.of !== "value" || step.along !== "channels")) {
    refuse(
      "rows of unlike bits share no scale",
      'use byRow() in codes({ of: "value", along: "channels", … })',
    );
  }
  if (byChannel && (step.of !== "key" || step.along !== "rows")) {
    refuse(
      "channels of unlike bits share no scale",
      'use byChannel() in codes({ of: "key", along: "rows", … })',
    );
  }
  if (!GROUPS.includes(group)) {
    refuse(`${group} values share no scale`, `use groups of ${GROUPS.join(", ")}`);
  }
  if (!(rows >= 1) || step.along === "rows" && rows % group !== 0) {
    const next = Math.max(group, Math.ceil(rows / group) * group);
    refuse(`${rows} rows are no whole groups of ${group}`, `code ${next} rows at once`);
  }
  return {
    kind: "codes",
    of: step.of,
    code: codes[0]!,
    ...(codes[1] ? { low: codes[1] } : {}),
    flush: { rows, atRows: (keep + 1) * rows },
  };
}
