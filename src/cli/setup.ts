/**
 * `deno task setup [cuda|webgpu]`: says what this machine has of what Kerf can use, and the command that
 * fixes each gap. `setup cuda` also fetches NVRTC, which compiles faster than nvcc and needs no toolkit;
 * `setup webgpu` as root installs a graphics driver in software where there is none. Nothing else is
 * installed outside the cache.
 */

import { join } from "@std/path";
import { installNvrtc } from "../build/install_nvrtc.ts";
import { findNvcc } from "../build/nvcc.ts";
import { KerfError } from "../core/error.ts";
import { cacheDir } from "../sys/cache_dir.ts";
import { runDeno } from "../sys/deno.ts";
import type { ParsedArgs } from "./args.ts";
import { runCommandLine } from "./main.ts";
import { ROOT } from "./root.ts";
import { compiler, cuda, model, python, webgpu } from "./setup/findings.ts";
import type { Finding } from "./setup/findings.ts";
import { vulkanInstall } from "./setup/vulkan.ts";
import { wrap, writeError, writeOut } from "./terminal.ts";

/** Prints the findings asked for; 1 when what was asked for cannot be used. */
export async function main({ positionals }: ParsedArgs): Promise<number> {
  const [target, ...rest] = positionals;
  const known = target === undefined || target === "cuda" || target === "webgpu";
  if (!known || rest.length > 0) {
    throw new KerfError(`Cannot set up "${positionals.join(" ")}": it is cuda or webgpu`, {
      hint: "deno task setup cuda",
      exitCode: 2,
    });
  }
  if (target === "webgpu") return await setUpWebgpu();
  if (target === "cuda") return await setUpCuda();
  const all = [await compiler(), await python(), await model(), await webgpu(), ...await cuda()];
  print(all);
  // Everything else is a choice; without a C compiler there is no default device.
  return all[0]!.found === undefined ? 1 : 0;
}

/** Brings NVRTC; 0 once there is a CUDA compiler, since the GPU may be elsewhere. */
async function setUpCuda(): Promise<number> {
  const nvcc = await findNvcc();
  try {
    await installNvrtc({ cacheDir: cacheDir(), onStart: (what) => writeError(`${what}\n`) });
  } catch (error) {
    if (!(error instanceof KerfError) || nvcc === undefined) throw error;
    writeError(`${error.render()}\nnvcc compiles instead\n`);
  }
  print(await cuda());
  return 0;
}

/** Names the adapter; without one, installs a driver in software or says how. */
async function setUpWebgpu(): Promise<number> {
  const found = await webgpu();
  if (found.found !== undefined) return print([found]);
  const install = vulkanInstall({ has: isProgram, uid: Deno.uid() });
  if (install?.run === undefined || Deno.env.has(INSTALLED)) {
    return print([install === undefined ? found : { ...found, fix: [install.command] }]);
  }
  writeError(`no WebGPU adapter: ${install.command}\n`);
  const failure = await install.run();
  if (failure !== undefined) {
    throw new KerfError(`Cannot install a graphics driver:\n${failure}`, { hint: install.command });
  }
  // Only a new process sees the new driver.
  return await runDeno(
    ["run", "--quiet", "-A", join(ROOT, "src/cli/setup.ts"), "setup", "webgpu"],
    {
      cwd: ROOT,
      env: { [INSTALLED]: "1" },
    },
  );
}

/** Set for the process that looks again, so that it does not install again. */
const INSTALLED = "KERF_SETUP_INSTALLED";

function isProgram(name: string): boolean {
  return (Deno.env.get("PATH") ?? "").split(":").some((folder) => {
    try {
      return Deno.statSync(join(folder, name)).isFile;
    } catch {
      return false;
    }
  });
}

/** What fits any terminal. */
const WIDTH = 80;

function print(findings: readonly Finding[]): number {
  const column = Math.max(...findings.map(({ what }) => what.length)) + 2;
  for (const { what, found, why, fix } of findings) {
    const indent = " ".repeat(column);
    const state = found ?? `not found${why === "" ? "" : ` (${why})`}`;
    writeOut(wrap(what.padEnd(column) + state, WIDTH, indent) + "\n");
    if (found === undefined) writeOut(fix.map((line) => `${indent}hint: ${line}\n`).join(""));
  }
  return findings.every(({ found }) => found !== undefined) ? 0 : 1;
}

if (import.meta.main) Deno.exit(await runCommandLine(Deno.args, { main }));
