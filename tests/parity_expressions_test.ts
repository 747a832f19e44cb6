/**
 * Random expressions in both forms of the C target against the interpreter's f32 mode: the same bits for
 * every operation that IEEE fixes, over NaN, infinities, −0 and the ends of i32. Each expression runs one
 * value at a time, with sixteen values in the lanes, and with some of its arguments shared by the lanes.
 *
 * Transcendental functions are not fixed by IEEE; parity_math_test.ts holds them to an error bound.
 */

import { assert, assertEquals } from "@std/assert";
import fc from "fast-check";
import type { KernelEntry } from "../src/core/mod.ts";
import { runKernel, testIsas } from "../src/device/testing.ts";
import { emitFunc, uniform, varying } from "../src/emit/func.ts";
import type { Argument } from "../src/emit/func.ts";
import { createScope } from "../src/emit/names.ts";
import { c } from "../src/emit/targets/c/mod.ts";
import { interpret, reduceColumn } from "../src/ir/interpret.ts";
import type { Arg } from "../src/ir/interpret.ts";
import type { Func, Node, Scalar } from "../src/ir/types.ts";
import { arbitraryArgs, arbitraryFunc, EXACT_OPS } from "../src/ir/testing.ts";

const SEED = 20260801;
const N_FUNCS = 40;
const LANES = 16;

/** An expression with one set of arguments per lane. */
interface Sample {
  readonly func: Func;
  readonly lanes: readonly (readonly Arg[])[];
}

const sample = <T>(arbitrary: fc.Arbitrary<T>, numRuns: number, seed: number): T[] =>
  fc.sample(arbitrary, { numRuns, seed });

/** Tables, bytes and columns are the same for all lanes; with `shared`, so are y, j and p. */
function samples(shared: boolean): Sample[] {
  return sample(arbitraryFunc({ ops: EXACT_OPS }), N_FUNCS, SEED).map((func, n) => {
    const lanes = sample(arbitraryArgs(func), LANES, SEED + n);
    const common = (i: number) =>
      func.params[i]!.kind !== "scalar" || (shared && SHARED.has(func.params[i]!.name));
    return { func, lanes: lanes.map((args) => args.map((a, i) => common(i) ? lanes[0]![i]! : a)) };
  });
}

const SHARED = new Set(["y", "j", "p"]);
const WORDS: Readonly<Record<Scalar, string>> = { f32: "float", i32: "int32_t", bool: "int32_t" };

const bits = new DataView(new ArrayBuffer(4));
/** A value's 32 bits; every NaN is one. */
function wordOf(value: number | boolean, type: Scalar): number {
  if (type !== "f32") return Number(value) | 0;
  bits.setFloat32(0, Number.isNaN(value) ? NaN : value as number);
  return bits.getInt32(0);
}

const literal = (value: Arg, type: Scalar): string =>
  `0x${(wordOf(value as number, type) >>> 0).toString(16)}`;

/** The expression as a C function: arguments come in as words, results go out as words. */
function functionText(
  { func, lanes }: Sample,
  n: number,
  form: "scalar" | "lanes",
  shared: boolean,
) {
  const isVarying = (name: string) => form === "scalar" || !shared || !SHARED.has(name);
  const out: string[] = [
    `static void f${n}(const uint32_t (*in)[${LANES}], uint32_t (*out)[${LANES}])`,
    "{",
  ];
  if (form === "scalar") out.push(`for (int lane = 0; lane < ${LANES}; lane++) {`);
  const args: Argument[] = func.params.map((param, i) => {
    const values = lanes[0]![i] as ArrayLike<number>;
    switch (param.kind) {
      case "scalar": {
        const { name, type } = param;
        if (form === "scalar" || !isVarying(name)) {
          const at = form === "scalar" ? "lane" : "0";
          out.push(`${WORDS[type]} ${name}; memcpy(&${name}, &in[${i}][${at}], 4); (void)${name};`);
        } else {
          const vector = c.lanes.types[type];
          out.push(`${vector} ${name}; memcpy(&${name}, in[${i}], sizeof ${name}); (void)${name};`);
          if (type === "bool") out.push(`${name} = -${name};`);
        }
        return isVarying(name) ? varying(name) : uniform(name);
      }
      case "table": {
        const words = Array.from(values, (v) => literal(v, param.type));
        out.push(`static const uint32_t ${param.name}_words[] = {${words}};`);
        out.push(
          `const float *${param.name} = (const float *)${param.name}_words; (void)${param.name};`,
        );
        return uniform(param.name);
      }
      case "bytes":
        out.push(
          `static const uint8_t ${param.name}[] = {${Array.from(values)}}; (void)${param.name};`,
        );
        return uniform(param.name);
      case "column":
        return uniform(param.name);
    }
  });
  /** Reductions are the templates' loops: here their values are given. */
  const reduce = (node: Node & { readonly kind: "reduce" }) => {
    const column = lanes[0]![node.param] as ArrayLike<number>;
    const value = reduceColumn(node.reduction, column, { mode: "f32" });
    const name = `reduced_${node.id}`;
    out.push(`const uint32_t ${name}_word = ${literal(value, "f32")};`);
    out.push(`float ${name}; memcpy(&${name}, &${name}_word, 4);`);
    return name;
  };
  const scope = createScope(["in", "out", "lane", ...func.params.map((p) => p.name)]);
  const into = func.results.map((_, i) => `result_${i}`);
  const printed = emitFunc(func, { target: c, form, args, scope, reduce, into });
  out.push(...printed.uniform.map((l) => l.text), ...printed.lines.map((l) => l.text));
  printed.results.forEach((result, i) => {
    const { type } = func.nodes[func.results[i]!]!;
    const store = form === "scalar" ? `&out[${i}][lane]` : `out[${i}]`;
    const types = form === "scalar" ? WORDS : c.lanes.types;
    const value = form === "lanes" && type === "bool" ? `-${result}` : result;
    out.push(`{ const ${types[type]} word = ${value}; memcpy(${store}, &word, sizeof word); }`);
  });
  if (form === "scalar") out.push("}");
  out.push("}");
  return out.join("\n");
}

/** Most parameters, and results, that arbitraryFunc makes. */
const SLOTS = 8;

const entry: KernelEntry = {
  signature: {
    name: "expressions",
    bindings: [
      { name: "arguments", dtype: "u32", access: "read", shape: ["nFuncs", "slots", "lanes"] },
      { name: "results", dtype: "u32", access: "write", shape: ["nFuncs", "slots", "lanes"] },
    ],
    constants: [],
    defines: [],
  },
  sources: {
    c: { file: "generated/c/expressions.c", sha256: "", template: "", grid: [{ of: N_FUNCS }] },
  },
  authored: [],
};

function kernelText(all: readonly Sample[], form: "scalar" | "lanes", shared: boolean): string {
  const cases = all.map((_, n) => `case ${n}: f${n}(in[${n}], out[${n}]); break;`);
  return `#include "kerf.h"
${all.map((s, n) => functionText(s, n, form, shared)).join("\n")}
struct expressions_args { const uint32_t (*in)[${SLOTS}][${LANES}]; uint32_t (*out)[${SLOTS}][${LANES}]; };
static void expressions(const struct expressions_args *args, uint32_t first, uint32_t last)
{
  const uint32_t (*in)[${SLOTS}][${LANES}] = args->in;
  uint32_t (*out)[${SLOTS}][${LANES}] = args->out;
  for (uint32_t n = first; n < last; n++) switch (n) { ${cases.join("\n")} }
}
KERF_EXPORT uint64_t expressions_address(void);
uint64_t expressions_address(void) { return (uint64_t)(uintptr_t)expressions; }
`;
}

for (const isa of await testIsas()) {
  for (
    const [about, form, shared] of [
      ["one value at a time", "scalar", false],
      ["sixteen lanes", "lanes", false],
      ["lanes that share arguments", "lanes", true],
    ] as const
  ) {
    Deno.test(`random expressions, ${about} (${isa}): the interpreter's bits`, async () => {
      const all = samples(shared);
      const size = N_FUNCS * SLOTS * LANES;
      const place = (n: number, slot: number, lane: number) => (n * SLOTS + slot) * LANES + lane;
      const words = new Uint32Array(size);
      all.forEach(({ func, lanes }, n) =>
        func.params.forEach((param, i) => {
          if (param.kind !== "scalar") return;
          lanes.forEach((args, lane) =>
            words[place(n, i, lane)] = wordOf(args[i] as number, param.type)
          );
        })
      );
      const { results } = await runKernel({
        entry,
        text: kernelText(all, form, shared),
        buffers: { arguments: words, results: new Uint32Array(size) },
        isa,
      });
      let compared = 0;
      all.forEach(({ func, lanes }, n) =>
        lanes.forEach((args, lane) => {
          interpret(func, args, { mode: "f32" }).forEach((expected, i) => {
            const { type } = func.nodes[func.results[i]!]!;
            const word = results![place(n, i, lane)]!;
            bits.setUint32(0, word);
            const actual = type === "f32"
              ? bits.getFloat32(0)
              : type === "i32"
              ? word | 0
              : word !== 0;
            const same = wordOf(actual, type) === wordOf(expected, type);
            assert(same, `expression ${n}, lane ${lane}, result ${i}: ${actual}, not ${expected}`);
            compared++;
          });
        })
      );
      assertEquals(compared, all.reduce((sum, { func }) => sum + func.results.length * LANES, 0));
    });
  }
}
