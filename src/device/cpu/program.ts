/**
 * Invocations → the op records and argument structs that runtime.c walks. Names are checked here,
 * once; running a program checks nothing more.
 */

import { argumentOffsets, type GridFactor, STEP_FIELDS } from "../../core/signature.ts";
import { writeArguments } from "../argument_struct.ts";
import { failToPrepare } from "../check_invocation.ts";
import type { BufferSlice, DeviceBuffer, Invocation, Program } from "../types.ts";
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
  const { memory, step } = options;
  const sources = {
    step,
    address: (slice: BufferSlice) => memory.address(slice),
    isReadOnly: (buffer: DeviceBuffer) => memory.isReadOnly(buffer),
  };
  let start = 0;
  for (const [i, invocation] of invocations.entries()) {
    const { bytes } = offsets[i]!;
    writeArguments(new DataView(args.buffer, start, bytes), invocation, sources);
    const op = new DataView(opsView.buffer, OP_BYTES * i, OP_BYTES);
    if (!options.isKernel(invocation.kernel)) failToPrepare(invocation, "it was not compiled here");
    op.setBigUint64(0, invocation.kernel.address, true);
    op.setBigUint64(8, BigInt(start), true);
    op.setUint32(20, invocation.barrier ?? true ? 1 : 0, true);
    writeGrid(op, invocation);
    start += bytes;
  }
  return Object.freeze({ invocations: Object.freeze([...invocations]), ops, args });
}

/** Factors known now are multiplied; the others become (step field, per) pairs. */
function writeGrid(op: DataView, invocation: Invocation): void {
  let fixed = 1;
  let nFactors = 0;
  for (const { of, per = 1 } of invocation.kernel.entry.sources.c?.grid ?? []) {
    if (!(Number.isInteger(per) && per >= 1)) {
      failToPrepare(invocation, `a grid factor is per ${per}`);
    }
    const known = knownFactor(of, invocation);
    if (known !== undefined) {
      fixed *= Math.ceil(known / per);
      continue;
    }
    if (nFactors === STEP_FACTORS) {
      failToPrepare(invocation, `its grid has over ${STEP_FACTORS} step factors`);
    }
    op.setUint32(32 + 8 * nFactors, stepIndex(of, invocation), true);
    op.setUint32(36 + 8 * nFactors, per, true);
    nFactors++;
  }
  if (fixed > MAX_U32) failToPrepare(invocation, `its grid has ${fixed} items`);
  op.setUint32(16, fixed, true);
  op.setUint32(24, nFactors, true);
}

function knownFactor(of: GridFactor["of"], invocation: Invocation): number | undefined {
  if (typeof of === "number") return of;
  if (!("constant" in of)) return undefined;
  const value = invocation.constants[of.constant];
  return value ?? failToPrepare(invocation, `its grid needs constant "${of.constant}"`);
}

function stepIndex(of: GridFactor["of"], invocation: Invocation): number {
  if (typeof of === "object" && "step" in of) return STEP_FIELDS.indexOf(of.step);
  const name = typeof of === "object" && "stepAt" in of ? of.stepAt : "";
  const index = invocation.constants[name];
  if (index === undefined || !Number.isInteger(index) || !STEP_FIELDS[index]) {
    failToPrepare(invocation, `constant "${name}" is ${index}, which is no field of the step`);
  }
  return index;
}
