/** The C target: sixteen lanes in one vector, literals with an `f`, line directives that gcc follows. */

import type { Scalar } from "../../../ir/types.ts";
import { atom, call } from "../../code.ts";
import type { Code } from "../../code.ts";
import { f32Digits, i32Digits } from "../../literal.ts";
import { fieldName } from "../../names.ts";
import { cast, signed } from "../../printers.ts";
import type { EmitTarget, Form } from "../../target.ts";
import { C_ARITHMETIC } from "./arithmetic.ts";
import { broadcast16, LANES_OPS, SCALAR_OPS } from "./ops.ts";
import { C_KEYWORDS } from "./keywords.ts";
import { tileHeader } from "./tile_shape.ts";
import { TILES } from "./tiles.ts";

/** −2³¹ and large negative numbers have no decimal literal of type int: their bits, cast. */
const wholeLiteral = (value: number): Code => {
  const digits = i32Digits(value);
  if (!digits.startsWith("0x") || value >= 0) return signed(digits);
  return cast("int32_t", atom(digits));
};

const declare = (types: Form["types"]) => (type: Scalar, name: string, value: string) =>
  `const ${types[type]} ${name} = ${value};`;

const scalarTypes = { f32: "float", i32: "int32_t", bool: "bool" };
const scalar: Form = Object.freeze<Form>({
  ops: SCALAR_OPS,
  types: scalarTypes,
  declare: declare(scalarTypes),
  broadcast: (operand) => operand,
  load: (kind, base, index, type) => {
    const element = atom(`${base}[${index.text}]`);
    if (kind === "bytes" || type === "f32") return element;
    return cast("int32_t", element);
  },
});

const lanesTypes = { f32: "f32x16", i32: "i32x16", bool: "i32x16" };
const GATHER = { bytes: "kerf_gather16_u8", f32: "kerf_gather16", i32: "kerf_gather16_i32" };
const lanes: Form = Object.freeze<Form>({
  ops: LANES_OPS,
  types: lanesTypes,
  declare: declare(lanesTypes),
  broadcast: broadcast16,
  load: (kind, base, index, type) => {
    const name = kind === "bytes" ? GATHER.bytes : type === "f32" ? GATHER.f32 : GATHER.i32;
    return call(name, atom(base), index);
  },
});

const TYPES: Readonly<Record<string, string>> = {
  f32: "float",
  i32: "int32_t",
  u32: "uint32_t",
  u16: "uint16_t",
  f16: "uint16_t",
  bf16: "uint16_t",
  u8: "uint8_t",
  i8: "int8_t",
};

/** C for GCC and Clang. */
export const c: EmitTarget = Object.freeze<EmitTarget>({
  name: "c",
  extension: "c",
  headerExtension: "h",
  headers: { "kerf_tiles.h": tileHeader(TILES) },
  keywords: C_KEYWORDS,
  lacks: new Set(),
  geometry: {},
  guardsLoads: true,
  arithmetic: C_ARITHMETIC,
  scalar,
  lanes,
  literal: (value, type) => {
    if (typeof value === "boolean") return atom(String(value));
    return type === "f32" ? signed(`${f32Digits(value)}f`) : wholeLiteral(value);
  },
  constant: (name) => `args->${fieldName(name, C_KEYWORDS)}`,
  binding: (name) => `args->${fieldName(name, C_KEYWORDS)}`,
  partials: (accumulator) => accumulator,
  countAsF32: (name) => `(float)${name}`,
  countAsI32: (name) => `(int32_t)${name}`,
  bindingType: ({ access, dtype }) => `${access === "read" ? "const " : ""}${TYPES[dtype]} *`,
  constantType: (dtype) => TYPES[dtype]!,
  lineMark: (line, file) => `#line ${line} "${file}"`,
});
