/**
 * A generated WGSL file → the text a shader module is made of: the compile-time values in front, the
 * project's headers in place. WGSL itself has neither defines nor includes.
 */

import { inlineHeaders } from "../../build/headers.ts";
import { projectRoot } from "../../sys/cache_dir.ts";

/** A generated file. */
export interface WgslSource {
  readonly text: string;
  /** Headers are sought beside it: absolute, or from the project's root. */
  readonly file: string;
  /** Values of the signature's defines. */
  readonly defines: Readonly<Record<string, number>>;
}

/**
 * The whole text.
 *
 * @throws {KerfError} when a header does not exist
 */
export async function completeSource({ text, file, defines }: WgslSource): Promise<string> {
  const lines = Object.entries(defines).map(([name, value]) => `const ${name}: u32 = ${value}u;\n`);
  const whole = await inlineHeaders(text, { file, root: projectRoot(), lineMarks: false });
  return lines.join("") + whole;
}
