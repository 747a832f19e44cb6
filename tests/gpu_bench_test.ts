/**
 * The benchmark for machines with a GPU, as far as it goes without one: the script and all it runs, in little,
 * on emulated CUDA; what it does about wrong results and too little memory; the size of its bundle.
 */

import { assert, assertEquals, assertRejects } from "@std/assert";
import { dirname, join } from "@std/path";
import { measureAttention } from "../bench/gpu/attention.ts";
import { gpuBench } from "../bench/gpu/main.ts";
import type { GpuReport } from "../bench/gpu/main.ts";
import { TINY } from "../bench/gpu/shapes.ts";
import { NVRTC_VERSION } from "../src/build/nvrtc.ts";
import { CudaError } from "../src/device/cuda/error.ts";
import { openCpuDevice, OutOfMemory } from "../src/device/mod.ts";
import type { Device } from "../src/device/mod.ts";
import { testFolder } from "../src/model/testing_files.ts";
import { projectRoot } from "../src/sys/cache_dir.ts";

const SCRIPT = join(projectRoot(), "bench/gpu.sh");

async function runScript(args: readonly string[], env: Readonly<Record<string, string>>) {
  const path = `${dirname(Deno.execPath())}:${Deno.env.get("PATH")}`;
  const { code, stdout, stderr } = await new Deno.Command(SCRIPT, {
    args: [...args],
    env: { ...env, PATH: path },
  }).output();
  const decoder = new TextDecoder();
  return { code, stdout: decoder.decode(stdout), stderr: decoder.decode(stderr) };
}

/** Every figure of a report is one, and every case is there. */
function assertComplete({ failed, copy, attention, models, skipped }: GpuReport): void {
  assertEquals([failed, skipped], [null, []]);
  assertEquals(attention.length, TINY.contexts.length * TINY.ratios.length);
  assertEquals(models.length, 2 * 3);
  const figures = [
    ...[copy!.ms, copy!.bytesPerSecond],
    ...attention.flatMap((a) => [a.ms, a.bytesPerSecond, a.ofCopy, a.storedBytes]),
    ...models.flatMap((m) => [m.ms, m.tokensPerSecond, m.kv.storedBytes]),
  ];
  assert(figures.every((x) => Number.isFinite(x) && x > 0), `figures: ${figures}`);
  for (const { ratio, storedBytes, denseBytes, compressMs } of attention) {
    assertEquals(storedBytes < denseBytes, ratio > 0);
    assertEquals(compressMs > 0, ratio > 0);
  }
}

Deno.test("bench/gpu.sh: verifies and measures on emulated CUDA and leaves JSON", async () => {
  await using folder = await testFolder();
  const { code, stdout, stderr } = await runScript(["--tiny", folder.path], {
    KERF_CUDA: "emulated",
  });
  assertEquals(code, 0, stderr + stdout);
  const json = async (name: string) => JSON.parse(await Deno.readTextFile(join(folder.path, name)));
  const verified = await json("verify.json");
  assert(verified.passed && verified.checks.length > 0);
  const report = await json("gpu.json");
  assertComplete(report);
  assert(report.device.includes("emulated"), report.device);
});

Deno.test("a GPU benchmark runs on any device", async () => {
  const lines: string[] = [];
  const saved: GpuReport[] = [];
  const report = await gpuBench({
    open: () => openCpuDevice({ threads: 2 }),
    sizes: TINY,
    commit: "abc",
    print: (line) => lines.push(line),
    save: (report) => Promise.resolve(void saved.push(report)),
  });
  assertComplete(report);
  assertEquals(saved.at(-1), report);
  // The copy, every attention, every model, the end: one more each time, and not done before the last.
  const counts = saved.map(({ attention, models }) => attention.length + models.length);
  assertEquals(counts, [0, 1, 2, 3, 4, 7, 10, 10]);
  assert(saved.slice(0, -1).every(({ failed }) => failed === "unfinished"));
  assert(lines.some((line) => line.includes("decode attention at 300, ratio 0.5")));
});

/** The CPU with something changed. */
const openChanged = (change: (device: Device) => Partial<Device>) => async (): Promise<Device> => {
  const device = await openCpuDevice({ threads: 1 });
  return { ...device, ...change(device) };
};

Deno.test("attention that is wrong is not timed", async () => {
  const open = openChanged((device) => ({
    run: async (...step) => {
      const bytes = await device.run(...step);
      new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4).fill(NaN, -1);
      return bytes;
    },
  }));
  const options = { context: 80, ratio: 0, readBytes: 1, nRuns: 1 };
  await assertRejects(() => measureAttention(open, TINY.shapes[0]!, options), Error, "nothing was");
});

/** A device that refuses a buffer with this error. */
const openRefusing = (error: Error) =>
  openChanged((device) => ({
    allocate: (bytes, label) => {
      if (label !== "partials") return device.allocate(bytes, label);
      throw error;
    },
  }));

Deno.test("a kernel that fails ends the benchmark, is nothing to leave out, and loses nothing", async () => {
  const error = new CudaError("cuStreamQuery: CUDA_ERROR_ILLEGAL_ADDRESS (stray)", 700);
  const options = { open: openRefusing(error), sizes: TINY, commit: "abc", print() {} };
  let saved!: GpuReport;
  const save = (report: GpuReport) => Promise.resolve(void (saved = report));
  await assertRejects(() => gpuBench({ ...options, save }), CudaError, "ILLEGAL_ADDRESS");
  assert(saved.copy!.ms > 0, "the copy is lost");
  assertEquals(saved.failed, {
    what: `tiny, decode attention at ${TINY.contexts[0]}, ratio ${TINY.ratios[0]}`,
    why: error.message,
  });
});

Deno.test("what the GPU has no memory for is left out by name", async () => {
  const open = openRefusing(new OutOfMemory("Cannot allocate: no memory"));
  const sizes = { ...TINY, contexts: [80], ratios: [0.5] };
  const save = () => Promise.resolve();
  const report = await gpuBench({ open, sizes, commit: "abc", print() {}, save });
  assertEquals(report.failed, null);
  assertEquals([report.attention, report.models], [[], []]);
  assertEquals(report.skipped.map(({ what }) => what), [
    "tiny, decode attention at 80, ratio 0.5",
    "tiny, --prune none",
    "tiny, --prune think:ratio=0.5",
  ]);
});

/** What the script compresses Deno 2.9.6 and NVRTC 13.0.88 to, which takes minutes. */
const DENO_BYTES = 28_868_748;
const NVRTC_BYTES = 28_827_064;

/** A bundle whose programs are compressed already, with these sizes. */
async function bundle(folder: string, denoBytes: number) {
  const dir = join(folder, "bundle");
  const libraries = join(folder, "cache/nvrtc", NVRTC_VERSION);
  await Deno.mkdir(libraries, { recursive: true });
  await Deno.writeTextFile(join(libraries, "libnvrtc.so.13"), "");
  await Deno.mkdir(dir, { recursive: true });
  for (const [name, bytes] of [["deno.xz", denoBytes], ["nvrtc.tar.xz", NVRTC_BYTES]] as const) {
    await Deno.writeTextFile(join(dir, name), "");
    await Deno.truncate(join(dir, name), bytes);
    const soon = Date.now() / 1000 + 1;
    await Deno.utime(join(dir, name), soon, soon);
  }
  const result = await runScript(["bundle", dir], { KERF_CACHE: join(folder, "cache") });
  return { ...result, files: [...Deno.readDirSync(dir)].map(({ name }) => name).sort() };
}

Deno.test("the bundle has at most 60 MiB, and says so when it has more", async () => {
  assertEquals(NVRTC_VERSION, "13.0.88", "measure NVRTC_BYTES again: bench/gpu.sh bundle DIR");
  await using folder = await testFolder();
  const fits = await bundle(folder.path, DENO_BYTES);
  assertEquals(fits.code, 0, fits.stderr);
  assertEquals(fits.files, ["commit", "deno.xz", "gpu.sh", "kerf.tar.xz", "nvrtc.tar.xz"]);
  const large = await bundle(folder.path, DENO_BYTES + 2 ** 24);
  assertEquals(large.code, 1);
  assert(large.stderr.startsWith("error: The bundle is too large"), large.stderr);
});
