/** The instruction sets of this machine: the runtime's cpuid, asked without opening a device. */

import { join } from "@std/path";
import { cacheDir } from "../../sys/cache_dir.ts";
import { findCompiler } from "../../sys/compiler.ts";
import { type Isa, isaLevels } from "./isa.ts";
import { loadRuntime } from "./runtime.ts";

/**
 * The levels this machine can run, best first.
 *
 * @throws {KerfError} without a C compiler, which makes the runtime
 */
export async function machineIsas(): Promise<Isa[]> {
  const compiler = await findCompiler();
  const runtime = await loadRuntime({ compiler, dir: join(cacheDir(), "cpu") });
  return isaLevels(runtime.kerf_cpu_level());
}
