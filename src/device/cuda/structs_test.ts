/** Struct layouts, constants and function signatures against cuda.h itself, where a toolkit has it. */

import { assert, assertEquals } from "@std/assert";
import { runCommand } from "../../sys/command.ts";
import { findNvcc } from "../../build/nvcc.ts";
import { testFolder } from "../../model/testing_files.ts";
import { accessDescription, allocationProperties, kernelNodeParams, LAYOUTS } from "./structs.ts";
import { CUDA, SYMBOLS } from "./symbols.ts";

const nvcc = await findNvcc();
if (nvcc === undefined) console.error("ignored: no nvcc, so no cuda.h to compare with");

/** Bytes of an FFI type; what is passed as bytes is a pointer in C. */
const BYTES = { u8: 1, i32: 4, u32: 4, u64: 8, usize: 8, buffer: 8 } as const;

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
  const signatures = Object.entries(SYMBOLS).map(([name, { parameters }]) => {
    const list = parameters.map((type) => `{${BYTES[type]}, ${type === "buffer" ? 1 : 0}}`);
    return `matches(&${name}, {${list.join(", ")}})`;
  });
  return [...layouts, ...constants, ...signatures];
}

const PREAMBLE = `#include <cstddef>
#include <initializer_list>
#include <type_traits>
#include <cuda.h>
struct parameter { unsigned bytes; bool isPointer; };
/* Of the same size in the same order; what is passed as bytes is a pointer. */
template <class... A>
constexpr bool matches(CUresult (*)(A...), std::initializer_list<parameter> wanted)
{
  const parameter given[] = {{sizeof(A), std::is_pointer<A>::value}...};
  if (wanted.size() != sizeof...(A)) return false;
  unsigned i = 0;
  for (const parameter &p : wanted) {
    if (p.bytes != given[i].bytes || (p.isPointer && !given[i].isPointer)) return false;
    i++;
  }
  return true;
}
`;

/** Compiles assertions; returns those that do not hold. */
async function failed(list: readonly string[]): Promise<number[]> {
  await using folder = await testFolder();
  const text = PREAMBLE + list.map((a, i) => `static_assert(${a}, "no ${i};");\n`).join("");
  const source = await folder.write("check.cpp", new TextEncoder().encode(text));
  const { code, stderr, stdout } = await runCommand("nvcc", [
    ...["-std=c++17", "-c", source, "-o", `${source}.o`],
  ]);
  const found = [...(stdout + stderr).matchAll(/no (\d+);/g)].map((match) => Number(match[1]));
  assert(code === 0 || found.length > 0, stdout + stderr);
  return [...new Set(found)];
}

Deno.test({
  name: "structs, constants and signatures are those of cuda.h",
  ignore: nvcc === undefined,
  async fn() {
    const list = assertions();
    assert(list.length > 80, `${list.length} assertions only`);
    const wrong = "offsetof(CUmemAccessDesc, flags) == 4";
    // The last one cannot hold, so a check that sees nothing fails.
    assertEquals((await failed([...list, wrong])).map((i) => [...list, wrong][i]), [wrong]);
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
