/**
 * Every hook of every file of kernels/ lowers, is valid IR, and equals the author's function in f64; every
 * key a mask lets through lies in the derived range.
 */

import { assert } from "@std/assert";
import { fromFileUrl } from "@std/path";
import fc from "fast-check";
import type { Hook } from "../dsl/types.ts";
import { interpret } from "../ir/interpret.ts";
import { keyRange } from "../ir/key_range.ts";
import type { Func } from "../ir/types.ts";
import { openFrontend, renderDiagnostics } from "./mod.ts";
import { assertParity } from "./parity.ts";
import { arbitraryHookArgs } from "./testing.ts";

const root = fromFileUrl(new URL("../..", import.meta.url));

function* kernelFiles(folder: string): Generator<string> {
  for (const entry of Deno.readDirSync(`${root}/${folder}`)) {
    const path = `${folder}/${entry.name}`;
    if (entry.isDirectory) yield* kernelFiles(path);
    // What several kernels share begins with _ and is none itself.
    else if (/\.ts$/.test(path) && !/(_test|\/_\w+)\.ts$/.test(path)) yield path;
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
      if (definition.kind !== "attention" || hook.path !== "mask") continue;
      await t.step(`${file} key range`, () => assertRange(hook, funcs[hook.path]!));
    }
  }
});

/** Every shipped mask is causal: it must have an upper bound. */
function assertRange(hook: Hook, mask: Func): void {
  const { lower, upper } = keyRange(mask);
  if (upper === null) throw new Error("no upper bound");
  const key = mask.params.findIndex((p) => p.name === "keyPosition");
  for (const { flat } of fc.sample(arbitraryHookArgs(hook), { seed: 4, numRuns: 500 })) {
    if (interpret(mask, flat, { mode: "f32" })[0] !== true) continue;
    const position = flat[key] as number;
    const rest = flat.filter((_, i) => i !== 0 && i !== key);
    const bound = (func: Func) => interpret(func, rest, { mode: "f32" })[0] as number;
    assert(position <= bound(upper) && (lower === null || position >= bound(lower)));
  }
}
