/** Constants and function signatures against cublas_api.h itself, where it lies beside the library. */

import { assert, assertEquals, assertMatch, assertThrows } from "@std/assert";
import { dirname, join } from "@std/path";
import { KerfError } from "../../core/error.ts";
import { testFolder } from "../../model/testing_files.ts";
import { findNvcc } from "../../build/nvcc.ts";
import { openCublas } from "./cublas.ts";
import { installedCublas } from "./cublas_path.ts";
import { CUBLAS, CUBLAS_SYMBOLS } from "./cublas_symbols.ts";
import { failedAssertions, signatureAssertions } from "./header_testing.ts";

/** The folder of cuBLAS' headers: as toolkits and wheels have it. */
async function headers(): Promise<string | undefined> {
  const [library] = installedCublas();
  if (library === undefined || await findNvcc() === undefined) return undefined;
  try {
    const folder = join(dirname(await Deno.realPath(library)), "../include");
    return (await Deno.stat(join(folder, "cublas_api.h"))).isFile ? folder : undefined;
  } catch {
    return undefined;
  }
}

const folder = await headers();
if (folder === undefined) {
  console.error("ignored: no cublas_api.h beside libcublas to compare with");
}

Deno.test({
  name: "constants and signatures are those of cublas_api.h",
  ignore: folder === undefined,
  async fn() {
    const constants = Object.entries(CUBLAS).map(([name, value]) =>
      `${name.endsWith("_VERSION") ? "" : "CUBLAS_"}${name} == ${value}`
    );
    const list = [...constants, ...signatureAssertions(CUBLAS_SYMBOLS)];
    assert(list.length >= 14, `${list.length} assertions only`);
    const wrong = "CUBLAS_OP_T == 0";
    assertEquals(await failedAssertions([...list, wrong], "cublas_v2.h", [folder!]), [wrong]);
  },
});

Deno.test({
  name: "the library that is here has every function and says its version",
  ignore: installedCublas().length === 0,
  fn: () => {
    assertMatch(openCublas(installedCublas()[0]!).version, /^1[23]\.\d+$/);
  },
});

Deno.test("a library that does not load is an error that says how to go on without", async () => {
  await using folder = await testFolder();
  const path = await folder.write("libcublas.so.13", new Uint8Array(4));
  const error = assertThrows(
    () => openCublas(path),
    KerfError,
    `Cannot load the library "${path}"`,
  );
  assert(error.hints[0]!.startsWith("KERF_LIBCUBLAS=none"), error.hints.join());
});
