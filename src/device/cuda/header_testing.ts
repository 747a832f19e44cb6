/** Assertions of ours that NVIDIA's own compiler checks against NVIDIA's own headers, for tests. */

import { assert } from "@std/assert";
import { testFolder } from "../../model/testing_files.ts";
import { runCommand } from "../../sys/command.ts";

/** Bytes of an FFI type; what is passed as bytes is a pointer in C. */
const BYTES = { u8: 1, i32: 4, u32: 4, u64: 8, usize: 8, buffer: 8 } as const;

/** That functions take what we pass them. */
export const signatureAssertions = (
  symbols: Readonly<Record<string, { readonly parameters: readonly (keyof typeof BYTES)[] }>>,
): string[] =>
  Object.entries(symbols).map(([name, { parameters }]) => {
    const list = parameters.map((type) => `{${BYTES[type]}, ${type === "buffer" ? 1 : 0}}`);
    return `matches(&${name}, {${list.join(", ")}})`;
  });

const PREAMBLE = `#include <cstddef>
#include <initializer_list>
#include <type_traits>
struct parameter { unsigned bytes; bool isPointer; };
/* Of the same size in the same order; what is passed as bytes is a pointer. */
template <class R, class... A>
constexpr bool matches(R (*)(A...), std::initializer_list<parameter> wanted)
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

/**
 * Compiles static assertions with nvcc.
 *
 * @param header `cuda.h`
 * @param folders where it is sought before the toolkit's own
 * @returns those that do not hold
 */
export async function failedAssertions(
  list: readonly string[],
  header: string,
  folders: readonly string[] = [],
): Promise<string[]> {
  await using folder = await testFolder();
  const checks = list.map((a, i) => `static_assert(${a}, "no ${i};");\n`);
  const text = `#include <${header}>\n${PREAMBLE}${checks.join("")}`;
  const source = await folder.write("check.cpp", new TextEncoder().encode(text));
  const { code, stderr, stdout } = await runCommand("nvcc", [
    ...["-std=c++17", ...folders.map((path) => `-I${path}`), "-c", source, "-o", `${source}.o`],
  ]);
  const found = [...(stdout + stderr).matchAll(/no (\d+);/g)].map((match) => Number(match[1]));
  assert(code === 0 || found.length > 0, stdout + stderr);
  return [...new Set(found)].map((i) => list[i]!);
}
