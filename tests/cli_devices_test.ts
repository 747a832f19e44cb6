/**
 * Devices from outside: which one runs, and what a person reads when one cannot be used or fails. GPUs fail
 * on request in the emulated driver, whose calls and properties a test can set before the command runs.
 */

import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { cudaDriverPath } from "../src/device/cuda/driver_path.ts";
import { cacheDir } from "../src/sys/cache_dir.ts";
import { findCudaToolchain } from "../src/build/mod.ts";
import { testFolder } from "../src/model/testing_files.ts";
import { projectUrl, runChild } from "../src/sys/testing.ts";
import { kerf, tinyModelFile } from "./_cli.ts";

/** One screen: `error:`, one sentence, at most a place and a few hints, no trace, nothing on stdout. */
function assertScreen(
  { code, stdout, stderr }: { code: number; stdout: string; stderr: string },
  expected: { message: RegExp; hints: readonly RegExp[] },
): void {
  assertEquals({ code, stdout }, { code: 1, stdout: "" }, stderr);
  const text = stderr.slice(stderr.indexOf("error: "));
  assertMatch(text, expected.message);
  const hints = text.split("\n").filter((line) => line.startsWith("hint: "));
  assert(hints.length <= 4, text);
  for (const hint of expected.hints) {
    assert(hints.some((line) => hint.test(line)), `no hint is ${hint}:\n${text}`);
  }
  assert(text.split("\n").length < 10 && !/^ {4}at |Uncaught/m.test(stderr), stderr);
}

/** Runs a command line on the emulated GPU after `prepare`, which sees it as `driver`. */
async function onEmulated(prepare: string, words: readonly string[]) {
  const code = `
    import { loadEmulatedDriver } from
      "${projectUrl("src/device/cuda/emulator/emulated_driver.ts")}";
    import { runCommandLine } from "${projectUrl("src/cli/main.ts")}";
    import { cacheDir } from "${projectUrl("src/sys/cache_dir.ts")}";
    const driver = await loadEmulatedDriver(cacheDir() + "/emulated");
    ${prepare}
    Deno.exit(await runCommandLine(${JSON.stringify(words)}));`;
  return await runChild(code, { env: { KERF_CUDA: "emulated" } });
}

Deno.test("a GPU that will not do says what it is and what to install", async () => {
  await using folder = await testFolder();
  const words = ["run", "-m", await tinyModelFile(folder), "--device", "cuda", "hi"];
  const screens: [string, RegExp, RegExp[]][] = [
    [
      'driver.set("version", 11080);',
      /its driver runs CUDA 11\.8, and .* CUDA 13\.0 and newer/,
      [/install a driver for CUDA 13\.0 or newer: https:/, /--device cpu/],
    ],
    [
      'driver.set("devices", 0);',
      /NVIDIA's driver is there and sees none/,
      [/nvidia-smi/, /CUDA_VISIBLE_DEVICES/],
    ],
    [
      'driver.set("major", 7);',
      /its compute capability is 7\.0, and kernels need 8\.0 or newer/,
      [/--device webgpu/, /--device cpu/],
    ],
  ];
  for (const [prepare, message, hints] of screens) {
    assertScreen(await onEmulated(prepare, words), { message, hints });
  }
});

Deno.test("a GPU without memory says how much was asked, how much there is, which flag to lower", async () => {
  await using folder = await testFolder();
  const words = ["run", "-m", await tinyModelFile(folder), "--device", "cuda", "hi"];
  const message =
    /Cannot \w+.* buffer "[^"]+": .*: [\d.]+ [KM]iB asked, [\d.]+ \w+ of [\d.]+ \w+ free/;
  const hints = [/-c \d+/, /--kv-max|-ub/];
  // At once, and where the cache is given its first page.
  for (const prepare of ['driver.set("memory", 1 << 20);', 'driver.fail("cuMemCreate", 1, 2);']) {
    assertScreen(await onEmulated(prepare, words), { message, hints });
  }
});

Deno.test("a kernel that fails on the GPU is an error by the driver's name for it", async () => {
  await using folder = await testFolder();
  const words = ["run", "-m", await tinyModelFile(folder), "--device", "cuda", "hi"];
  const screen = await onEmulated('driver.fail("cuStreamQuery", 1, 700);', words);
  assertScreen(screen, {
    message: /cuStreamQuery: CUDA_ERROR_ILLEGAL_ADDRESS/,
    hints: [/deno task verify --device cuda/],
  });
});

Deno.test("a GPU answers through the launcher's permissions, and says that -t is not for it", async () => {
  await using folder = await testFolder();
  const words = ["run", "-m", await tinyModelFile(folder), "-n", "4", "--raw", "to be"];
  const onCpu = await kerf(words);
  const env = { KERF_CUDA: "emulated" };
  const { code, stdout, stderr } = await kerf([...words, "--device", "cuda", "-t", "3"], { env });
  assertEquals({ code, stdout }, { code: 0, stdout: onCpu.stdout }, stderr);
  assertMatch(stderr, /^-t has no effect on cuda \(emulated GPU, sm_80\)$/m);
  assertMatch(stderr, /^cuda \(emulated GPU, sm_80\): \d+ prompt tokens/m);
});

Deno.test("activations that a device has no kernels for are refused by its name", async () => {
  await using folder = await testFolder();
  const words = ["run", "-m", await tinyModelFile(folder), "--device", "cuda"];
  const env = { KERF_CUDA: "emulated" };
  const { code, stderr } = await kerf([...words, "--activations", "q8", "hi"], { env });
  const message = "error: Cannot multiply with q8 activations on cuda (emulated GPU, sm_80): ";
  assertEquals({ code, stderr }, {
    code: 2,
    stderr: `${message}it has f32\nhint: --activations f32\n`,
  });
});

Deno.test("without a compiler for CUDA, setup is the way", async () => {
  await using folder = await testFolder();
  const words = ["run", "-m", await tinyModelFile(folder), "--device", "cuda", "hi"];
  const env = { PATH: folder.path, KERF_CACHE: folder.path, KERF_LIBCUDA: "/nowhere/libcuda.so.1" };
  assertScreen(await kerf(words, { env }), {
    message: /neither NVRTC nor nvcc was found/,
    hints: [/deno task setup cuda/],
  });
});

Deno.test("a driver's library that does not load is named", async () => {
  await using folder = await testFolder();
  const words = ["run", "-m", await tinyModelFile(folder), "--device", "cuda", "hi"];
  const KERF_LIBCUDA = await folder.write("libcuda.so.1", "no library");
  const hasCompiler = await findCudaToolchain(cacheDir()) !== undefined;
  assertScreen(await kerf(words, { env: { KERF_LIBCUDA } }), {
    message: hasCompiler
      ? /Cannot load the library ".*libcuda\.so\.1": /
      : /neither NVRTC nor nvcc/,
    hints: [hasCompiler ? /install NVIDIA's driver/ : /deno task setup cuda/],
  });
});

Deno.test({
  name: "without NVIDIA's driver, its address is named",
  ignore: cudaDriverPath() !== undefined,
  fn: async () => {
    await using folder = await testFolder();
    const words = ["run", "-m", await tinyModelFile(folder), "--device", "cuda", "hi"];
    assertScreen(await kerf(words), {
      message: /NVIDIA's driver library libcuda\.so\.1 was not found/,
      hints: [/https:\/\/www\.nvidia\.com\/drivers/, /KERF_LIBCUDA=/, /--device cpu/],
    });
  },
});

Deno.test({
  name: "without a graphics driver, the package that brings one is named",
  ignore: Deno.build.os !== "linux",
  fn: async () => {
    await using folder = await testFolder();
    const words = ["run", "-m", await tinyModelFile(folder), "--device", "webgpu", "hi"];
    const env = { VK_DRIVER_FILES: "/nowhere", VK_ICD_FILENAMES: "/nowhere" };
    assertScreen(await kerf(words, { env }), {
      message: /Cannot open the device "webgpu": no graphics driver offers an adapter/,
      hints: [/sudo apt-get install mesa-vulkan-drivers/, /--device cpu/],
    });
  },
});

Deno.test("--device auto says which device it took and why, and -q says nothing", async () => {
  await using folder = await testFolder();
  const model = await tinyModelFile(folder);
  const { devices, auto } = JSON.parse((await kerf(["inspect", "devices", "--json"])).stdout);
  const { because } = devices.find((device: { state: string }) => device.state !== "ready") ?? {};
  const words = ["run", "-m", model, "--device", "auto", "-n", "1", "--raw", "hi"];
  const { code, stdout, stderr } = await kerf(words);
  assertEquals(code, 0, stderr);
  assertMatch(stderr, new RegExp(`^device: ${auto} \\(.*\\); `, "m"));
  assertStringIncludes(stderr, auto === devices[0].kind ? "goes first" : because);
  assertEquals(await kerf([...words, "-q"]), { code: 0, stdout, stderr: "" });
});

Deno.test("inspect devices fits a terminal and has a way out for what cannot be used", async () => {
  const { code, stdout, stderr } = await kerf(["inspect", "devices"]);
  assertEquals({ code, stderr }, { code: 0, stderr: "" });
  const lines = stdout.trimEnd().split("\n");
  assertEquals(lines.filter((line) => line.length > 80), []);
  assertMatch(lines.at(-1)!, /^--device auto takes (cuda|webgpu|cpu)$/);
  const { devices } = JSON.parse((await kerf(["inspect", "devices", "--json"])).stdout);
  assertEquals(devices.map(({ kind }: { kind: string }) => kind), ["cuda", "webgpu", "cpu"]);
  for (const { kind, name, state, fix } of devices) {
    assertStringIncludes(stdout, state === "missing" ? `${kind} cannot be used: ` : name);
    for (const hint of fix) assertStringIncludes(stdout, `  hint: ${hint}\n`);
  }
  const slip = await kerf(["inspect", "devices"], { env: { KERF_CUDA: "emulate" } });
  assertStringIncludes(
    slip.stdout,
    'cuda cannot be used: KERF_CUDA is "emulate", which is no kind',
  );
  const cpu = devices.at(-1);
  assertEquals(cpu.state, "ready");
  assert(cpu.memoryBytes > 2 ** 28 && cpu.freeMemoryBytes <= cpu.memoryBytes);
});

Deno.test({
  name: "inspect devices shows a GPU's limits, or why it cannot be used",
  ignore: await findCudaToolchain(cacheDir()) === undefined,
  fn: async () => {
    // The emulated driver in the place of the machine's.
    const found = 'Deno.env.delete("KERF_CUDA"); Deno.env.set("KERF_LIBCUDA", driver.path);' +
      'Deno.env.set("KERF_LIBCUBLAS", driver.path);';
    const words = ["inspect", "devices", "--json"];
    const { stdout, stderr } = await onEmulated(`${found} driver.set("major", 9);`, words);
    const { devices: [cuda], auto } = JSON.parse(stdout);
    const { kind, name, state, arch, memoryBytes, driver, products } = cuda;
    assertEquals(
      { kind, name, state, arch, memoryBytes, driver, products, auto },
      {
        ...{ kind: "cuda", name: "cuda (emulated GPU, sm_90, cuBLAS 13.0)", state: "ready" },
        ...{ arch: "sm_90", memoryBytes: 8 * 2 ** 30, driver: "CUDA 13.0", auto: "cuda" },
        products: "cuBLAS 13.0",
      },
      stderr,
    );
    const without = `${found} Deno.env.set("KERF_LIBCUBLAS", "none");`;
    const screen = (await onEmulated(without, words.slice(0, 2))).stdout;
    assertMatch(screen, /^ {2}products +generated kernels$/m);
    const old = await onEmulated(`${found} driver.set("version", 11080);`, words.slice(0, 2));
    assertMatch(
      old.stdout,
      /^cuda cannot be used: its driver runs CUDA 11\.8, and \w+ [^\n]*\n {2}\S/,
    );
    assertMatch(old.stdout, /^ {2}hint: install a driver for CUDA \d+\.0 or newer: https:/m);
    assertEquals(old.stdout.split("\n").filter((line) => line.length > 80), []);
  },
});
