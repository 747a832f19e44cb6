/**
 * Invocations → the op records and argument structs that the runtime walks. Names are checked here,
 * once; running a program checks nothing more.
 */

import { argumentOffsets, type GridFactor, STEP_FIELDS } from "../../core/signature.ts";
import { writeArguments } from "../argument_struct.ts";
import { barriersOf } from "../barriers.ts";
import { failToPrepare } from "../check_invocation.ts";
import type { BufferSlice, DeviceBuffer, Invocation, Program } from "../types.ts";
import type { CpuKernel } from "./kernels.ts";
import type { CpuMemory } from "./memory.ts";
import { partTable } from "./parts.ts";

/** A prepared program: typed arrays that go to C as they are. */
export interface CpuProgram extends Program {
  /** One record of {@linkcode OP_BYTES} per invocation. */
  readonly ops: Uint8Array<ArrayBuffer>;
  /** Every invocation's struct, then the tables of those whose items belong to parts. */
  readonly args: Uint8Array<ArrayBuffer>;
}

/** `sizeof(struct op)` in runtime/plan.h. */
const OP_BYTES = 80;
/** `STEP_FACTORS` in runtime/plan.h. */
const STEP_FACTORS = 4;
/** The barriers' numbers there. */
const BARRIERS = { none: 0, full: 1, parts: 2 } as const;
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
  const places = barriersOf(invocations);
  const tables = invocations.map((invocation, i) => {
    const { parts } = invocation;
    return parts && places[i]!.byParts
      ? partTable(invocation, { parts, grid: gridOf(invocation) })
      : null;
  });
  const ops = new Uint8Array(OP_BYTES * invocations.length);
  const argumentBytes = offsets.reduce((sum, { bytes }) => sum + bytes, 0);
  const tableBytes = tables.reduce((sum, table) => sum + (table?.words.byteLength ?? 0), 0);
  const args = new Uint8Array(argumentBytes + tableBytes);
  const opsView = new DataView(ops.buffer);
  const { memory, step } = options;
  const sources = {
    step,
    address: (slice: BufferSlice) => memory.address(slice),
    isReadOnly: (buffer: DeviceBuffer) => memory.isReadOnly(buffer),
  };
  let [start, tableStart] = [0, argumentBytes];
  for (const [i, invocation] of invocations.entries()) {
    const { bytes } = offsets[i]!;
    const table = tables[i]!;
    writeArguments(new DataView(args.buffer, start, bytes), invocation, sources);
    const op = new DataView(opsView.buffer, OP_BYTES * i, OP_BYTES);
    if (!options.isKernel(invocation.kernel)) failToPrepare(invocation, "it was not compiled here");
    op.setBigUint64(0, invocation.kernel.address, true);
    op.setBigUint64(8, BigInt(start), true);
    op.setUint32(20, BARRIERS[places[i]!.barrier], true);
    writeGrid(op, invocation, table?.factor);
    start += bytes;
    if (!table) continue;
    op.setBigUint64(64, BigInt(tableStart), true);
    op.setUint32(72, table.nPlaces, true);
    args.set(new Uint8Array(table.words.buffer), tableStart);
    tableStart += table.words.byteLength;
  }
  return Object.freeze({ invocations: Object.freeze([...invocations]), ops, args });
}

const gridOf = ({ kernel }: Invocation): readonly GridFactor[] =>
  kernel.entry.sources.c?.grid ?? [];

/**
 * Factors known now are multiplied; the others become (step field, per) pairs.
 *
 * @param place the factor that counts places, where items belong to parts
 */
function writeGrid(op: DataView, invocation: Invocation, place = Infinity): void {
  let [fixed, fixedInner] = [1, 1];
  let [nFactors, nInner] = [0, 0];
  for (const [i, { of, per = 1 }] of gridOf(invocation).entries()) {
    if (!(Number.isInteger(per) && per >= 1)) {
      failToPrepare(invocation, `a grid factor is per ${per}`);
    }
    const known = knownFactor(of, invocation);
    if (known !== undefined) {
      fixed *= Math.ceil(known / per);
      if (i > place) fixedInner *= Math.ceil(known / per);
      continue;
    }
    if (nFactors === STEP_FACTORS) {
      failToPrepare(invocation, `its grid has over ${STEP_FACTORS} step factors`);
    }
    op.setUint32(32 + 8 * nFactors, stepIndex(of, invocation), true);
    op.setUint32(36 + 8 * nFactors, per, true);
    nFactors++;
    if (i > place) nInner++;
  }
  if (fixed > MAX_U32) failToPrepare(invocation, `its grid has ${fixed} items`);
  op.setUint32(16, fixed, true);
  op.setUint32(24, nFactors, true);
  op.setUint32(28, nInner, true);
  op.setUint32(76, fixedInner, true);
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
