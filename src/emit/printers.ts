/**
 * Printers of single operations that op tables are made of: operators and calls as the C family writes
 * them. What a target writes in its own way stands in its own table.
 */

import { call, guarded, infix, PRECEDENCE, prefix, within } from "./code.ts";
import type { Code } from "./code.ts";
import type { OpPrinter } from "./target.ts";

/** `a + b`: a left-associative operator of a {@linkcode PRECEDENCE} level. */
export const arithmetic = (operator: string, level: number): OpPrinter => ([a, b]) =>
  infix(operator, level, a!, b!);

/** `a & (b | c)`: an operator that keeps parentheses around others. */
export const bitwise = (operator: string, level: number): OpPrinter => ([a, b]) =>
  guarded(operator, level, a!, b!);

/** `-a`. */
export const unary = (operator: string): OpPrinter => ([a]) => prefix(operator, a!);

/** `name(a, b)`, or `whole(a, b)` where the operands are i32. */
export const named = (name: string, whole = name): OpPrinter => (args) =>
  call(args[0]!.type === "i32" ? whole : name, ...args);

/** `(float)a`. */
export const cast = (type: string, a: Code): Code => ({
  text: `(${type})${within(a, PRECEDENCE.unary)}`,
  precedence: PRECEDENCE.unary,
});

/** A literal's digits, which may begin with a sign. */
export const signed = (digits: string): Code => ({
  text: digits,
  precedence: digits.startsWith("-") ? PRECEDENCE.unary : PRECEDENCE.atom,
});
