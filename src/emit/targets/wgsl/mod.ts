/** The WGSL target: a lane is a thread, buffers are `NAME_buf`, 16-bit and 8-bit elements lie in u32 words. */

import type { Scalar } from "../../../ir/types.ts";
import { atom, call } from "../../code.ts";
import type { Code } from "../../code.ts";
import { f32Digits, i32Digits } from "../../literal.ts";
import { fieldName } from "../../names.ts";
import { signed } from "../../printers.ts";
import type { EmitTarget, Form } from "../../target.ts";
import { WGSL_ARITHMETIC } from "./arithmetic.ts";
import { WGSL_GEOMETRY } from "./geometry.ts";
import { WGSL_OPS } from "./ops.ts";
import { WGSL_KEYWORDS } from "./keywords.ts";

const types: Readonly<Record<Scalar, string>> = { f32: "f32", i32: "i32", bool: "bool" };

/** Bits above 2³¹ are a negative i32, which a hexadecimal literal cannot be. */
const wholeLiteral = (value: number): Code => {
  const digits = i32Digits(value);
  return digits.startsWith("0x") && value < 0 ? call("i32", atom(`${digits}u`)) : signed(digits);
};

const form: Form = Object.freeze<Form>({
  ops: WGSL_OPS,
  types,
  declare: (type: Scalar, name: string, value: string) => `let ${name}: ${types[type]} = ${value};`,
  broadcast: (operand) => operand,
  load: (kind, base, index, type) => {
    // Bytes have no pointer to their start: `base` is a byte offset and the template has `load_byte`.
    if (kind === "bytes") return call("load_byte", atom(`${base} + u32(${index.text})`));
    const element = atom(`${base}[${index.text}]`);
    return type === "f32" ? element : call("i32", element);
  },
});

/** Elements of fewer than four bytes are read out of words. */
const WORDS: Readonly<Record<string, string>> = { f32: "f32", i32: "i32" };

/** WGSL as naga and Tint accept it, without extensions. */
export const wgsl: EmitTarget = Object.freeze<EmitTarget>({
  name: "wgsl",
  extension: "wgsl",
  headerExtension: "wgsl",
  headers: {},
  keywords: WGSL_KEYWORDS,
  lacks: new Set(["q8"]),
  geometry: WGSL_GEOMETRY,
  // select() evaluates both branches, and a load out of bounds gives another element or zero.
  guardsLoads: true,
  arithmetic: WGSL_ARITHMETIC,
  scalar: form,
  lanes: form,
  literal: (value, type) => {
    if (typeof value === "boolean") return atom(String(value));
    return type === "f32" ? signed(f32Digits(value)) : wholeLiteral(value);
  },
  constant: (name) => `params.${fieldName(name, WGSL_KEYWORDS)}`,
  binding: (name) => `${fieldName(name, WGSL_KEYWORDS)}_buf`,
  partials: (accumulator) => `${accumulator}_shared`,
  countAsF32: (name) => `f32(${name})`,
  countAsI32: (name) => `i32(${name})`,
  bindingType: ({ dtype }) => `array<${WORDS[dtype] ?? "u32"}>`,
  constantType: (dtype) => dtype,
  // WGSL has no directives: src/core/author_lines.ts reads these.
  lineMark: (line, file) => `// ${file}:${line}`,
});
