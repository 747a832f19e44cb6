import { assert, assertEquals, assertMatch } from "@std/assert";
import { projectRoot } from "../sys/cache_dir.ts";
import { runCommand } from "../sys/command.ts";

/** Runs the command in its own process, where PATH and cache are the test's. */
async function setup(words: readonly string[], env: Record<string, string>) {
  const denoDir = Deno.env.get("DENO_DIR");
  const args = ["run", "--quiet", "--no-check", "-A", "src/cli/main.ts", "setup", ...words];
  return await runCommand(Deno.execPath(), args, {
    cwd: projectRoot(),
    env: { ...(denoDir === undefined ? {} : { DENO_DIR: denoDir }), ...env },
  });
}

Deno.test("setup says what a bare machine lacks and what to type", async () => {
  const cache = await Deno.makeTempDir();
  try {
    const { code, stdout } = await setup([], { PATH: "/nowhere", KERF_CACHE: cache });
    assertEquals(code, 1, "without a C compiler there is no default device");
    for (const what of ["C compiler", "Python with pip", "default model", "NVRTC", "nvcc"]) {
      assertMatch(stdout, new RegExp(`^${what} +not found \\(.+\\)\\n +hint: .+`, "m"));
    }
    assert(stdout.includes("apt-get install gcc"), stdout);
    assert(stdout.includes("apt-get install python3-pip"), stdout);
    assert(stdout.includes("hint: deno task setup cuda"), stdout);
    assertMatch(stdout, /^WebGPU +(?!not found)|hint: sudo apt-get install mesa-vulkan-drivers/m);
  } finally {
    await Deno.remove(cache, { recursive: true });
  }
});

Deno.test("setup cuda without Python is an error with the command that installs it", async () => {
  const cache = await Deno.makeTempDir();
  try {
    const { code, stderr } = await setup(["cuda"], { PATH: "/nowhere", KERF_CACHE: cache });
    assertEquals(code, 1);
    assertMatch(stderr, /Cannot run "python3": it is not installed/);
    assertMatch(stderr, /hint: install Python 3 with pip: sudo apt-get install python3-pip/);
  } finally {
    await Deno.remove(cache, { recursive: true });
  }
});

Deno.test("setup of something else is a wrong command line", async () => {
  const { code, stderr } = await setup(["metal"], {});
  assertEquals(code, 2);
  assertMatch(stderr, /Cannot set up "metal": it is cuda or webgpu\nhint: deno task setup cuda/);
});
