/**
 * The system headers of kernels as one precompiled header in the cache. GCC reads `immintrin.h` for as long
 * as it compiles a small kernel; precompiled it takes a tenth of that. The text that is compiled includes the
 * same headers, so the library is the same to the byte with and without it.
 */

import { join } from "@std/path";
import type { Compiler } from "../sys/compiler.ts";
import { artifact } from "./artifact.ts";
import { compileError } from "./compile_error.ts";

/** What templates/c/kerf.h and the headers beside it ask of the system. */
const TEXT = ["math", "stdbool", "stddef", "stdint", "string", "immintrin"]
  .map((name) => `#include <${name}.h>\n`).join("");

/** With what and where to. */
export interface SystemHeaderOptions {
  readonly compiler: Compiler;
  /** The folder that holds the file. */
  readonly dir: string;
  /** Those of the text that is compiled. GCC takes no header that was made with others, but for defines. */
  readonly flags: readonly string[];
  /** Runs the compiler with arguments and a folder for its scratch files. */
  readonly run: (
    args: readonly string[],
    scratch: string,
  ) => Promise<{ readonly code: number; readonly stderr: string }>;
}

/**
 * Arguments by which GCC reads the system's headers faster. None for a text that asks for none that is long,
 * and for other compilers: they precompile in other forms.
 *
 * @param text C, its own headers inlined
 * @throws {KerfError} when the compiler refuses the headers with these flags
 */
export async function systemHeaderArgs(
  text: string,
  options: SystemHeaderOptions,
): Promise<string[]> {
  const { compiler: { command, version }, dir, flags, run } = options;
  if (!text.includes("<immintrin.h>") || /clang|zig/i.test(version)) return [];
  const path = await artifact({
    ...{ dir, name: "system", extension: ".h.gch" },
    inputs: [command.join(" "), version, Deno.build.target, flags.join(" "), TEXT],
    make: async (workDir, stem) => {
      const header = join(workDir, "system.h");
      const made = join(workDir, "system.h.gch");
      await Deno.writeTextFile(header, TEXT);
      const args = [...flags, "-x", "c-header", header, "-o", made];
      const { code, stderr } = await run(args, workDir);
      // GCC looks for what it made beside the header.
      await Deno.rename(header, `${stem}.h`);
      if (code === 0) return made;
      const again = [...command, ...flags, "-fsyntax-only", `${stem}.h`].join(" ");
      throw compileError({ name: "the system's headers", command: again, stderr });
    },
  });
  return ["-include", path.slice(0, -".gch".length)];
}
