/**
 * Printed expressions and how they nest: a text knows how tightly its outermost operator binds, so the
 * printers put parentheses where the language or a careful reader needs them and nowhere else. The
 * levels are those of the C family, which every target shares.
 */

import type { Scalar } from "../ir/types.ts";

/** A printed expression. */
export interface Code {
  readonly text: string;
  /** How tightly its outermost operator binds: one of {@linkcode PRECEDENCE}. */
  readonly precedence: number;
}

/** A printed operand of an operation. */
export interface Operand extends Code {
  readonly type: Scalar;
  /** Whether it has a value per lane (a vector where the form has vectors). */
  readonly varying: boolean;
  /** When known: an i32 is within 0 … bound. */
  readonly bound?: number;
}

/** Binding strength, tightest highest. */
export const PRECEDENCE = Object.freeze({
  atom: 15,
  unary: 14,
  multiply: 13,
  add: 12,
  shift: 11,
  relation: 10,
  equality: 9,
  and: 8,
  xor: 7,
  or: 6,
  logicalAnd: 5,
  logicalOr: 4,
  conditional: 3,
});

/** A name, a literal, a call or an element: what never needs parentheses. */
export const atom = (text: string): Code => ({ text, precedence: PRECEDENCE.atom });

/** The text of `code` where an operator of at least `precedence` is needed. */
export const within = (code: Code, precedence: number): string =>
  code.precedence >= precedence ? code.text : `(${code.text})`;

/** `f(a, b)`. */
export const call = (name: string, ...args: readonly Code[]): Code =>
  atom(`${name}(${args.map((a) => a.text).join(", ")})`);

/** `-a`; two signs never meet. */
export const prefix = (operator: string, a: Code): Code => ({
  text: operator + within(a, PRECEDENCE.unary + 1),
  precedence: PRECEDENCE.unary,
});

/** `a * b`: left-associative arithmetic, whose right operand keeps its parentheses (the order of a sum). */
export const infix = (operator: string, precedence: number, a: Code, b: Code): Code => ({
  text: `${within(a, precedence)} ${operator} ${within(b, precedence + 1)}`,
  precedence,
});

/** `a + 1 < b`: comparisons take arithmetic bare. */
export const relation = (operator: string, precedence: number, a: Code, b: Code): Code => ({
  text: `${within(a, PRECEDENCE.add)} ${operator} ${within(b, PRECEDENCE.add)}`,
  precedence,
});

/**
 * `a | (b << 8)`: operators whose precedence few remember take only unary operands bare, and a chain of
 * their own (`a | b | c`) where order does not matter.
 */
export const guarded = (operator: string, precedence: number, a: Code, b: Code): Code => {
  const chain = precedence <= PRECEDENCE.and && a.precedence === precedence;
  const left = within(a, chain ? precedence : PRECEDENCE.unary);
  return { text: `${left} ${operator} ${within(b, PRECEDENCE.unary)}`, precedence };
};

/** `c ? a : b`. */
export const conditional = (c: Code, a: Code, b: Code): Code => {
  const above = PRECEDENCE.conditional + 1;
  return {
    text: `${within(c, above)} ? ${within(a, above)} : ${within(b, above)}`,
    precedence: PRECEDENCE.conditional,
  };
};
