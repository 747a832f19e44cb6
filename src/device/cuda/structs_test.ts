/** Struct layouts, constants and function signatures against cuda.h itself, where a toolkit has it. */

import { assert, assertEquals } from "@std/assert";
import { findNvcc } from "../../build/nvcc.ts";
import { failedAssertions, signatureAssertions } from "./header_testing.ts";
import { accessDescription, allocationProperties, kernelNodeParams, LAYOUTS } from "./structs.ts";
import { CUDA, SYMBOLS } from "./symbols.ts";

const nvcc = await findNvcc();
if (nvcc === undefined) console.error("ignored: no nvcc, so no cuda.h to compare with");

/** One static assertion for everything that crosses to the driver. */
function assertions(): string[] {
  const layouts = Object.entries(LAYOUTS).flatMap(([type, { bytes, ...fields }]) => [
    `sizeof(${type}) == ${bytes}`,
    ...Object.entries(fields).map(([name, at]) => `offsetof(${type}, ${name}) == ${at}`),
  ]);
  const constants = Object.entries(CUDA).map(([name, value]) => {
    const prefix = name.startsWith("ERROR_") ? "CUDA_" : "CU_";
    // Pointers by their plain names, and no cast of a pointer is constant.
    const suffix = name.startsWith("LAUNCH_PARAM_") ? "_AS_INT" : "";
    return `${prefix}${name}${suffix} == ${value}`;
  });
  return [...layouts, ...constants, ...signatureAssertions(SYMBOLS)];
}

Deno.test({
  name: "structs, constants and signatures are those of cuda.h",
  ignore: nvcc === undefined,
  async fn() {
    const list = assertions();
    assert(list.length > 80, `${list.length} assertions only`);
    const wrong = "offsetof(CUmemAccessDesc, flags) == 4";
    // The last one cannot hold, so a check that sees nothing fails.
    assertEquals(await failedAssertions([...list, wrong], "cuda.h"), [wrong]);
  },
});

Deno.test("what is written lies where the layout says", () => {
  const int = (bytes: Uint8Array<ArrayBuffer>, at: number) =>
    new DataView(bytes.buffer).getInt32(at, true);
  const properties = allocationProperties(3);
  assertEquals([0, 4, 8, 12, 16, 20, 24, 28].map((at) => int(properties, at)), [
    ...[1, 0, 1, 3, 0, 0, 0, 0],
  ]);
  assertEquals([0, 4, 8].map((at) => int(accessDescription(3), at)), [1, 3, 3]);
  const params = kernelNodeParams(
    { func: 0x1122334455n, blocks: 7, threads: 64, sharedBytes: 4096 },
    0x66778899aan,
  );
  const view = new DataView(params.buffer);
  assertEquals(view.getBigUint64(0, true), 0x1122334455n);
  assertEquals([8, 12, 16, 20, 24, 28, 32].map((at) => int(params, at)), [7, 1, 1, 64, 1, 1, 4096]);
  assertEquals([40, 48, 56, 64].map((at) => view.getBigUint64(at, true)), [
    ...[0n, 0x66778899aan, 0n, 0n],
  ]);
});
