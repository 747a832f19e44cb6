/** The device as the engine sees it: barriers, threads, compiling, closing, and what it refuses. */

import { assert, assertEquals, assertRejects } from "@std/assert";
import { join } from "@std/path";
import { KerfError } from "../../core/error.ts";
import { projectUrl, runChild } from "../../sys/testing.ts";
import { testDevice } from "../testing.ts";
import type { Device, Invocation } from "../types.ts";
import { openCpuDevice } from "./device.ts";
import { echo, header, late, mix, mixed, touch, words } from "./toy_testing.ts";

/** Runs `depth` dependent mixes of `n` values back and forth between two buffers. */
async function mixChain(device: Device, n: number, depth: number): Promise<Uint32Array> {
  const [kernel] = await device.compile([mix]);
  const [x, y] = [device.allocate(4 * n, "x"), device.allocate(4 * n, "y")];
  device.write(x, Uint32Array.from({ length: n }, (_, i) => i));
  const program = device.prepare(Array.from({ length: depth }, (_, k): Invocation => ({
    kernel: kernel!,
    label: `mix ${k}`,
    buffers: { x: { buffer: k % 2 ? y : x }, y: { buffer: k % 2 ? x : y } },
    constants: { shift: 7 * k + 1 },
  })));
  await device.run(program, header(n));
  const out = await words(device, depth % 2 ? y : x);
  device.free(x);
  device.free(y);
  return out;
}

Deno.test("a long chain of dependent invocations is exact on any number of threads", async () => {
  for (const [n, depth] of [[1, 10], [2, 301], [64, 300], [1000, 100]] as const) {
    let expected = Uint32Array.from({ length: n }, (_, i) => i);
    for (let k = 0; k < depth; k++) expected = mixed(expected, 7 * k + 1);
    // More threads than processors sleep and wake at most barriers; that is the hard case.
    for (const threads of [1, 2, 3, 8]) {
      const device = await testDevice({ threads });
      for (let run = 0; run < 20; run++) {
        assertEquals(await mixChain(device, n, depth), expected, `${threads} threads, run ${run}`);
      }
    }
  }
});

Deno.test("a barrier waits for the slowest item", async () => {
  const n = 64;
  const depth = 10;
  const device = await testDevice();
  const [kernel] = await device.compile([late]);
  const [x, y] = [device.allocate(4 * n, "x"), device.allocate(4 * n, "y")];
  const program = device.prepare(Array.from({ length: depth }, (_, k) => ({
    ...{ kernel: kernel!, label: `late ${k}`, constants: {} },
    buffers: { x: { buffer: k % 2 ? y : x }, y: { buffer: k % 2 ? x : y } },
  })));
  for (let run = 0; run < 20; run++) {
    device.write(x, new Uint32Array(n));
    await device.run(program, header(n));
    assertEquals(await words(device, x), new Uint32Array(n).fill(depth));
  }
  device.free(x);
  device.free(y);
});

Deno.test("without a barrier the next invocation may start; the one after waits for both", async () => {
  const n = 512;
  const device = await testDevice();
  const [kernel] = await device.compile([mix]);
  const [x, a, b, c] = ["x", "a", "b", "c"].map((name) => device.allocate(4 * n, name));
  const zero = new Uint32Array(n);
  const invocation = (from: typeof x, to: typeof x, barrier: boolean): Invocation => ({
    ...{ kernel: kernel!, label: "mix", constants: { shift: 100 }, barrier },
    buffers: { x: { buffer: from! }, y: { buffer: to! } },
  });
  const program = device.prepare([
    invocation(x, a, false),
    invocation(x, b, true),
    invocation(a, c, false),
    invocation(b, x, true),
  ]);
  for (let run = 0; run < 200; run++) {
    device.write(x!, zero);
    await device.run(program, header(n));
    const expected = mixed(mixed(zero, 100), 100);
    assertEquals(await words(device, c!), expected);
    assertEquals(await words(device, x!), expected);
  }
  for (const buffer of [x, a, b, c]) device.free(buffer!);
});

Deno.test("a timed run computes the same and has a time where a barrier is", async () => {
  const n = 64;
  const device = await testDevice();
  const [kernel] = await device.compile([late]);
  const [x, y] = [device.allocate(4 * n, "x"), device.allocate(4 * n, "y")];
  const program = device.prepare([false, true, true].map((barrier, k) => ({
    ...{ kernel: kernel!, label: `late ${k}`, constants: {}, barrier },
    buffers: { x: { buffer: k === 2 ? y : x }, y: { buffer: k === 2 ? x : y } },
  })));
  const [first, second, third] = await device.runTimed!(program, header(n));
  assertEquals(first, 0);
  assert(second! > 0 && third! > 0, `${second} ${third}`);
  assertEquals(await words(device, x), new Uint32Array(n).fill(2));
  device.free(x);
  device.free(y);
});

Deno.test("an empty program and empty grids do nothing", async () => {
  const device = await testDevice();
  await device.run(device.prepare([]), header());
  assertEquals((await mixChain(device, 4, 0)).length, 4);
  const [kernel] = await device.compile([mix]);
  const x = device.allocate(4, "x");
  const buffers = { x: { buffer: x }, y: { buffer: x } };
  const invocation = { kernel: kernel!, label: "mix", buffers, constants: { shift: 0 } };
  await device.run(device.prepare([invocation, invocation]), header(0));
  assertEquals([...await words(device, x)], [0]);
  device.free(x);
});

Deno.test("compile refuses a kernel without C, and defines that do not fit", async () => {
  const device = await testDevice();
  const entry = { ...mix.entry, sources: {} };
  await assertRejects(() => device.compile([{ ...mix, entry }]), KerfError, "it has no C source");
  const defines = { HEAD_DIM: 64 };
  await assertRejects(
    () => device.compile([{ ...mix, defines }]),
    TypeError,
    'no define "HEAD_DIM"',
  );
  const signature = { ...mix.entry.signature, defines: ["HEAD_DIM"] };
  const wanting = { ...mix, entry: { ...mix.entry, signature } };
  await assertRejects(() => device.compile([wanting]), TypeError, '"HEAD_DIM" is undefined');
});

Deno.test("compile keeps the requests' order and reports each file once", async () => {
  const device = await testDevice();
  const seen: string[] = [];
  const kernels = await device.compile([mix, echo, mix], ({ done, total, name }) => {
    seen.push(`${done}/${total}`);
    seen.push(name);
  });
  assertEquals(kernels.map(({ entry }) => entry.signature.name), ["mix", "echo", "mix"]);
  assertEquals(seen.toSorted(), ["1/2", "2/2", "echo", "mix"]);
});

Deno.test("one file may hold several kernels", async () => {
  const device = await testDevice();
  const both = [late, mix]
    .map(({ text }, i) => text.replaceAll("struct args", `struct args_${i}`)).join("\n");
  const sources = { c: { ...mix.entry.sources.c!, file: "generated/c/both.c" } };
  const requests = [late, mix].map(({ entry }) => ({
    ...{ entry: { ...entry, sources }, text: both, defines: {} },
  }));
  const x = device.allocate(16, "x");
  const y = device.allocate(16, "y");
  const z = device.allocate(16, "z");
  const [first, second] = await device.compile(requests);
  const program = device.prepare([
    {
      kernel: first!,
      label: "late",
      buffers: { x: { buffer: x }, y: { buffer: y } },
      constants: {},
    },
    {
      ...{ kernel: second!, label: "mix", constants: { shift: 1 } },
      buffers: { x: { buffer: y }, y: { buffer: z } },
    },
  ]);
  await device.run(program, header(4));
  assertEquals(await words(device, z), mixed(new Uint32Array(4).fill(1), 1));
  for (const buffer of [x, y, z]) device.free(buffer);
});

Deno.test("run refuses programs, steps and item counts that cannot be", async () => {
  const device = await testDevice();
  const program = device.prepare([]);
  await assertRejects(() => device.run(program, new Uint32Array(5)), RangeError, "5 fields");
  const other = await testDevice({ threads: 1 });
  await assertRejects(() => other.run(program, header()), TypeError, "another device");
  const y = device.allocate(4, "y");
  const [kernel] = await device.compile([
    touch([{ of: { step: "nRows" } }, { of: { step: "nSeqs" } }]),
  ]);
  const invocation = {
    kernel: kernel!,
    label: "big",
    buffers: { y: { buffer: y } },
    constants: {},
  };
  const big = device.prepare([invocation]);
  await assertRejects(() => device.run(big, header(65536, 65536)), RangeError, "too many items");
  await device.run(big, header(1, 1));
  assertEquals([...await words(device, y)], [1]);
  device.free(y);
});

Deno.test("a closed device stays closed, and closing twice is nothing", async () => {
  const device = await openCpuDevice({ threads: 3 });
  const program = device.prepare([]);
  const buffer = device.allocate(8, "x");
  await device.run(program, header());
  device.close();
  device.close();
  await assertRejects(() => device.run(program, header()), TypeError, "closed");
  await assertRejects(() => device.read(buffer, 0, 8), TypeError, "freed");
});

Deno.test("opening and closing pools leaves nothing that hangs", async () => {
  for (let i = 0; i < 50; i++) {
    const device = await openCpuDevice({ threads: 1 + i % 4 });
    if (i % 2) assertEquals((await mixChain(device, 8, 3)).length, 8);
    device.close();
  }
});

Deno.test("thread counts that make no sense are the command line's error", async () => {
  for (const threads of [0, -1, 1.5, NaN, 100000]) {
    const error = await assertRejects(
      () => openCpuDevice({ threads }),
      KerfError,
      `${threads} threads`,
    );
    assertEquals(error.exitCode, 2);
  }
});

Deno.test("it runs with permissions for the cache, the compiler and nothing else", async () => {
  const dir = await Deno.makeTempDir();
  const data = join(dir, "unreadable.bin");
  await Deno.writeTextFile(data, "data");
  const cache = join(dir, "cache");
  const project = new URL(projectUrl("")).pathname;
  const { code, stdout, stderr } = await runChild(
    `import { openCpuDevice } from "${projectUrl("src/device/cpu/device.ts")}";
     import { mix } from "${projectUrl("src/device/cpu/toy_testing.ts")}";
     const device = await openCpuDevice({ threads: 2 });
     const [kernel] = await device.compile([mix]);
     const x = { buffer: device.allocate(64, "x") };
     const program = device.prepare(
       [{ kernel, label: "mix", buffers: { x, y: x }, constants: { shift: 0 } }]);
     await device.run(program, new Uint32Array([1, 0, 0, 0, 0, 0]));
     const file = await device.readFile({ path: "${data}", offset: 0, bytes: 4 }, "data");
     console.log((await device.read(x.buffer, 0, 1))[0], (await device.read(file, 0, 4)).join());
     device.close();`,
    {
      env: { KERF_CACHE: cache, LD_LIBRARY_PATH: "/nowhere" },
      permissions: [
        `--allow-read=${project},${cache}`,
        `--allow-write=${cache}`,
        `--allow-ffi=${cache}`,
        ...["--allow-run=cc,gcc,clang", "--allow-env"],
      ],
    },
  );
  await Deno.remove(dir, { recursive: true });
  assertEquals({ code, stdout, stderr }, { code: 0, stdout: "1 100,97,116,97\n", stderr: "" });
});
