/** Where the libraries are sought; in processes of their own, since it is the environment that says. */

import { assertEquals } from "@std/assert";
import { projectUrl, runChild } from "../../sys/testing.ts";
import { testFolder } from "../../model/testing_files.ts";

const CODE = `
  import { cudaDriverFiles, cudaDriverPath } from ${
  JSON.stringify(projectUrl("src/device/cuda/driver_path.ts"))
};
  console.log(JSON.stringify([cudaDriverPath(), cudaDriverFiles()]));`;

async function found(env: Record<string, string>, permissions?: readonly string[]) {
  const { stdout, stderr } = await runChild(CODE, { env, ...(permissions ? { permissions } : {}) });
  assertEquals(stderr, "");
  return JSON.parse(stdout);
}

Deno.test("the driver is where the environment says, its link resolved for permissions", async () => {
  await using folder = await testFolder();
  const real = await folder.write("libcuda.so.580.1", new Uint8Array(4));
  const link = real.replace("580.1", "1");
  await Deno.symlink(real, link);
  const dir = link.slice(0, link.lastIndexOf("/"));
  const resolved = await Deno.realPath(real);
  assertEquals(await found({ KERF_LIBCUDA: link }), [link, [link, resolved]]);
  assertEquals(await found({ LD_LIBRARY_PATH: `relative::${dir}` }), [link, [link, resolved]]);
  assertEquals(await found({ KERF_LIBCUDA: "/no/driver" }), ["/no/driver", ["/no/driver"]]);
});

Deno.test("a process that may read nothing but the variable finds what it is told", async () => {
  const permissions = ["--allow-env=KERF_LIBCUDA", `--allow-read=${Deno.cwd()}/src`];
  assertEquals(await found({ KERF_LIBCUDA: "/a/libcuda.so.1" }, permissions), [
    ...["/a/libcuda.so.1", ["/a/libcuda.so.1"]],
  ]);
});

Deno.test("every cuBLAS that is installed may be loaded, or the one that is named, or none", async () => {
  await using folder = await testFolder();
  const older = await folder.write("libcublas.so.12", new Uint8Array(4));
  const dir = older.slice(0, older.lastIndexOf("/"));
  const code = `
    import { cublasFiles, installedCublas } from ${
    JSON.stringify(projectUrl("src/device/cuda/cublas_path.ts"))
  };
    console.log(JSON.stringify([installedCublas(), cublasFiles()]));`;
  const found = async (env: Record<string, string>, permissions = ["--allow-all"]) => {
    const options = { env: { LD_LIBRARY_PATH: dir, ...env }, permissions };
    return JSON.parse((await runChild(code, options)).stdout);
  };
  assertEquals(await found({ KERF_LIBCUBLAS: "none" }), [[older], []]);
  assertEquals(await found({ KERF_LIBCUBLAS: "/a/b.so" }), [[older], ["/a/b.so"]]);
  const newer = await folder.write("libcublas.so.13", new Uint8Array(4));
  assertEquals(await found({ KERF_LIBCUBLAS: "" }), [[newer, older], [newer, older]]);
  // A command may read these files and the variables, and sees them.
  const permissions = [
    "--allow-env=KERF_LIBCUBLAS,LD_LIBRARY_PATH",
    `--allow-read=${Deno.cwd()}/src,${newer},${older}`,
  ];
  assertEquals(await found({}, permissions), [[newer, older], [newer, older]]);
});
