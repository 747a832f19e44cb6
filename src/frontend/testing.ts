/**
 * Random arguments for hooks, once as the author's function takes them and once flattened as IR does: the
 * parity tests' here, the emitters' against compiled code. Only tests import it.
 */

import fc from "fast-check";
import type { Hook, HookArg } from "../dsl/types.ts";
import type { Arg } from "../ir/interpret.ts";

/** The same arguments twice. */
export interface HookArgs {
  /** For `hook.run`. */
  readonly run: readonly unknown[];
  /** For the lowered function, in parameter order. */
  readonly flat: readonly Arg[];
}

/** i32 arguments lie below this; tables have as many elements per dimension, so every index is inside. */
const MAX_INDEX = 256;

/** Bytes of a block: more than any storage type reads at an index below {@linkcode MAX_INDEX}. */
const BLOCK_BYTES = 1024;

const f32 = fc.oneof(fc.constantFrom(0, 1, -1, 0.5), fc.float({ min: -8, max: 8, noNaN: true }));
const i32 = fc.oneof(fc.nat(8), fc.nat(MAX_INDEX - 1));

function tableOf(element: fc.Arbitrary<number>, rank: number): fc.Arbitrary<Arg> {
  const run = { minLength: MAX_INDEX, maxLength: MAX_INDEX };
  if (rank === 1) return fc.array(element, run);
  // A few distinct rows tell dimensions apart as well as many do.
  return fc.array(tableOf(element, rank - 1), { minLength: 3, maxLength: 3 })
    .map((rows) => Array.from({ length: MAX_INDEX }, (_, i) => rows[i % 3]!) as Arg);
}

function argOf(arg: Exclude<HookArg, { kind: "record" }>): fc.Arbitrary<Arg> {
  switch (arg.kind) {
    case "scalar":
      return arg.type === "f32" ? f32 : arg.type === "i32" ? i32 : fc.boolean();
    case "column":
      return fc.array(f32, { minLength: 1, maxLength: 33 });
    case "bytes":
      return fc.uint8Array({ minLength: BLOCK_BYTES, maxLength: BLOCK_BYTES });
    case "table":
      return tableOf(arg.type === "f32" ? f32 : i32, arg.rank);
  }
}

/** Arguments of a hook; every index it may compute from one i32 lies inside. */
export function arbitraryHookArgs(hook: Hook): fc.Arbitrary<HookArgs> {
  const one = (arg: HookArg): fc.Arbitrary<{ run: unknown; flat: readonly Arg[] }> => {
    if (arg.kind !== "record") return argOf(arg).map((value) => ({ run: value, flat: [value] }));
    const names = Object.keys(arg.fields);
    if (names.length === 0) return fc.constant({ run: {}, flat: [] });
    return fc.tuple(...names.map((name) => one(arg.fields[name]!))).map((values) => ({
      run: Object.fromEntries(names.map((name, i) => [name, values[i]!.run])),
      flat: values.flatMap((v) => v.flat),
    }));
  };
  return fc.tuple(...hook.args.map(one)).map((values) => ({
    run: values.map((v) => v.run),
    flat: values.flatMap((v) => v.flat),
  }));
}
