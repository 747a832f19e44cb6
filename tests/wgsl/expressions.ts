/**
 * Random expressions as WGSL against the interpreter's f32 mode. WGSL fixes fewer bits than IEEE, so what
 * is compared is what it can promise: bits of the exact operations, as long as every value on the way is
 * finite and normal, and each other operation alone, within its own error.
 */

import { assert } from "@std/assert";
import fc from "fast-check";
import type { KernelEntry } from "../../src/core/mod.ts";
import { runKernel } from "../../src/device/run_kernel.ts";
import { testWebgpu } from "../../src/device/webgpu/testing.ts";
import { emitFunc, varying } from "../../src/emit/func.ts";
import type { Argument } from "../../src/emit/func.ts";
import { createScope } from "../../src/emit/names.ts";
import { wgsl } from "../../src/emit/targets/wgsl/mod.ts";
import { FuncBuilder } from "../../src/ir/builder.ts";
import { interpret, reduceColumn } from "../../src/ir/interpret.ts";
import type { Arg } from "../../src/ir/interpret.ts";
import { OPS } from "../../src/ir/ops.ts";
import { arbitraryArgs, arbitraryFunc, EXACT_OPS, testSpan } from "../../src/ir/testing.ts";
import type { Func, Node, OpName, Scalar } from "../../src/ir/types.ts";
import { gpuTest, HEADERS } from "../_wgsl.ts";

/** Threads of a work group. */
const LANES = 16;
/** Words of one lane's arguments and results: parameters, then reduced columns. */
const SLOTS = 16;

/** An expression with one set of arguments per lane. */
interface Sample {
  readonly func: Func;
  readonly lanes: readonly (readonly Arg[])[];
}

const view = new DataView(new ArrayBuffer(4));

function wordOf(value: number | boolean, type: Scalar): number {
  if (type !== "f32") return Number(value) | 0;
  view.setFloat32(0, value as number);
  return view.getInt32(0);
}
function valueOf(word: number, type: Scalar): number | boolean {
  if (type === "bool") return word !== 0;
  view.setUint32(0, word);
  return type === "f32" ? view.getFloat32(0) : view.getInt32(0);
}

const FROM_WORD: Readonly<Record<Scalar, (word: string) => string>> = {
  f32: (word) => `bitcast<f32>(${word})`,
  i32: (word) => `i32(${word})`,
  bool: (word) => `${word} != 0u`,
};
const TO_WORD: Readonly<Record<Scalar, (value: string) => string>> = {
  f32: (value) => `bitcast<u32>(${value})`,
  i32: (value) => `u32(${value})`,
  bool: (value) => `u32(${value})`,
};

/** A reduction's place behind the parameters. */
const reducedSlot = (func: Func, node: Node & { readonly kind: "reduce" }) =>
  func.params.length + (node.reduction.name === "meanSquare" ? 0 : 1);

/** The expression as a function of a lane: words come in and go out through buffers. */
function functionText({ func }: Sample, n: number, nLanes: number): string {
  const place = (slot: number, lane: string) => `[${(n * SLOTS + slot) * nLanes}u + ${lane}]`;
  const word = (slot: number, lane: string) => `arguments_buf${place(slot, lane)}`;
  const out = [`fn expression_${n}(lane: u32) {`];
  const args = func.params.map(({ name, ...param }, i): Argument => {
    if (param.kind === "scalar") {
      out.push(`let ${name} = ${FROM_WORD[param.type](word(i, "lane"))};`);
    } else if (param.kind === "table") {
      out.push(`var ${name}: array<${param.type}, 4>;`);
      for (let e = 0; e < 4; e++) out.push(`${name}[${e}] = ${FROM_WORD.f32(word(i, `${e}u`))};`);
    } else if (param.kind === "bytes") {
      return varying(`${(n * SLOTS + i) * nLanes}u`);
    }
    return varying(name);
  });
  const reduce = (node: Node & { readonly kind: "reduce" }) =>
    FROM_WORD.f32(word(reducedSlot(func, node), "0u"));
  const scope = createScope(func.params.map((p) => p.name));
  const into = func.results.map((_, i) => `result_${i}`);
  const printed = emitFunc(func, { target: wgsl, form: "lanes", args, scope, reduce, into });
  out.push(...printed.uniform.map((l) => l.text), ...printed.lines.map((l) => l.text));
  printed.results.forEach((result, i) => {
    const value = TO_WORD[func.nodes[func.results[i]!]!.type](result);
    out.push(`results_buf${place(i, "lane")} = ${value};`);
  });
  return [...out, "}"].join("\n");
}

const kernelText = (all: readonly Sample[], nLanes: number): string =>
  `#include "kerf.wgsl"
@group(0) @binding(0) var<storage, read> arguments_buf: array<u32>;
@group(0) @binding(1) var<storage, read_write> results_buf: array<u32>;
fn load_byte(at: u32) -> i32 { return i32(arguments_buf[at]); }
${all.map((sample, n) => functionText(sample, n, nLanes)).join("\n")}
@compute @workgroup_size(16)
fn expressions(
  @builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
  let lane = group.x % ${nLanes / LANES}u * ${LANES}u + thread;
  switch (group.x / ${nLanes / LANES}u) {
    ${all.map((_, n) => `case ${n}u: { expression_${n}(lane); }`).join("\n")}
    default: {}
  }
}
`;

/** Every result of every expression, lane by lane. */
async function run(all: readonly Sample[]): Promise<(number | boolean)[][][]> {
  const nLanes = LANES * Math.ceil(Math.max(...all.map(({ lanes }) => lanes.length)) / LANES);
  const words = new Uint32Array(all.length * SLOTS * nLanes);
  const place = (n: number, slot: number, lane: number) => (n * SLOTS + slot) * nLanes + lane;
  all.forEach(({ func, lanes }, n) => {
    func.params.forEach((param, i) =>
      lanes.forEach((args, lane) => {
        if (param.kind === "scalar") {
          words[place(n, i, lane)] = wordOf(args[i] as number, param.type);
        } else if (param.kind !== "column" && lane < 4) {
          const element = (lanes[0]![i] as number[])[lane]!;
          words[place(n, i, lane)] = wordOf(element, param.kind === "bytes" ? "i32" : "f32");
        }
      })
    );
    for (const node of func.nodes) {
      if (node.kind !== "reduce") continue;
      const column = lanes[0]![node.param] as ArrayLike<number>;
      const value = reduceColumn(node.reduction, column, { mode: "f32" });
      words[place(n, reducedSlot(func, node), 0)] = wordOf(value, "f32");
    }
  });
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
      wgsl: {
        file: HEADERS,
        sha256: "",
        template: "",
        grid: [{ of: words.length / SLOTS / LANES }],
      },
    },
    authored: [],
  };
  const { results } = await runKernel(await testWebgpu(), {
    ...{ entry, text: kernelText(all, nLanes) },
    buffers: { arguments: words, results: new Uint32Array(words.length) },
  });
  return all.map(({ func, lanes }, n) =>
    lanes.map((_, lane) =>
      func.results.map((id, i) => valueOf(results![place(n, i, lane)]!, func.nodes[id]!.type))
    )
  );
}

const isOrdinary = (value: number | boolean) =>
  typeof value === "boolean" || value === 0 ||
  (Number.isFinite(value) && Math.abs(value) >= 2 ** -126);

/** The function that returns every node: what happens on the way to the results. */
const allNodes = (func: Func): Func => ({ ...func, results: func.nodes.map((node) => node.id) });

/** WGSL's division and square root may be off by 2.5 units in the last place. */
const BIT_OPS = EXACT_OPS.filter((op) => op !== "div" && op !== "sqrt");

gpuTest("WGSL: random expressions of exact operations have the interpreter's bits", async () => {
  const [seed, nFuncs] = [20260801, 60];
  const all = fc.sample(arbitraryFunc({ ops: BIT_OPS }), { numRuns: nFuncs, seed })
    .map((func, n): Sample => {
      const lanes = fc.sample(arbitraryArgs(func), { numRuns: LANES, seed: seed + n });
      // Tables, bytes and columns are the same for all lanes.
      const shared = (i: number) => func.params[i]!.kind !== "scalar";
      return {
        func,
        lanes: lanes.map((args) => args.map((a, i) => shared(i) ? lanes[0]![i]! : a)),
      };
    });
  const got = await run(all);
  let compared = 0;
  all.forEach(({ func, lanes }, n) =>
    lanes.forEach((args, lane) => {
      const ordinary = interpret(allNodes(func), args, { mode: "f32" }).every((value, id) =>
        func.nodes[id]!.type !== "f32" || isOrdinary(value)
      );
      if (!ordinary) return;
      interpret(func, args, { mode: "f32" }).forEach((want, i) => {
        const value = got[n]![lane]![i]!;
        const where = `expression ${n}, lane ${lane}, result ${i}`;
        // A sum that is 0 may have either sign where a product was fused into it.
        assert(value === want, `${where}: ${value}, not ${want}`);
        compared++;
      });
    })
  );
  // Most random arguments meet an infinity or NaN on the way.
  assert(compared > 500, `only ${compared} values were compared`);
});

/** How far one operation may be off: relative to the exact value in 2⁻²⁴, and absolutely. */
interface Accuracy {
  readonly relative: number;
  readonly absolute?: number;
  /** Arguments that WGSL's own accuracy covers. */
  readonly domain?: (args: readonly number[]) => boolean;
}

const EXACT: Accuracy = { relative: 0 };

/** From the specification, section 15.7.4; exp, exp2 and tanh are kerf.wgsl's own. */
const ACCURACY: Partial<Record<OpName, Accuracy>> = {
  div: { relative: 5, domain: ([, b]) => Math.abs(b!) >= 2 ** -126 && Math.abs(b!) <= 2 ** 126 },
  sqrt: { relative: 8, domain: ([x]) => x! >= 0 },
  exp: { relative: 8 },
  exp2: { relative: 8 },
  tanh: { relative: 8 },
  log: { relative: 6, absolute: 2 ** -21, domain: ([x]) => x! > 0 },
  log2: { relative: 6, absolute: 2 ** -21, domain: ([x]) => x! > 0 },
  sin: { relative: 0, absolute: 2 ** -11, domain: ([x]) => Math.abs(x!) <= Math.PI },
  cos: { relative: 0, absolute: 2 ** -11, domain: ([x]) => Math.abs(x!) <= Math.PI },
  // exp2(b · log2 a): the error of the logarithm times b.
  pow: {
    relative: 2 ** 12,
    domain: ([a, b]) => a! > 0 && Math.abs(b! * Math.log2(a!)) < 100 && Math.abs(b!) < 64,
  },
};

const F32_VALUES = [
  ...[0, -0, 1, -1, 0.5, -0.5, 1.5, 2.5, -2.5, 3, 7, -7, 0.1, 100.7, -87, 88, 16777217, 2147483648],
  ...[-2147483648, 4e9, -4e9, 1e-30, 1e30, 3.4e38, -3.4e38, 1e-37, 0.625, -0.624, 10, 20],
].map(Math.fround);
const I32_VALUES = [0, 1, -1, 2, 3, -7, 31, 32, 33, 255, 0x7c01, 0xfc00, 65535, 2147483647];
const VALUES: Readonly<Record<Scalar, readonly (number | boolean)[]>> = {
  f32: F32_VALUES,
  i32: [...I32_VALUES, -2147483648],
  bool: [false, true],
};

/** A function of one operation, and arguments that pair every value with every other. */
function operationSamples(op: OpName): Sample[] {
  return OPS[op].overloads.map(({ operands }): Sample => {
    const builder = new FuncBuilder(op, testSpan);
    const ids = operands.map((type, i) =>
      builder.arg(builder.param({ name: `a${i}`, kind: "scalar", type }), testSpan)
    );
    const func = builder.finish([builder.op(op, ids, testSpan)]);
    const tuples = operands.reduce<(number | boolean)[][]>(
      (rows, type) => rows.flatMap((row) => VALUES[type].map((value) => [...row, value])),
      [[]],
    );
    return { func, lanes: tuples };
  });
}

for (const op of Object.keys(OPS) as OpName[]) {
  gpuTest(`WGSL: operation ${op} has the interpreter's values`, async () => {
    const all = operationSamples(op);
    const { relative, absolute = 0, domain = () => true } = ACCURACY[op] ?? EXACT;
    const got = await run(all);
    let compared = 0;
    all.forEach(({ func, lanes }, n) =>
      lanes.forEach((args, lane) => {
        const [want] = interpret(func, args, { mode: "f32" });
        const value = got[n]![lane]![0]!;
        const where = `${op}(${args.join(", ")}) is ${value}, not ${want}`;
        // What overflows, underflows or is no number is the hardware's.
        if (!isOrdinary(want!) || !domain(args as number[])) return;
        compared++;
        if (relative === 0 && absolute === 0) return assert(Object.is(value, want), where);
        const error = Math.abs(Number(value) - Number(want));
        assert(error <= relative * 2 ** -24 * Math.abs(Number(want)) + absolute, where);
      })
    );
    assert(compared > 1, `${op}: nothing was compared`);
  });
}
