/**
 * The CUDA target: a lane is a thread, the arguments are one struct passed by value, partial results meet
 * by warp shuffles. Kernels include kerf_cuda.h and nothing else.
 */

import type { Scalar } from "../../../ir/types.ts";
import { atom } from "../../code.ts";
import { f32Digits, i32Digits } from "../../literal.ts";
import { fieldName } from "../../names.ts";
import { cast, signed } from "../../printers.ts";
import type { EmitTarget, Form } from "../../target.ts";
import { CUDA_ARITHMETIC } from "./arithmetic.ts";
import { CUDA_GEOMETRY } from "./geometry.ts";
import { CUDA_OPS } from "./ops.ts";
import { CUDA_KEYWORDS } from "./keywords.ts";

const types: Readonly<Record<Scalar, string>> = { f32: "float", i32: "i32", bool: "bool" };

const form: Form = Object.freeze<Form>({
  ops: CUDA_OPS,
  types,
  declare: (type: Scalar, name: string, value: string) =>
    `const ${types[type]} ${name} = ${value};`,
  broadcast: (operand) => operand,
  load: (kind, base, index, type) => {
    const element = atom(`${base}[${index.text}]`);
    return kind === "bytes" || type === "f32" ? element : cast("i32", element);
  },
});

/** Element types of buffers; halves are their bits. */
const ELEMENTS: Readonly<Record<string, string>> = {
  f32: "float",
  f16: "kerf_f16",
  bf16: "kerf_bf16",
  i32: "i32",
  u32: "u32",
  u16: "u16",
  u8: "u8",
  i8: "i8",
};

/** CUDA C++ as NVRTC and nvcc compile it for sm_80 and up. */
export const cuda: EmitTarget = Object.freeze<EmitTarget>({
  name: "cuda",
  extension: "cu",
  headerExtension: "h",
  headers: {},
  keywords: CUDA_KEYWORDS,
  lacks: new Set(["q8"]),
  geometry: CUDA_GEOMETRY,
  guardsLoads: true,
  arithmetic: CUDA_ARITHMETIC,
  scalar: form,
  lanes: form,
  literal: (value, type) => {
    if (typeof value === "boolean") return atom(String(value));
    if (type === "f32") return signed(`${f32Digits(value)}f`);
    const digits = i32Digits(value);
    // −2³¹ and large negative numbers have no decimal literal of type int: their bits, cast.
    return digits.startsWith("0x") && value < 0 ? cast("i32", atom(digits)) : signed(digits);
  },
  constant: (name) => `args.${fieldName(name, CUDA_KEYWORDS)}`,
  binding: (name) => `args.${fieldName(name, CUDA_KEYWORDS)}`,
  partials: (accumulator) => accumulator,
  meeting: (accumulator) => ({
    own: accumulator,
    // A constant that the template makes: a shuffle inside a conditional would lack lanes.
    other: `${accumulator}_other`,
    whole: accumulator,
    // A warp has one channel at a time.
    total: (totals) => totals,
  }),
  countAsF32: (name) => `(float)${name}`,
  countAsI32: (name) => `(i32)${name}`,
  bindingType: ({ access, dtype }) => `${access === "read" ? "const " : ""}${ELEMENTS[dtype]} *`,
  constantType: (dtype) => ELEMENTS[dtype]!,
  lineMark: (line, file) => `#line ${line} "${file}"`,
});
