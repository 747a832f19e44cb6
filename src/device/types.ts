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

/** A buffer, from a byte offset on. */
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

/** A place where kernels run. */
export interface Device {
  /** For people: `cpu (2 threads, x86-64-v4)`. */
  readonly name: string;
  readonly kind: "cpu" | "cuda" | "webgpu";
  readonly target: Target;
  /** Zeroed memory. @throws {KerfError} when there is not enough */
  allocate(bytes: number, label: string): DeviceBuffer;
  /**
   * Address space for a buffer that fills over time: pages take memory once written and give it back
   * when discarded.
   */
  reserve(bytes: number, label: string): DeviceBuffer;
  /**
   * Gives the memory of a byte range back. Of a reserved buffer it reads as zero afterwards or is garbage;
   * of a file it is read from the file again.
   */
  discard(buffer: DeviceBuffer, offset: number, bytes: number): void;
  free(buffer: DeviceBuffer): void;
  write(buffer: DeviceBuffer, data: ArrayBufferView, offset?: number): void;
  read(buffer: DeviceBuffer, offset: number, bytes: number): Promise<Uint8Array>;
  /** A file's bytes [offset, offset + bytes) as a read-only buffer, without a copy where possible. */
  openFile(path: string, label: string): Promise<DeviceBuffer>;
  compile(
    requests: readonly KernelRequest[],
    onProgress?: (progress: CompileProgress) => void,
  ): Promise<CompiledKernel[]>;
  /** Checks every invocation against its signature. @throws {TypeError} a name is missing or unknown */
  prepare(invocations: readonly Invocation[]): Program;
  /** Runs a program; `step` holds STEP_FIELDS: it sizes the grids and fills the binding `step`. */
  run(program: Program, step: Uint32Array): Promise<void>;
  close(): void;
}
