/**
 * Functions as text, one node a line, for people and snapshots: `inspect kernel` shows it. The text names
 * everything a function computes, so two functions with equal text (spans off) compute the same.
 */

import type { Func, Node, Param, Reduction } from "./types.ts";

/** How to print. */
export interface PrintOptions {
  /** Ends each node's line with where it came from; default true. */
  readonly spans?: boolean;
}

/**
 * A function, then each reduction it uses.
 *
 *     score(q: column, k: column) → f32
 *       %0:f32 = reduce meanSquare q   ; kernels/prune/think.ts:27:22
 *       …
 *       return %2
 */
export function printFunc(func: Func, options: PrintOptions = {}): string {
  const spans = options.spans ?? true;
  const results = func.results.map((id) => func.nodes[id]?.type ?? "?").join(", ");
  const lines = [`${func.name}(${func.params.map(paramText).join(", ")}) → ${results}`];
  const texts = func.nodes.map((node) => `  ${nodeText(func, node)}`);
  const width = Math.max(0, ...texts.map((text) => text.length));
  func.nodes.forEach((node, i) => {
    const name = node.kind === "param" || node.name === undefined ? "" : ` ${node.name}`;
    const { file, line, column } = node.span;
    lines.push(
      spans ? `${texts[i]!.padEnd(width)}   ; ${file}:${line}:${column}${name}` : texts[i]!,
    );
  });
  lines.push(`  return ${func.results.map((id) => `%${id}`).join(", ")}`);
  for (const reduction of reductionsOf(func)) lines.push(printReduction(reduction, options));
  return lines.join("\n");
}

/** A reduction: its init and its three functions. */
export function printReduction(reduction: Reduction, options: PrintOptions = {}): string {
  const parts = [reduction.step, reduction.merge, reduction.finish]
    .map((func) => printFunc(func, options).replaceAll(/^/gm, "  "));
  return [`reduction ${reduction.name}, init ${numberText(reduction.init)}`, ...parts].join("\n");
}

function reductionsOf(func: Func): readonly Reduction[] {
  const all = func.nodes.flatMap((node) => node.kind === "reduce" ? [node.reduction] : []);
  return [...new Set(all)];
}

function paramText(p: Param): string {
  switch (p.kind) {
    case "scalar":
      return `${p.name}: ${p.type}`;
    case "table":
      return `${p.name}: table ${p.type} rank ${p.rank}`;
    case "column":
    case "bytes":
      return `${p.name}: ${p.kind}`;
  }
}

function nodeText(func: Func, node: Node): string {
  return `%${node.id}:${node.type} = ${valueText(func, node)}`;
}

function valueText(func: Func, node: Node): string {
  const words = (head: string, args: readonly number[]) =>
    [head, ...args.map((id) => `%${id}`)].join(" ");
  const param = (index: number) => func.params[index]?.name ?? `#${index}`;
  switch (node.kind) {
    case "const":
      return `const ${typeof node.value === "number" ? numberText(node.value) : node.value}`;
    case "param":
      return `param ${param(node.param)}`;
    case "op":
      return words(node.op, node.args);
    case "load":
      return words(`load ${param(node.param)}`, node.args);
    case "reduce":
      return `reduce ${node.reduction.name} ${param(node.param)}`;
  }
}

const numberText = (value: number) => Object.is(value, -0) ? "-0" : String(value);
