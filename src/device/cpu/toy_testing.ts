/** Hand-written kernels for the tests of the CPU device: small, exact, and easy to compute again. */

import type { KernelEntry } from "../../core/manifest.ts";
import { type Binding, type Constant, type GridFactor, STEP_FIELDS } from "../../core/signature.ts";
import type { Device, DeviceBuffer, KernelRequest } from "../types.ts";

/** A step header with these fields first; the others are 0. */
export function header(...fields: number[]): Uint32Array<ArrayBuffer> {
  return Uint32Array.from(STEP_FIELDS, (_, i) => fields[i] ?? 0);
}

/** A buffer's content. */
export async function words(device: Device, buffer: DeviceBuffer): Promise<Uint32Array> {
  return new Uint32Array((await device.read(buffer, 0, buffer.bytes)).buffer);
}

const EXPORT = '__attribute__((visibility("default")))';

/** A kernel's C file: the struct's fields, then the body over items [first, last). */
export function toyText(name: string, fields: string, body: string): string {
  return `#include <stdint.h>
struct args { ${fields} };
static void ${name}(const void *p, uint32_t first, uint32_t last) {
  const struct args *a = p;
  ${body}
}
${EXPORT} uint64_t ${name}_address(void);
${EXPORT} uint64_t ${name}_address(void) { return (uint64_t)(uintptr_t)${name}; }
`;
}

const u32 = (name: string, access: Binding["access"]): Binding => ({
  ...{ name, access, dtype: "u32", shape: ["n"] },
});

function toy(
  name: string,
  bindings: readonly Binding[],
  constants: readonly Constant[],
  grid: readonly GridFactor[],
  text: string,
): KernelRequest {
  const entry: KernelEntry = {
    signature: { name, bindings, constants, defines: [] },
    sources: { c: { file: `generated/c/${name}.c`, sha256: "", template: "", grid } },
    authored: [],
  };
  return { entry, text, defines: {} };
}

/** y[item] += 1: shows which items ran, and how often. */
export function touch(
  grid: readonly GridFactor[],
  constants: readonly string[] = [],
): KernelRequest {
  const fields = constants.map((name) => `uint32_t ${name};`).join(" ");
  return toy(
    "touch",
    [u32("y", "readwrite")],
    constants.map((name) => ({ name, dtype: "u32" })),
    grid,
    toyText(
      "touch",
      `uint32_t *y; ${fields}`,
      "for (uint32_t i = first; i < last; i++) a->y[i]++;",
    ),
  );
}

/**
 * y[i] = 31·x[i] + x[(i + shift) mod nRows] + 1 over u32: every item needs an item some other thread may
 * have made, so a missing barrier shows.
 */
export const mix: KernelRequest = toy(
  "mix",
  [u32("x", "read"), u32("y", "write"), u32("step", "read")],
  [{ name: "shift", dtype: "u32" }],
  [{ of: { step: "nRows" } }],
  toyText(
    "mix",
    "const uint32_t *x; uint32_t *y; const uint32_t *step; uint32_t shift;",
    "for (uint32_t i = first; i < last; i++)\n" +
      "    a->y[i] = 31 * a->x[i] + a->x[(i + a->shift) % a->step[0]] + 1;",
  ),
);

/** What `mix` writes. */
export function mixed(x: Uint32Array, shift: number): Uint32Array<ArrayBuffer> {
  return Uint32Array.from(x, (v, i) => Math.imul(31, v) + x[(i + shift) % x.length]! + 1);
}

/**
 * y[i] = x[nRows − 1 − i] + 1, where item 0 takes about 100 µs: without a barrier the other threads reach
 * the next invocation long before its result is there.
 */
export const late: KernelRequest = toy(
  "late",
  [u32("x", "read"), u32("y", "write"), u32("step", "read")],
  [],
  [{ of: { step: "nRows" } }],
  toyText(
    "late",
    "const uint32_t *x; uint32_t *y; const uint32_t *step;",
    "for (uint32_t i = first; i < last; i++) {\n" +
      "    for (volatile uint32_t k = 0; i == 0 && k < 100000; k++) {}\n" +
      "    a->y[i] = a->x[a->step[0] - 1 - i] + 1;\n  }",
  ),
);

/** Stores one constant of each type and the step header: shows the struct's layout. */
export const echo: KernelRequest = toy(
  "echo",
  [u32("y", "write"), u32("step", "read")],
  [{ name: "a", dtype: "u32" }, { name: "b", dtype: "i32" }, { name: "c", dtype: "f32" }],
  [{ of: 1 }],
  toyText(
    "echo",
    "uint32_t *y; const uint32_t *step; uint32_t a; int32_t b; float c;",
    "(void)first; (void)last;\n" +
      "  a->y[0] = a->a; ((int32_t *)a->y)[1] = a->b; ((float *)a->y)[2] = a->c;\n" +
      "  for (int i = 0; i < 6; i++) a->y[3 + i] = a->step[i];",
  ),
);

/**
 * y[part, row] = 31·x[part, row] + x[part, (row + shift) mod nRows] + 1 over u32: an item needs items of its own
 * parts, of which it has `per`. Its grid counts rows or parts first.
 */
export function mixParts(
  { per, rowsFirst, rowsField = "nRows" }: {
    readonly per: number;
    readonly rowsFirst: boolean;
    readonly rowsField?: "nRows" | "nSeqs";
  },
): KernelRequest {
  const name = `mix_parts_${per}${rowsFirst ? "_rows_first" : ""}${rowsField.toLowerCase()}`;
  const rows: GridFactor = { of: { step: rowsField } };
  const parts: GridFactor = { of: { constant: "n_parts" }, per };
  const n = `((a->n_parts + ${per - 1}) / ${per})`;
  return toy(
    name,
    [u32("x", "read"), u32("y", "write"), u32("step", "read")],
    [{ name: "n_parts", dtype: "u32" }, { name: "shift", dtype: "u32" }],
    rowsFirst ? [rows, parts] : [parts, rows],
    toyText(
      name,
      "const uint32_t *x; uint32_t *y; const uint32_t *step; uint32_t n_parts; uint32_t shift;",
      `const uint32_t n_rows = a->step[0];
  for (uint32_t i = first; i < last; i++) {
    const uint32_t row = i ${rowsFirst ? `/ ${n}` : "% n_rows"};
    const uint32_t place = i ${rowsFirst ? `% ${n}` : "/ n_rows"};
    for (uint32_t part = ${per} * place; part < ${per} * (place + 1) && part < a->n_parts; part++) {
      const uint32_t *x = a->x + part * n_rows;
      a->y[part * n_rows + row] = 31 * x[row] + x[(row + a->shift) % n_rows] + 1;
    }
  }`,
    ),
  );
}

/** Writes down which items of which operation it is given: log[0] counts notes of four words (1, op, first, last). */
export const note: KernelRequest = toy(
  "note",
  [u32("log", "readwrite")],
  [{ name: "n_parts", dtype: "u32" }, { name: "op", dtype: "u32" }],
  [{ of: { constant: "n_parts" } }, { of: { step: "nRows" } }],
  toyText(
    "note",
    "uint32_t *log; uint32_t n_parts; uint32_t op;",
    "uint32_t *at = a->log + 4 * ++a->log[0];\n" +
      "  at[0] = 1, at[1] = a->op, at[2] = first, at[3] = last;",
  ),
);

const flagged = (name: string, body: string): KernelRequest =>
  toy(
    name,
    [u32("flag", "readwrite")],
    [{ name: "n_parts", dtype: "u32" }],
    [{ of: { constant: "n_parts" } }],
    "#include <time.h>\n" + toyText(name, "volatile uint32_t *flag; uint32_t n_parts;", body),
  );

/** Item 0 waits until flag[0] is 1, a minute at most, and copies it to flag[1]. */
export const holdFirst: KernelRequest = flagged(
  "hold_first",
  "(void)last;\n" +
    "  const time_t end = time(0) + 60;\n" +
    "  while (first == 0 && a->flag[0] == 0 && time(0) < end) {}\n" +
    "  if (first == 0) a->flag[1] = a->flag[0];",
);

/** Item 0 sets flag[0]. */
export const raise: KernelRequest = flagged(
  "raise",
  "(void)last;\n  if (first == 0) a->flag[0] = 1;",
);
