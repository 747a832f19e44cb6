/**
 * The memory that a kernel's work groups share, as an assertion in the kernel's own text: its arrays' sizes
 * are expressions that only the shader compiler can work out, and Deno's does not compare their sum with
 * the adapter's limit.
 */

const VARIABLE = /^var<workgroup> \w+: array<([\w<>]+), (.+)>;$/gm;

/** Bytes of the element types that work groups share. */
const ELEMENT_BYTES: Readonly<Record<string, number>> = {
  f32: 4,
  u32: 4,
  i32: 4,
  "atomic<u32>": 4,
  "vec2<f32>": 8,
  "vec3<u32>": 16,
  "vec3<f32>": 16,
  "vec4<f32>": 16,
};

/** The comment by which a refused assertion is known. */
export const WORKGROUP_MEMORY = "workgroup memory";

/**
 * A line to put behind a kernel's text; empty when its work groups share nothing.
 *
 * @throws {TypeError} an array's element type is not known here
 * @example
 * ```ts
 * import { workgroupAssertion } from "./workgroup_memory.ts";
 * const line = workgroupAssertion("var<workgroup> sums: array<vec2<f32>, N * 3u>;", 16384);
 * if (!line.startsWith("const_assert 8u * (N * 3u) <= 16384u;")) throw new Error(line);
 * ```
 */
export function workgroupAssertion(text: string, limitBytes: number): string {
  const sizes = [...text.matchAll(VARIABLE)].map(([line, element, count]) => {
    const bytes = ELEMENT_BYTES[element!];
    if (bytes !== undefined) return `${bytes}u * (${count})`;
    throw new TypeError(`Cannot measure "${line}": the size of ${element} is not known`);
  });
  if (sizes.length === 0) return "";
  return `const_assert ${sizes.join(" + ")} <= ${limitBytes}u; /* ${WORKGROUP_MEMORY} */\n`;
}
