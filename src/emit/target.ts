/**
 * What the shared emitter knows of a target: how it prints operations, types, literals and loads, how it
 * cuts work, and where its templates are. Nothing else in src/emit names a target, which a lint rule
 * checks; ARCHITECTURE.md ("Adding a target") says what to write for another one.
 */

import type { Feature } from "../dsl/kernel.ts";
import type { Target } from "../core/manifest.ts";
import type { Binding, Constant, GridFactor } from "../core/signature.ts";
import type { Arithmetic } from "../ir/arithmetic.ts";
import type { OpName, Scalar } from "../ir/types.ts";
import type { Code, Operand } from "./code.ts";

/** Prints one operation on printed operands; `type` is the result's. */
export type OpPrinter = (args: readonly Operand[], type: Scalar) => Code;

/** How one target prints each operation. */
export type OpTable = Readonly<Record<OpName, OpPrinter>>;

/**
 * A way to print expressions: one value at a time, or one per lane of a vector. Where a target's lanes
 * are its threads the two are the same.
 */
export interface Form {
  readonly ops: OpTable;
  /** The type of a value, by its IR type. */
  readonly types: Readonly<Record<Scalar, string>>;
  /** `const float y = x;` */
  declare(type: Scalar, name: string, value: string): string;
  /** A value of one lane as a value of every lane; the identity in a scalar form. */
  broadcast(operand: Operand): Code;
  /** Element `index` of a table (i32 ones hold u32) or of bytes. */
  load(kind: "table" | "bytes", base: string, index: Operand, type: Scalar): Code;
}

/** How a target cuts the work of one template, where that is not the family's grid item by item. */
export interface Geometry {
  /** Threads of a work group. */
  readonly workgroup: number;
  /** Dynamic shared memory of a work group; none when absent. */
  readonly sharedBytes?: number;
  /** Whether the template holds the unit's `product` too. */
  readonly product?: boolean;
  /** Work groups; the family's grid when absent. */
  readonly grid?: readonly GridFactor[];
  /** Numbers that the template shares with the grid, in place of the family's. */
  readonly context?: Readonly<Record<string, string>>;
}

/** The texts of partial results at a turn of the tree in which lanes meet. */
export interface Meeting {
  /** A lane's own. */
  readonly own: string;
  /** That of the lane `half` further on. */
  readonly other: string;
  /** What is left of all once the tree has ended. */
  readonly whole: string;
  /** What several trees come to, of channel `c`. */
  readonly total: (totals: string) => string;
}

/** A compile target. */
export interface EmitTarget {
  readonly name: Target;
  /** `generated/<name>/KERNEL.<extension>`, `templates/<name>/TEMPLATE.<extension>.njk`. */
  readonly extension: string;
  /** Ends the names of files that generated ones include: all such of templates/<name>/ are copied. */
  readonly headerExtension: string;
  /** Texts of headers that it writes itself, by file name, beside those of templates/<name>/. */
  readonly headers: Readonly<Record<string, string>>;
  /** Words that are no identifiers; what templates call things need not be here. */
  readonly keywords: ReadonlySet<string>;
  /** Parts of Kerf that it has no templates for yet: their kernels are not generated for it. */
  readonly lacks: ReadonlySet<Feature>;
  /** By template; one that is absent has the family's grid and no work groups. */
  readonly geometry: Readonly<Record<string, Geometry>>;
  /**
   * Whether a load in the branch that a scalar `select` does not take needs no guard of its own: the branch
   * is not evaluated, or what it loads out of bounds harms nothing.
   */
  readonly guardsLoads: boolean;
  /** What it promises of f32, where tests compare values. */
  readonly arithmetic: Arithmetic;
  /** One value at a time: bookkeeping around the lanes, merges, finishes. */
  readonly scalar: Form;
  /** The elements that a kernel works on side by side. */
  readonly lanes: Form;
  literal(value: number | boolean, type: Scalar): Code;
  /** A constant of the invocation, inside the kernel: a field of {@linkcode fieldName}'s name. */
  constant(name: string): string;
  /** A buffer, inside the kernel. */
  binding(name: string): string;
  /** The lanes' partial results of `accumulator` as an array: itself, or memory that lanes share. */
  partials(accumulator: string): string;
  /** How they meet where that is not by `lane` and `lane + half` of the array; see {@linkcode meetingOf}. */
  meeting?(accumulator: string): Meeting;
  /** A count as f32, and as i32. */
  countAsF32(name: string): string;
  countAsI32(name: string): string;
  /** How a buffer and a constant of the invocation are declared. */
  bindingType(binding: Binding): string;
  constantType(dtype: Constant["dtype"]): string;
  /**
   * The line after which counting goes on from `line` of `file`: a directive that the compiler follows, or a
   * comment that the device reads when the compiler refuses a line.
   */
  lineMark(line: number, file: string): string;
}

/** How the lanes' partial results of `accumulator` meet on a target. */
export function meetingOf(target: EmitTarget, accumulator: string): Meeting {
  const array = target.partials(accumulator);
  return target.meeting?.(accumulator) ?? {
    ...{ own: `${array}[lane]`, other: `${array}[lane + half]`, whole: `${array}[0]` },
    total: (totals) => `${totals}[c]`,
  };
}
