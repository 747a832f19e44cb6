/** Every hook of every file of kernels/ lowers, is valid IR, and equals the author's function in f64. */

import { fromFileUrl } from "@std/path";
import { openFrontend, renderDiagnostics } from "./mod.ts";
import { assertParity } from "./parity.ts";

const root = fromFileUrl(new URL("../..", import.meta.url));

function* kernelFiles(folder: string): Generator<string> {
  for (const entry of Deno.readDirSync(`${root}/${folder}`)) {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory) yield* kernelFiles(path);
    else if (entry.name.endsWith(".ts") && !entry.name.endsWith("_test.ts")) yield path;
  }
}

Deno.test("every hook of kernels/ equals the author's function", async (t) => {
  const files = [...kernelFiles("kernels")].toSorted();
  const { lowered, diagnostics } = await openFrontend(root).lowerAll(files);
  if (diagnostics.length > 0) throw new Error(renderDiagnostics(diagnostics, { color: false }));
  if (lowered.length !== files.length) {
    throw new Error(`${lowered.length} of ${files.length} files`);
  }
  for (const { file, definition, funcs } of lowered) {
    for (const hook of definition.hooks) {
      await t.step(`${file} ${hook.path}`, () => assertParity(hook, funcs[hook.path]!));
    }
  }
});
