/** The device as the engine sees it: order, submissions, bind groups, compiling, closing, refusals. */

import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { KerfError } from "../../core/error.ts";
import { projectUrl, runChild } from "../../sys/testing.ts";
import { header, mixed, words } from "../cpu/toy_testing.ts";
import type { Device, Invocation, KernelRequest } from "../types.ts";
import { openWebgpuDevice } from "./device.ts";
import { ignoreWithoutAdapter, testWebgpu } from "./testing.ts";
import { echo, mix, watchedGpu } from "./toy_testing.ts";

const ignore = await ignoreWithoutAdapter();
const gpuTest = (name: string, fn: () => Promise<void>) =>
  Deno.test({ name: `webgpu: ${name}`, ignore, fn, sanitizeOps: false, sanitizeResources: false });

/** `depth` dependent mixes of `n` values back and forth between two buffers. */
async function mixChain(device: Device, n: number, depth: number) {
  const [kernel] = await device.compile([mix]);
  const [x, y] = [device.allocate(4 * n, "x"), device.allocate(4 * n, "y")];
  device.write(x, Uint32Array.from({ length: n }, (_, i) => i));
  const program = device.prepare(Array.from({ length: depth }, (_, k): Invocation => ({
    kernel: kernel!,
    label: `mix ${k}`,
    buffers: { x: { buffer: k % 2 ? y : x }, y: { buffer: k % 2 ? x : y } },
    constants: { shift: 7 * k + 1 },
  })));
  return { program, out: depth % 2 ? y : x, free: () => [x, y].forEach(device.free) };
}

gpuTest("a chain of dependent invocations is exact, in one submission with its read", async () => {
  const gpu = await watchedGpu();
  const device = await openWebgpuDevice({ gpu });
  const [n, depth] = [70_000, 12];
  let expected = Uint32Array.from({ length: n }, (_, i) => i);
  for (let k = 0; k < depth; k++) expected = mixed(expected, 7 * k + 1);
  const { program, out } = await mixChain(device, n, depth);
  gpu.counts.submits = 0;
  const read = { buffer: out, offset: 4 * (n - 9), bytes: 36 };
  const bytes = await device.run(program, header(n), read);
  assertEquals(new Uint32Array(bytes.buffer), expected.subarray(n - 9));
  assertEquals(gpu.counts, {
    ...{ submits: 1, dispatches: depth, bindGroups: depth, pipelines: 1, exhausted: false },
  });
  // Empty grids are not encoded, and bind groups are made once.
  await device.run(program, header(0));
  await device.run(program, header(5));
  assertEquals([gpu.counts.dispatches, gpu.counts.bindGroups], [2 * depth, depth]);
  device.close();
});

gpuTest("constants of each type and the step reach the kernel", async () => {
  const device = await testWebgpu();
  const y = device.allocate(36, "y");
  const [kernel] = await device.compile([echo]);
  const constants = { a: 4294967295, b: -5, c: 0.1 };
  const buffers = { y: { buffer: y } };
  const program = device.prepare([{ kernel: kernel!, label: "echo", buffers, constants }]);
  await device.run(program, header(1, 2, 3, 4, 5, 6));
  const out = await words(device, y);
  assertEquals(out[0], 4294967295);
  assertEquals(new Int32Array(out.buffer)[1], -5);
  assertEquals(new Float32Array(out.buffer)[2], Math.fround(0.1));
  assertEquals([...out.subarray(3)], [1, 2, 3, 4, 5, 6]);
  device.free(y);
});

gpuTest("runs, writes and copies take effect in the order they are asked for", async () => {
  const device = await testWebgpu();
  const [kernel] = await device.compile([mix]);
  const [x, y] = [device.allocate(4, "x"), device.allocate(8, "y")];
  const buffers = { x: { buffer: x }, y: { buffer: y } };
  const program = device.prepare([{
    kernel: kernel!,
    label: "mix",
    buffers,
    constants: { shift: 0 },
  }]);
  // Nothing is awaited in between.
  device.write(x, Uint32Array.of(1));
  const first = device.run(program, header(1));
  device.copy(y, { from: 0, to: 4, bytes: 4 });
  device.write(x, Uint32Array.of(2));
  const second = device.run(program, header(1));
  device.write(x, Uint32Array.of(3));
  assertEquals([...await words(device, y)], [65, 33]);
  await Promise.all([first, second]);
  // A copy is of what was there before a later write, and a buffer may go while one waits.
  device.copy(y, { from: 0, to: 4, bytes: 4 });
  device.write(y, Uint32Array.of(7));
  assertEquals([...await words(device, y)], [7, 65]);
  device.copy(y, { from: 0, to: 4, bytes: 4 });
  device.free(x);
  device.free(y);
});

gpuTest(
  "a program follows reserved buffers that move, and remakes only their bind groups",
  async () => {
    const gpu = await watchedGpu();
    const device = await openWebgpuDevice({ gpu });
    const [kernel] = await device.compile([mix]);
    const [x, y] = [device.reserve(1 << 20, "x"), device.allocate(64, "y")];
    const z = device.allocate(64, "z");
    device.commit(x, 0, 64);
    device.write(x, new Uint32Array(16).fill(1));
    const of = (from: typeof x, to: typeof x): Invocation => ({
      ...{ kernel: kernel!, label: "mix", constants: { shift: 0 } },
      buffers: { x: { buffer: from }, y: { buffer: to } },
    });
    const program = device.prepare([of(x, y), of(y, z)]);
    await device.run(program, header(16));
    device.commit(x, 500_000, 4);
    await device.run(program, header(16));
    assertEquals(gpu.counts.bindGroups, 3);
    assertEquals(await words(device, y), new Uint32Array(16).fill(33));
    device.discard(x, 8192, (1 << 20) - 8192);
    await device.run(program, header(16));
    assertEquals(gpu.counts.bindGroups, 4);
    assertEquals(await words(device, z), new Uint32Array(16).fill(32 * 33 + 1));
    device.close();
  },
);

gpuTest("identical texts are compiled once, in whatever call", async () => {
  const gpu = await watchedGpu();
  const device = await openWebgpuDevice({ gpu });
  const seen: string[] = [];
  const kernels = await device.compile([mix, echo, mix], ({ done, total, name }) => {
    seen.push(`${done}/${total}`, name);
  });
  assertEquals(kernels.map(({ entry }) => entry.signature.name), ["mix", "echo", "mix"]);
  assertEquals(seen.toSorted(), ["1/2", "2/2", "echo", "mix"]);
  await device.compile([echo]);
  assertEquals(gpu.counts.pipelines, 2);
  device.close();
});

gpuTest("compile refuses what the adapter cannot run, and says so", async () => {
  const device = await testWebgpu();
  const refuse = async (request: KernelRequest, message: string, hint: string) => {
    const error = await assertRejects(() => device.compile([request]), KerfError, message);
    assertEquals(error.hints, [hint]);
  };
  const { entry } = mix;
  await refuse(
    { ...mix, entry: { ...entry, sources: {} } },
    "no WGSL source",
    "deno task gen --target wgsl",
  );
  const shared = "var<workgroup> much: array<vec4<f32>, 65536u / 4u>;";
  await refuse(
    { ...mix, text: `${shared}\n${mix.text}` },
    "its work groups share more than",
    "--device cpu",
  );
  const bindings = Array.from({ length: 99 }, (_, i) => ({
    ...entry.signature.bindings[0]!,
    name: `x${i}`,
  }));
  const signature = { ...entry.signature, bindings };
  await refuse({ ...mix, entry: { ...entry, signature } }, "it binds 99 storage", "--device cpu");
  await refuse(
    { ...mix, text: mix.text.replace("31u", "nothing") },
    "mix.wgsl:10:",
    "deno task gen",
  );
});

gpuTest("prepare names kernel, label and what is wrong", async () => {
  const device = await openWebgpuDevice({ maxBindingBytes: 1024 });
  const [kernel] = await device.compile([mix]);
  const [x, y] = [device.allocate(1024, "x"), device.allocate(64, "y")];
  const good: Invocation = {
    ...{ kernel: kernel!, label: "layer 3 · mix", constants: { shift: 0 } },
    buffers: { x: { buffer: x }, y: { buffer: y } },
  };
  const fails = (invocation: Partial<Invocation>, message: string) =>
    assertThrows(() => device.prepare([{ ...good, ...invocation }]), TypeError, message);
  const at = 'Cannot prepare kernel "mix" for "layer 3 · mix": ';
  fails({ buffers: { x: { buffer: x } } }, `${at}buffer "y" is missing`);
  fails({ buffers: { ...good.buffers, z: { buffer: x } } }, `${at}it has no buffer "z"`);
  fails({ buffers: { ...good.buffers, step: { buffer: x } } }, `${at}buffer "step" is the`);
  fails({ buffers: { x: { buffer: x, offset: 4 }, y: { buffer: y } } }, "starts at 4");
  fails({ buffers: { x: { buffer: x }, y: { buffer: x } } }, '"x" and "y" are one buffer');
  fails({ constants: {} }, `${at}constant "shift" is missing`);
  fails({ constants: { shift: -1 } }, `${at}constant "shift" is -1, which is no u32`);
  fails({ constants: { shift: 0, other: 1 } }, `${at}it has no constant "other"`);
  fails({ kernel: { entry: mix.entry } }, `${at}it was not compiled here`);
  const foreign = { buffer: { label: "foreign", bytes: 64 } };
  fails({ buffers: { ...good.buffers, x: foreign } }, "it was freed or is not");
  const large = device.allocate(1028, "large");
  const program = device.prepare([{ ...good, buffers: { ...good.buffers, x: { buffer: large } } }]);
  await assertRejects(() => device.run(program, header(1)), KerfError, 'for buffer "large"');
  device.close();
});

gpuTest("run refuses programs, steps and grids that cannot be", async () => {
  const device = await openWebgpuDevice({ longestAxis: 8 });
  const { program } = await mixChain(device, 100, 1);
  await assertRejects(() => device.run(program, new Uint32Array(5)), RangeError, "5 fields");
  await assertRejects(() => device.run(program, header(65)), RangeError, "too many items");
  await device.run(program, header(64));
  const other = await testWebgpu();
  await assertRejects(() => other.run(program, header()), TypeError, "another device");
  device.close();
  device.close();
  await assertRejects(() => device.run(program, header()), TypeError, "closed");
});

gpuTest("what the GPU finds wrong later is the next read's error", async () => {
  const device = await openWebgpuDevice();
  const { program, out, free } = await mixChain(device, 4, 1);
  await device.run(program, header(4));
  free();
  const alive = device.allocate(4, "alive");
  // Its bind groups hold memory that is gone.
  await device.run(program, header(4));
  const error = await assertRejects(() => device.read(alive, 0, 4), Error, "WebGPU: ");
  assert(!(error instanceof KerfError), "a bug here is no user's error");
  await assertRejects(() => device.read(out, 0, 4), TypeError, "freed");
  device.close();
});

gpuTest("a lost device is an error that says what to do", async () => {
  const gpu = await watchedGpu();
  const lose = Promise.withResolvers<GPUDeviceLostInfo>();
  Object.defineProperty(gpu.device, "lost", { value: lose.promise });
  const device = await openWebgpuDevice({ gpu });
  const buffer = device.allocate(4, "x");
  lose.resolve({ reason: "destroyed", message: "hung" } as GPUDeviceLostInfo);
  const error = await assertRejects(
    () => device.read(buffer, 0, 4),
    KerfError,
    "gave the device up",
  );
  assertEquals(error.hints, ["run it again", "--device cpu"]);
  device.close();
});

gpuTest("a process that leaves its device open ends well", async () => {
  const { code, stderr } = await runChild(
    `import { openWebgpuDevice } from "${projectUrl("src/device/webgpu/device.ts")}";
     const device = await openWebgpuDevice();
     const x = device.allocate(64, "x");
     await device.read(x, 0, 64);`,
    { env: {}, permissions: ["--allow-env", `--allow-read=${new URL(projectUrl("")).pathname}`] },
  );
  assertEquals({ code, stderr }, { code: 0, stderr: "" });
});
