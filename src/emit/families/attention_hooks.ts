/** An attention variant's hooks in the words of a target: its score and mask of one key a lane, and its range of keys. */

import type { Attention } from "../../dsl/attention.ts";
import { keyRange } from "../../ir/key_range.ts";
import type { Func } from "../../ir/types.ts";
import { emitFunc } from "../func.ts";
import { uniform, upTo, varying } from "../arguments.ts";
import type { Argument } from "../arguments.ts";
import { markedText } from "../lines.ts";
import type { CodeLine } from "../lines.ts";
import { hookScope } from "../names.ts";
import { paramConstants } from "../params.ts";
import { tableArgument } from "../table_argument.ts";
import type { EmitTarget } from "../target.ts";

/** What templates read of them. */
export interface AttentionHooksContext {
  /** What the hooks need once per query, before the loop over keys. */
  readonly uniform_lines: string;
  readonly score_lines: string;
  /** The logit of one key per lane, from `s`. */
  readonly score: string;
  readonly mask_lines: string;
  /** Whether the query sees each lane's key. */
  readonly mask: string;
  /** What the range of visible keys needs, then its ends: i32, inclusive. */
  readonly range_lines: string;
  readonly range_lower: string;
  readonly range_upper: string;
  /** Whether every key of that range is seen. */
  readonly range_is_seen: boolean;
}

/** Both hooks in the lanes of one loop over keys, and the range of keys in scalars. */
export function attentionHooksContext(
  definition: Attention,
  { funcs, target }: {
    readonly funcs: Readonly<Record<string, Func>>;
    readonly target: EmitTarget;
  },
): AttentionHooksContext {
  const params = paramConstants(definition.params);
  const known: Record<string, Argument> = {
    s: varying("s"),
    keyPosition: upTo(varying("key_position")),
    queryPosition: upTo(uniform("query.position")),
    head: upTo(uniform("query.head")),
    kvHead: upTo(uniform("query.kv_head")),
    layer: upTo(uniform("query.layer")),
  };
  Object.entries(definition.params).forEach(([name, { integer, min = -1, max }], i) => {
    const constant = uniform(target.constant(params[i]!.name));
    known[name] = integer && min >= 0 ? upTo(constant, max) : constant;
  });
  for (const [name, spec] of Object.entries(definition.tables)) {
    known[name] = tableArgument(name, spec, target);
  }
  const argsOf = (func: Func, scoreFirst: boolean) =>
    func.params.map((p, i) => scoreFirst && i === 0 ? known["s"]! : known[p.name]!);
  const lanes = (path: string, into: string) => {
    const func = funcs[path]!;
    return emitFunc(func, { target, form: "lanes", scope, args: argsOf(func, true), into: [into] });
  };
  const scope = hookScope();
  const score = lanes("score", "score");
  const mask = lanes("mask", "mask");

  const rangeScope = hookScope();
  const rangeLines: CodeLine[] = [];
  const end = (func: Func | null, absent: number) => {
    if (func === null) return target.literal(absent, "i32").text;
    const args = argsOf(func, false);
    const printed = emitFunc(func, { target, form: "scalar", scope: rangeScope, args });
    rangeLines.push(...printed.uniform, ...printed.lines);
    return printed.results[0]!;
  };
  const range = keyRange(funcs["mask"]!);
  const range_lower = end(range.lower, 0);
  const range_upper = end(range.upper, 0x7fffffff);
  return {
    uniform_lines: markedText([...score.uniform, ...mask.uniform]),
    score_lines: markedText(score.lines),
    score: score.results[0]!,
    mask_lines: markedText(mask.lines),
    mask: mask.results[0]!,
    range_lines: markedText(rangeLines),
    range_lower,
    range_upper,
    range_is_seen: range.exact,
  };
}
