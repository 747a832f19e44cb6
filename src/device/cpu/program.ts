/**
 * Invocations → the op records and argument structs that runtime.c walks. Every name is checked here, once;
 * running a program checks nothing more.
 */

import { argumentOffsets, type GridFactor, STEP_FIELDS } from "../../core/signature.ts";
import type { BufferSlice, Invocation, Program } from "../types.ts";
import type { CpuKernel } from "./kernels.ts";
import type { CpuMemory } from "./memory.ts";

/** A prepared program: typed arrays that go to C as they are. */
export interface CpuProgram extends Program {
  /** One record of {@linkcode OP_BYTES} per invocation. */
  readonly ops: Uint8Array<ArrayBuffer>;
  readonly args: Uint8Array<ArrayBuffer>;
}

/** `sizeof(struct op)` in runtime.c. */
const OP_BYTES = 64;
/** `STEP_FACTORS` in runtime.c. */
const STEP_FACTORS = 4;
const MAX_U32 = 0xffffffff;

/** What `prepare` needs of the device. */
export interface PrepareOptions {
  readonly memory: CpuMemory;
  /** Bound to `step` in every kernel that has it. */
  readonly step: BufferSlice;
  readonly isKernel: (kernel: unknown) => kernel is CpuKernel;
}

/** Checks and packs invocations. @throws {TypeError} naming kernel and label */
export function prepareProgram(
  invocations: readonly Invocation[],
  options: PrepareOptions,
): CpuProgram {
  const offsets = invocations.map(({ kernel }) => argumentOffsets(kernel.entry.signature));
  const ops = new Uint8Array(OP_BYTES * invocations.length);
  const args = new Uint8Array(offsets.reduce((sum, { bytes }) => sum + bytes, 0));
  const opsView = new DataView(ops.buffer);
  let start = 0;
  for (const [i, invocation] of invocations.entries()) {
    const { bytes } = offsets[i]!;
    writeArguments(new DataView(args.buffer, start, bytes), invocation, options);
    const op = new DataView(opsView.buffer, OP_BYTES * i, OP_BYTES);
    if (!options.isKernel(invocation.kernel)) fail(invocation, "it was not compiled here");
    op.setBigUint64(0, invocation.kernel.address, true);
    op.setBigUint64(8, BigInt(start), true);
    op.setUint32(20, invocation.barrier ?? true ? 1 : 0, true);
    writeGrid(op, invocation);
    start += bytes;
  }
  return Object.freeze({ invocations: Object.freeze([...invocations]), ops, args });
}

function fail({ kernel, label }: Invocation, reason: string): never {
  throw new TypeError(
    `Cannot prepare kernel "${kernel.entry.signature.name}" for "${label}": ${reason}`,
  );
}

/** The struct of the signature: addresses, then constants. */
function writeArguments(view: DataView, invocation: Invocation, options: PrepareOptions): void {
  const { signature } = invocation.kernel.entry;
  const { bindings, constants } = argumentOffsets(signature);
  for (const [i, binding] of signature.bindings.entries()) {
    const slice = bound(invocation, binding.name, options.step);
    if (binding.access !== "read" && options.memory.isReadOnly(slice.buffer)) {
      fail(invocation, `it writes buffer "${binding.name}", which is a file's`);
    }
    view.setBigUint64(bindings[i]!, options.memory.address(slice), true);
  }
  for (const [i, { name, dtype }] of signature.constants.entries()) {
    const value = invocation.constants[name];
    if (value === undefined) fail(invocation, `constant "${name}" is missing`);
    const at = constants[i]!;
    if (dtype === "f32") {
      view.setFloat32(at, value, true);
    } else {
      const wrapped = dtype === "u32" ? value >>> 0 : value | 0;
      if (wrapped !== value) {
        fail(invocation, `constant "${name}" is ${value}, which is no ${dtype}`);
      }
      dtype === "u32" ? view.setUint32(at, value, true) : view.setInt32(at, value, true);
    }
  }
  unknownName(invocation, "buffer", invocation.buffers, signature.bindings);
  unknownName(invocation, "constant", invocation.constants, signature.constants);
}

function bound(invocation: Invocation, name: string, step: BufferSlice): BufferSlice {
  const slice = invocation.buffers[name];
  if (name === "step") {
    if (slice) fail(invocation, 'buffer "step" is the device\'s own: leave it out');
    return step;
  }
  return slice ?? fail(invocation, `buffer "${name}" is missing`);
}

function unknownName(
  invocation: Invocation,
  what: string,
  given: Readonly<Record<string, unknown>>,
  known: readonly { readonly name: string }[],
): void {
  const unknown = Object.keys(given).find((name) => !known.some((k) => k.name === name));
  if (unknown !== undefined) fail(invocation, `it has no ${what} "${unknown}"`);
}

/** Factors known now are multiplied; the others become (step field, per) pairs. */
function writeGrid(op: DataView, invocation: Invocation): void {
  let fixed = 1;
  let nFactors = 0;
  for (const { of, per = 1 } of invocation.kernel.entry.sources.c?.grid ?? []) {
    if (!(Number.isInteger(per) && per >= 1)) fail(invocation, `a grid factor is per ${per}`);
    const known = knownFactor(of, invocation);
    if (known !== undefined) {
      fixed *= Math.ceil(known / per);
      continue;
    }
    if (nFactors === STEP_FACTORS) {
      fail(invocation, `its grid has over ${STEP_FACTORS} step factors`);
    }
    op.setUint32(32 + 8 * nFactors, stepIndex(of, invocation), true);
    op.setUint32(36 + 8 * nFactors, per, true);
    nFactors++;
  }
  if (fixed > MAX_U32) fail(invocation, `its grid has ${fixed} items`);
  op.setUint32(16, fixed, true);
  op.setUint32(24, nFactors, true);
}

function knownFactor(of: GridFactor["of"], invocation: Invocation): number | undefined {
  if (typeof of === "number") return of;
  if (!("constant" in of)) return undefined;
  const value = invocation.constants[of.constant];
  return value ?? fail(invocation, `its grid needs constant "${of.constant}"`);
}

function stepIndex(of: GridFactor["of"], invocation: Invocation): number {
  if (typeof of === "object" && "step" in of) return STEP_FIELDS.indexOf(of.step);
  const name = typeof of === "object" && "stepAt" in of ? of.stepAt : "";
  const index = invocation.constants[name];
  if (index === undefined || !Number.isInteger(index) || !STEP_FIELDS[index]) {
    fail(invocation, `constant "${name}" is ${index}, which is no field of the step`);
  }
  return index;
}
