/**
 * One interface for every device. The engine allocates buffers, compiles the kernels a plan names, turns
 * the plan's invocations into a program once, and runs the program once per step.
 */

import type { KernelEntry, Target } from "../core/manifest.ts";

/** Memory of a device. */
export interface DeviceBuffer {
  readonly label: string;
  readonly bytes: number;
}

/** A buffer, from a byte offset on: a multiple of 256, since GPUs bind at no other. */
export interface BufferSlice {
  readonly buffer: DeviceBuffer;
  readonly offset?: number;
}

/** A kernel to compile: its manifest entry, its source text, its compile-time values. */
export interface KernelRequest {
  readonly entry: KernelEntry;
  readonly text: string;
  /** Values of the signature's defines, such as HEAD_DIM. */
  readonly defines: Readonly<Record<string, number>>;
}

/** A compiled kernel, opaque to the engine. */
export interface CompiledKernel {
  readonly entry: KernelEntry;
}

/** One kernel invocation of a plan: everything by the signature's names. */
export interface Invocation {
  readonly kernel: CompiledKernel;
  /** What it is for, in `inspect plan`: `layer 3 · qkv`. */
  readonly label: string;
  /** Every binding of the signature except `step`, which the device binds. */
  readonly buffers: Readonly<Record<string, BufferSlice>>;
  readonly constants: Readonly<Record<string, number>>;
  /** False when the next invocation neither reads nor writes what this one writes. Default true. */
  readonly barrier?: boolean;
  /**
   * Where this invocation and those behind its barrier have parts, an item of these needs no more of what is before
   * the barrier than items of its own parts. Devices may wait for everything.
   */
  readonly parts?: Parts;
}

/** How the items of an invocation are divided among parts of a step's work. */
export interface Parts {
  /** The constant that a factor of the kernel's grid counts. */
  readonly along: string;
  /** The part of each of what it counts: of each output, of each head. Whole numbers from 0 on. */
  readonly of: readonly number[];
}

/** A prepared list of invocations. */
export interface Program {
  readonly invocations: readonly Invocation[];
}

/** What compiling reports after each source file; `name` is the file's. */
export interface CompileProgress {
  readonly done: number;
  readonly total: number;
  readonly name: string;
}

/** A range of a buffer. */
export interface BufferRange {
  readonly buffer: DeviceBuffer;
  readonly offset: number;
  readonly bytes: number;
}

/** A range of a file. */
export interface FileRange {
  readonly path: string;
  readonly offset: number;
  readonly bytes: number;
}

/**
 * A place where kernels run. Writes, copies and programs take effect in the order they are asked for; what
 * is read has seen all of them.
 */
export interface Device {
  /** For people: `cpu (2 threads, x86-64-v4)`. */
  readonly name: string;
  readonly kind: "cpu" | "cuda" | "webgpu";
  readonly target: Target;
  /** Bytes of a buffer that a kernel can bind; larger matrices are cut. */
  readonly maxBindingBytes: number;
  /** Zeroed memory. @throws {KerfError} when there is not enough */
  allocate(bytes: number, label: string): DeviceBuffer;
  /**
   * Address space for a buffer that fills over time: a range takes memory when it is committed and gives
   * it back when discarded. It may be larger than memory and than what can be bound: only what is
   * committed counts.
   */
  reserve(bytes: number, label: string): DeviceBuffer;
  /**
   * Gives a range of a reserved buffer memory, before anything writes there. It holds zeros or what this
   * buffer held before; committing twice is harmless.
   *
   * @throws {KerfError} when there is not enough
   */
  commit(buffer: DeviceBuffer, offset: number, bytes: number): void;
  /** Gives the memory of a range of a reserved buffer back; its bytes are lost until committed again. */
  discard(buffer: DeviceBuffer, offset: number, bytes: number): void;
  /**
   * Says that what is committed of a reserved buffer will be read often from now on: where it pays, the device
   * lays it out for that, in no more memory. Bytes and addresses stay.
   */
  settle(buffer: DeviceBuffer): void;
  free(buffer: DeviceBuffer): void;
  /** `offset` and the data's bytes are multiples of 4. */
  write(buffer: DeviceBuffer, data: ArrayBufferView, offset?: number): void;
  /** Copies within a buffer, between ranges that do not overlap; all multiples of 4. */
  copy(buffer: DeviceBuffer, range: { from: number; to: number; bytes: number }): void;
  read(buffer: DeviceBuffer, offset: number, bytes: number): Promise<Uint8Array>;
  /** A range of a file as a read-only buffer, without a copy where possible. */
  readFile(range: FileRange, label: string): Promise<DeviceBuffer>;
  /**
   * Fills a buffer from `offset` on with a range of a file, while the caller does other things. Until then the buffer
   * is neither used nor freed, the device not closed.
   *
   * @throws {KerfError} the file cannot be read
   */
  readInto(buffer: DeviceBuffer, range: FileRange, offset?: number): Promise<void>;
  compile(
    requests: readonly KernelRequest[],
    onProgress?: (progress: CompileProgress) => void,
  ): Promise<CompiledKernel[]>;
  /** Checks every invocation against its signature. @throws {TypeError} a name is missing or unknown */
  prepare(invocations: readonly Invocation[]): Program;
  /**
   * Runs a program; `step` holds STEP_FIELDS: it sizes the grids and fills the binding `step`. Waits for
   * the end only where something is to be read then.
   *
   * @returns the bytes of `read` afterwards; none without it
   */
  run(program: Program, step: Uint32Array, read?: BufferRange): Promise<Uint8Array>;
  /**
   * Runs a program and says how long each invocation took, in ns, from the end of those before it; invocations
   * without a barrier between them have their time at the last of them, and 0 before. Absent: the device does
   * not know.
   */
  runTimed?(program: Program, step: Uint32Array): Promise<Float64Array>;
  close(): void;
}
