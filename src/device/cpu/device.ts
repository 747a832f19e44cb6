/**
 * The CPU device: generated C through the machine's compiler, run by the runtime with a pool of threads. A
 * step is one call into C; it blocks until the step is done.
 */

import { setImmediate } from "node:timers";
import { join } from "@std/path";
import { counted } from "../../core/counted.ts";
import { KerfError } from "../../core/error.ts";
import { STEP_FIELDS } from "../../core/signature.ts";
import { cacheDir } from "../../sys/cache_dir.ts";
import { findCompiler } from "../../sys/compiler.ts";
import type { Device, Invocation, Program } from "../types.ts";
import { chooseIsa, type Isa, isaName } from "./isa.ts";
import { compileKernels, type CpuKernel } from "./kernels.ts";
import { CpuMemory } from "./memory.ts";
import { type CpuProgram, prepareProgram } from "./program.ts";
import { loadRuntime } from "./runtime.ts";

/** How to open the CPU. */
export interface CpuDeviceOptions {
  /** Threads that compute, the caller's among them. Default: the processors of this machine. */
  readonly threads?: number;
  /** The instruction set to compile for. Default: `$KERF_ISA`, else the best this machine has. */
  readonly isa?: Isa;
  /** Where compiled kernels go. Default: the project's cache. */
  readonly cacheDir?: string;
  /** Ends compilations. */
  readonly signal?: AbortSignal | undefined;
}

/** More threads than any machine here has are a mistake in the flag. */
const MAX_THREADS = 1024;

/**
 * Opens the CPU.
 *
 * @throws {KerfError} without a C compiler, with a thread count that makes no sense, or with an instruction
 * set this machine lacks
 */
export async function openCpuDevice(options: CpuDeviceOptions = {}): Promise<Device> {
  const { signal } = options;
  const threads = options.threads ?? navigator.hardwareConcurrency;
  if (!Number.isInteger(threads) || threads < 1 || threads > MAX_THREADS) {
    throw new KerfError(
      `Cannot run on ${threads} threads: the number must be 1 to ${MAX_THREADS}`,
      {
        hint: `-t ${navigator.hardwareConcurrency}`,
        exitCode: 2,
      },
    );
  }
  const compiler = await findCompiler();
  const dir = join(options.cacheDir ?? cacheDir(), "cpu");
  const runtime = await loadRuntime({ compiler, dir, signal });
  const isa = chooseIsa(runtime.kerf_cpu_level(), options.isa);
  const pool = runtime.kerf_pool_open(threads);
  if (pool === 0n) {
    throw new KerfError(`Cannot start ${threads} threads: the system refused`, { hint: "-t 1" });
  }
  const memory = new CpuMemory(runtime);
  const step = { buffer: memory.map(4 * STEP_FIELDS.length, "step", "memory") };
  const stepAddress = memory.address(step);
  const kernels = new WeakSet<object>();
  const programs = new WeakSet<object>();
  const isKernel = (kernel: unknown): kernel is CpuKernel => kernels.has(kernel as object);
  const isProgram = (program: Program): program is CpuProgram => programs.has(program);
  let open = true;
  const stepOf = (program: Program, header: Uint32Array) => {
    if (!open) throw new TypeError("Cannot run a program: the device is closed");
    if (!isProgram(program)) throw new TypeError("Cannot run a program of another device");
    if (header.length === STEP_FIELDS.length) {
      return { ...program, step: header as Uint32Array<ArrayBuffer> };
    }
    throw new RangeError(
      `Cannot run a step of ${header.length} fields: it has ${STEP_FIELDS.length}`,
    );
  };

  return {
    name: `cpu (${counted(threads, "thread")}, ${isaName(isa)})`,
    kind: "cpu",
    target: "c",
    maxBindingBytes: Infinity,
    allocate: (bytes, label) => memory.map(bytes, label, "memory"),
    reserve: (bytes, label) => memory.map(bytes, label, "reserved"),
    commit: (buffer, offset, bytes) => memory.commit(buffer, offset, bytes),
    discard: (buffer, offset, bytes) => memory.discard(buffer, offset, bytes),
    settle: (buffer) => memory.settle(buffer),
    free: (buffer) => memory.free(buffer),
    write: (buffer, data, offset = 0) => memory.write(buffer, data, offset),
    copy: (buffer, range) => memory.copy(buffer, range),
    // deno-lint-ignore require-await -- other devices have to wait
    read: async (buffer, offset, bytes) => memory.read(buffer, offset, bytes),
    // deno-lint-ignore require-await
    readFile: async (range, label) => memory.mapFile(range, label),
    readInto: (buffer, range, offset = 0) => memory.readInto(buffer, range, offset),
    async compile(requests, onProgress) {
      const compiled = await compileKernels(requests, { compiler, dir, isa, signal, onProgress });
      for (const kernel of compiled) kernels.add(kernel);
      return compiled;
    },
    prepare(invocations) {
      const program = prepareProgram(invocations, { memory, step, isKernel });
      programs.add(program);
      return program;
    },
    async run(program, header, read) {
      const { ops, args, invocations, step } = stepOf(program, header);
      const place = [pool, ops, invocations.length, args, step, step.length, stepAddress] as const;
      check(runtime.kerf_run(...place), invocations);
      await turn();
      return read ? memory.read(read.buffer, read.offset, read.bytes) : new Uint8Array();
    },
    async runTimed(program, header) {
      const { ops, args, invocations, step } = stepOf(program, header);
      const place = [pool, ops, invocations.length, args, step, step.length, stepAddress] as const;
      const times = new BigUint64Array(invocations.length + 1);
      check(runtime.kerf_run_timed(...place, times), invocations);
      await turn();
      let [first, last] = [0, times.at(-1)!];
      return Float64Array.from(invocations, ({ barrier }, i) => {
        if (barrier === false) return 0;
        const time = times[first]! || last;
        const ns = Number(time - last);
        [first, last] = [i + 1, time];
        return ns;
      });
    },
    close() {
      if (!open) return;
      open = false;
      runtime.kerf_pool_close(pool);
      memory.freeAll();
    },
  };
}

/** @throws what the code of a run stands for */
function check(code: number, invocations: readonly Invocation[]): void {
  if (code > 0) {
    const { kernel, label } = invocations[code - 1]!;
    throw new RangeError(
      `Cannot run kernel "${kernel.entry.signature.name}" for "${label}": too many items`,
    );
  }
  if (code < 0) throw new KerfError("Cannot run a program: no memory for its bookkeeping");
}

/** C held the thread: without a turn of the event loop no signal would ever arrive. */
const turn = () => new Promise<void>((resolve) => setImmediate(resolve));
