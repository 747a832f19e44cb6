/**
 * Codes steps: a stream's older rows are stored as whole numbers of few bits, with a scale and a minimum for
 * every group. They score nothing; which rows are coded, and when, follows from two numbers.
 */

import { KerfError } from "../core/error.ts";
import { CELL } from "../layout/coded.ts";
import type { CodesRule } from "../layout/steps.ts";
import { amountOf } from "./accumulator.ts";
import type { Amount, Derived } from "./accumulator.ts";
import type { ChannelBits } from "./channel_bits.ts";
import type { RowBits } from "./row_bits.ts";

/** What shares a scale; `channelsIf` names a parameter: `channels` where it is not 0, else `rows`. */
export type Along = "rows" | "channels" | { readonly channelsIf: Amount };

/** What an author writes for a codes step. */
export interface CodesSpec {
  readonly of: "key" | "value";
  /** Bits of a code: 2, 4 or 8; of keys along rows also `byChannel()`, of values `byRow()`, which may have 0. */
  readonly bits: Amount | ChannelBits | RowBits;
  /**
   * What shares a scale and a minimum: `rows` of one channel, as keys want it, whose channels differ in
   * range; or `channels` of one row, whose codes then depend on no other row.
   */
  readonly along: Along;
  /** How many share them: 16, 32, 64 or 128. */
  readonly group: Amount;
  /** The last rows, which stay whole. Unless the next two say otherwise as many are coded at once. */
  readonly residual: Amount;
  /** Whole units of so many rows are coded at the end of a prefill; below 0, the default: `residual`. */
  readonly unit?: Amount;
  /**
   * Rows that are coded at once while decoding; 0: rows that are decoded stay whole, below 0, the default: as
   * many as `residual`. This and a unit are multiples of the group along rows, of a tile in keys along channels.
   */
  readonly every?: Amount;
  /** 1, the default: the last `residual` rows stay whole; 0: none need to. */
  readonly keep?: Amount;
  /** 0: the stream stays as it is. Default 1, and always where bits go by row or by channel. */
  readonly if?: Amount;
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
 * @throws {TypeError} `if` where bits go by row or by channel
 *
 * @example
 * ```ts
 * import { codes } from "kerf/dsl";
 * const step = codes({ of: "key", bits: 4, along: "rows", group: 32, residual: 128 });
 * if (step.keep !== 1) throw new Error("the last rows stay whole");
 * ```
 */
export function codes(spec: CodesSpec): CodesStep {
  if (typeof spec.bits === "object" && spec.if !== undefined) {
    throw new TypeError("Cannot declare codes(): give no `if` where bits go by row or by channel");
  }
  return Object.freeze({ unit: -1, every: -1, keep: 1, if: 1, ...spec, kind: "codes" });
}

/** What shares a scale, with a parameter's number. */
export function scalesAlong(
  { along }: Pick<CodesStep, "along">,
  values: Readonly<Record<string, number>>,
): "rows" | "channels" {
  if (typeof along === "string") return along;
  return amountOf(along.channelsIf, values) === 0 ? "rows" : "channels";
}

const BITS: readonly number[] = [2, 4, 8];
const GROUPS: readonly number[] = [16, 32, 64, 128];

/** The rows that a unit of coded ones is whole in: keys along channels lie in tiles as all keys do. */
function unitOf(of: CodesStep["of"], along: "rows" | "channels", group: number) {
  if (along === "rows") return { unit: group, name: "groups" };
  return { unit: of === "key" ? CELL : 1, name: "tiles" };
}

/** More rows than any cache holds, and a multiple of every group: so many are never due. */
const NEVER = 2 ** 40;

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
  const number = (amount: Amount | Derived) => amountOf(amount, values);
  const [group, residual] = [number(step.group), number(step.residual)];
  const along = scalesAlong(step, values);
  const orResidual = (amount: Amount) => number(amount) < 0 ? step.residual : amount;
  const [unit, every] = [orResidual(step.unit), orResidual(step.every)];
  const byRow = typeof step.bits === "object" && step.bits.kind === "byRow" ? step.bits : null;
  const byChannel = typeof step.bits === "object" && step.bits.kind === "byChannel"
    ? step.bits
    : null;
  const amounts = byRow
    ? [byRow.high, byRow.low]
    : [byChannel ? byChannel.choices[2] : step.bits as Amount];
  const refuse = (why: string, hint: string): never => {
    throw new KerfError(`Cannot code ${step.of}s with "${owner}": ${why}`, { hint, exitCode: 2 });
  };
  const codes = amounts.map((amount, i): CodesRule["code"] | null => {
    const bits = number(amount);
    // Rows of the second class may store nothing.
    if (bits === 0 && i === 1) return null;
    const choices = [...(i === 1 ? [0] : []), ...BITS].join(", ");
    if (!BITS.includes(bits)) refuse(`a code has no ${bits} bits`, `use ${choices} bits`);
    const low = byChannel ? { low: byChannel.choices[1] } : {};
    return { kind: "affine", bits: bits as 2 | 4 | 8, ...low, along, group };
  });
  if (byRow && (step.of !== "value" || along !== "channels")) {
    refuse(
      "rows of unlike bits share no scale",
      'use byRow() in codes({ of: "value", along: "channels", … })',
    );
  }
  if (byChannel && (step.of !== "key" || along !== "rows")) {
    refuse(
      "channels of unlike bits share no scale",
      'use byChannel() in codes({ of: "key", along: "rows", … })',
    );
  }
  if (!GROUPS.includes(group)) {
    refuse(`${group} values share no scale`, `use groups of ${GROUPS.join(", ")}`);
  }
  const whole = unitOf(step.of, along, group);
  const wholeGroups = (amount: Amount) => {
    const rows = number(amount);
    if (rows >= 1 && rows % whole.unit === 0) return rows;
    const next = Math.max(1, Math.ceil(rows / whole.unit)) * whole.unit;
    const set = typeof amount === "string" ? `: ${amount}=${next}` : "";
    return refuse(
      `${rows} rows are no whole ${whole.name} of ${whole.unit}`,
      `code ${next} rows at once${set}`,
    );
  };
  const rows = number(every) === 0 ? NEVER : wholeGroups(every);
  return {
    kind: "codes",
    of: step.of,
    code: codes[0]!,
    ...(byRow ? { low: codes[1]! } : {}),
    flush: { rows, atRows: number(step.keep) * residual + rows, unit: wholeGroups(unit) },
  };
}
