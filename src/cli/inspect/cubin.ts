/** What ptxas makes of a kernel, per architecture: registers, spills, memory. Needs a compiler, not a GPU. */

import { join } from "@std/path";
import { formatBytes } from "../../core/bytes.ts";
import { compileCuda, findCudaToolchain, readCubinResources } from "../../build/mod.ts";
import type { CubinResources } from "../../build/mod.ts";
import type { KernelEntry } from "../../core/manifest.ts";
import { surveyCuda } from "../../device/survey.ts";
import { cacheDir } from "../../sys/cache_dir.ts";

/** A kernel's resources by architecture, or why they are not known. */
export interface CubinReport {
  /** By architecture; null without a compiler. */
  readonly arches: Readonly<Record<string, CubinResources>> | null;
  /** `NVRTC 13.0.88`. */
  readonly compiler: string | undefined;
}

/** The architectures always shown: the oldest that kernels are written for, and one of today's. */
const ARCHES = ["sm_80", "sm_90"];

/** These, and that of this machine's GPU. */
async function shownArches(): Promise<string[]> {
  const { facts } = await surveyCuda();
  const own = facts.filter(({ name }) => name === "arch").map(({ value }) => String(value));
  return [...new Set([...ARCHES, ...own])].sort();
}

/** Compiles a kernel for every architecture and reads what ptxas said. */
export async function cubinReport(
  { signature, sources }: KernelEntry,
  { text, defines }: {
    readonly text: string;
    readonly defines: Readonly<Record<string, number>>;
  },
): Promise<CubinReport> {
  const toolchain = await findCudaToolchain(cacheDir());
  if (toolchain === undefined) return { arches: null, compiler: undefined };
  const options = { toolchain, dir: join(cacheDir(), "cuda") };
  const file = sources.cuda!.file;
  const rows = await Promise.all((await shownArches()).map(async (arch) => {
    const path = await compileCuda({ name: signature.name, text, file, arch, defines }, options);
    return [arch, await readCubinResources(path, signature.name)] as const;
  }));
  const compiler = `${toolchain.kind === "nvrtc" ? "NVRTC" : "nvcc"} ${toolchain.version}`;
  return { arches: Object.fromEntries(rows), compiler };
}

/** The report as a table; without a compiler, what is missing and how to get it. */
export function reportLines({ arches, compiler }: CubinReport): string[] {
  if (arches === null) {
    return ["  ptxas     unknown, neither NVRTC nor nvcc is here: deno task setup cuda"];
  }
  const cells = [
    ["ptxas", "registers", "spills", "stack", "shared", "constant"],
    ...Object.entries(arches).map(([arch, r]) => [
      arch,
      String(r.registers),
      r.spillStoreBytes + r.spillLoadBytes === 0
        ? "none"
        : `${r.spillStoreBytes} + ${r.spillLoadBytes} B`,
      `${r.stackBytes} B`,
      formatBytes(r.sharedBytes),
      formatBytes(r.constantBytes),
    ]),
  ];
  const widths = cells[0]!.map((_, c) => Math.max(...cells.map((row) => row[c]!.length)));
  const rows = cells.map((row) =>
    "  " +
    row.map((cell, c) => c === 0 ? cell.padEnd(9) : ` ${cell.padStart(widths[c]!)} `).join("")
      .trimEnd()
  );
  return [
    ...rows,
    `  (${compiler}; registers, spills (stores + loads) and stack of a thread, shared of a block)`,
  ];
}
