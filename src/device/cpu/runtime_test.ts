/** What the device's tests do not reach: the portable way of sleeping, and the system's words. */

import { assert, assertEquals } from "@std/assert";
import { join } from "@std/path";
import { cacheDir } from "../../sys/cache_dir.ts";
import { findCompiler } from "../../sys/compiler.ts";
import { compileKernels } from "./kernels.ts";
import { CpuMemory } from "./memory.ts";
import { prepareProgram } from "./program.ts";
import { compileRuntime, errorText, loadRuntime } from "./runtime.ts";
import { mix, mixed } from "./toy_testing.ts";
import type { CpuKernel } from "./kernels.ts";

const compiler = await findCompiler();
const dir = join(cacheDir(), "cpu");

Deno.test("with a condition variable for the futex, barriers hold on too many threads", async () => {
  const runtime = await loadRuntime({ compiler, dir, defines: { KERF_CONDVAR: 1 } });
  const memory = new CpuMemory(runtime);
  const [kernel] = await compileKernels([mix], { compiler, dir, isa: "base" });
  const n = 100;
  const [x, y, step] = ["x", "y", "step"].map((name) => memory.map(4 * n, name, "memory"));
  const program = prepareProgram(
    Array.from({ length: 50 }, (_, k) => ({
      kernel: kernel!,
      label: `mix ${k}`,
      buffers: { x: { buffer: k % 2 ? y! : x! }, y: { buffer: k % 2 ? x! : y! } },
      constants: { shift: k },
    })),
    {
      memory,
      step: { buffer: step! },
      isKernel: (k): k is CpuKernel => k === kernel,
    },
  );
  let expected = new Uint32Array(n);
  for (let k = 0; k < 50; k++) expected = mixed(expected, k);
  for (const threads of [1, 2, 5]) {
    const pool = runtime.kerf_pool_open(threads);
    for (let run = 0; run < 50; run++) {
      memory.write(x!, new Uint32Array(n), 0);
      const header = new Uint32Array([n, 0, 0, 0, 0, 0]);
      const stepAddress = memory.address({ buffer: step! });
      const code = runtime.kerf_run(
        ...[pool, program.ops, 50, program.args, header, 6, stepAddress] as const,
      );
      assertEquals(code, 0);
      assertEquals(new Uint32Array(memory.read(x!, 0, 4 * n).buffer), expected);
    }
    runtime.kerf_pool_close(pool);
  }
  memory.freeAll();
});

Deno.test("an errno has the system's words", async () => {
  assertEquals(errorText(await loadRuntime({ compiler, dir }), 2), "No such file or directory");
});

Deno.test({
  name: "the runtime's code stays in the process when its library is closed",
  ignore: Deno.build.os !== "linux",
  async fn() {
    // A name of its own, so that no other test holds it open.
    const path = await compileRuntime({ compiler, dir, defines: { KERF_CLOSED: 1 } });
    Deno.dlopen(path, {}).close();
    assert((await Deno.readTextFile("/proc/self/maps")).includes(path));
  },
});
