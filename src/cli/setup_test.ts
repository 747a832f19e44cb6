import { assert, assertEquals, assertMatch } from "@std/assert";
import { projectRoot } from "../sys/cache_dir.ts";
import { runCommand } from "../sys/command.ts";
import { vulkanInstall } from "./setup/vulkan.ts";

/** Runs the command in its own process, where PATH and cache are the test's. */
async function setup(words: readonly string[], env: Record<string, string>) {
  const denoDir = Deno.env.get("DENO_DIR");
  const args = ["run", "--quiet", "--no-check", "-A", "src/cli/setup.ts", "setup", ...words];
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
    assertMatch(stdout, /^NVIDIA GPU +(not found \(.+\)|cuda \(.+\), driver for CUDA [\d.]+$)/m);
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

/** No Vulkan driver, whatever is installed. */
const NO_DRIVER = { VK_DRIVER_FILES: "/nowhere", VK_ICD_FILENAMES: "/nowhere" };

Deno.test({
  name: "setup webgpu without an adapter installs a driver as root, else says how",
  ignore: Deno.build.os !== "linux",
  fn: async () => {
    const folder = await Deno.makeTempDir();
    const fake = (exit: number) =>
      `#!/bin/sh\necho "$DEBIAN_FRONTEND $@" >> ${folder}/log\necho "no such server" >&2\nexit ${exit}\n`;
    const run = async (exit: number) => {
      await Deno.writeTextFile(`${folder}/apt-get`, fake(exit), { mode: 0o755 });
      return await setup(["webgpu"], { PATH: `${folder}:/bin:/usr/bin`, ...NO_DRIVER });
    };
    try {
      const { code, stdout, stderr } = await run(0);
      assertEquals(code, 1, "there is still no adapter");
      assertMatch(stdout, /^WebGPU +not found \(no graphics driver offers a WebGPU adapter\)\n/);
      const root = Deno.uid() === 0;
      const sudo = root ? "" : "sudo ";
      assertMatch(stdout, new RegExp(`hint: ${sudo}apt-get install -y mesa-vulkan-drivers\n$`));
      const log = await Deno.readTextFile(`${folder}/log`).catch(() => "");
      const asked = "noninteractive update\nnoninteractive install -y mesa-vulkan-drivers\n";
      assertEquals(log, root ? asked : "");
      assertEquals(
        stderr,
        root ? "no WebGPU adapter: apt-get install -y mesa-vulkan-drivers\n" : "",
      );
      if (!root) return;
      const failed = await run(100);
      assertEquals(failed.code, 1);
      assertMatch(
        failed.stderr,
        /error: Cannot install a graphics driver:\nno such server\nhint: apt-get/,
      );
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});

Deno.test("each package manager's driver, and sudo for who is not root", () => {
  const on = (...programs: string[]) => (uid: number) =>
    vulkanInstall({ has: (program) => programs.includes(program), uid });
  assertEquals(on("apt-get", "dnf")(1000)?.command, "sudo apt-get install -y mesa-vulkan-drivers");
  assertEquals(on("pacman")(1000)?.command, "sudo pacman -S vulkan-swrast");
  assertEquals(on("apt-get")(1000)?.run, undefined);
  assertEquals(on("dnf")(0)?.run, undefined, "only apt-get is tried");
  assertEquals(on("dnf")(0)?.command, "dnf install -y mesa-vulkan-drivers");
  assertEquals(on()(0), undefined);
});
