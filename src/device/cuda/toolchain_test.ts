/**
 * Which compiler and which cuBLAS are taken for a driver; nvcc is a script of the test's, the libraries are
 * empty files, in a process with its own variables.
 */

import { assertEquals } from "@std/assert";
import { testFolder } from "../../model/testing_files.ts";
import { projectUrl, runChild } from "../../sys/testing.ts";
import { freshDriver } from "./testing.ts";
import { majorOf } from "./toolchain.ts";

const CODE = (path: string, version: number) => `
  import { openLibrary } from ${JSON.stringify(projectUrl("src/sys/library.ts"))};
  import { suitedCublas, suitedToolchain } from ${
  JSON.stringify(projectUrl("src/device/cuda/toolchain.ts"))
};
  const path = ${JSON.stringify(path)};
  openLibrary(path, { kerf_driver_set: { parameters: ["buffer", "u64"], result: "void" } })
    .kerf_driver_set(new TextEncoder().encode("version\\0"), ${version}n);
  const { kind, version } = await suitedToolchain({ kind: "nvrtc", version: "13.0.88" }, path);
  console.log(JSON.stringify({ compiler: \`\${kind} \${version}\`, cublas: suitedCublas(path) ?? null }));`;

/** What a driver of this version gets. */
async function suited(
  options: { path: string; version: number; env: Record<string, string> },
): Promise<{ compiler: string; cublas: string | null }> {
  const { path, version, env } = options;
  const { stdout, stderr } = await runChild(CODE(path, version), { env });
  assertEquals(stderr, "");
  return JSON.parse(stdout);
}

Deno.test("nvcc takes NVRTC's place where the driver is older, and nvcc is not newer", async () => {
  const { path } = await freshDriver();
  await using folder = await testFolder();
  const chosen = async (driver: number, nvcc: string) => {
    await Deno.writeTextFile(
      `${folder.path}/nvcc`,
      `#!/bin/sh\necho "Cuda compilation tools, release ${nvcc}, V${nvcc}.131"\n`,
      { mode: 0o755 },
    );
    const PATH = `${folder.path}:${Deno.env.get("PATH")}`;
    return (await suited({ path, version: driver, env: { PATH } })).compiler;
  };
  assertEquals(await chosen(13000, "12.4"), "nvrtc 13.0.88");
  assertEquals(await chosen(12040, "12.8"), "nvcc V12.8.131");
  assertEquals(await chosen(12040, "13.0"), "nvrtc 13.0.88");
});

Deno.test("cuBLAS is the newest that the driver runs, or the one that is named", async () => {
  const { path } = await freshDriver();
  await using folder = await testFolder();
  const newer = await folder.write("libcublas.so.13", new Uint8Array(4));
  const older = await folder.write("libcublas.so.12", new Uint8Array(4));
  const chosen = async (version: number, given = "") => {
    const env = { LD_LIBRARY_PATH: folder.path, KERF_LIBCUBLAS: given };
    return (await suited({ path, version, env })).cublas;
  };
  assertEquals(await chosen(13010), newer);
  assertEquals(await chosen(12040), older);
  assertEquals(await chosen(12040, newer), newer);
  assertEquals(await chosen(13000, "none"), null);
  await Deno.remove(older);
  assertEquals(await chosen(12040), null);
});

Deno.test("versions by their major part", () => {
  assertEquals(["V13.0.88", "12.4", "13", ""].map(majorOf), [13, 12, 13, 0]);
});
