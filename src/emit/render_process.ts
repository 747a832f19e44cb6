/**
 * Renders kernels for another process, which so stays small: ts-morph takes more memory than a cache of
 * thousands of rows. Reads a request from standard input and prints what `src/engine/rendered_texts.ts`
 * expects, a user's error included.
 */

import { KerfError } from "../core/error.ts";
import type { KernelEntry, Target } from "../core/manifest.ts";
import { openRenderer } from "./renderer.ts";

/** Which kernels of which project. */
interface Request {
  readonly root: string;
  readonly target: Target;
  readonly names: readonly string[];
}

/** @throws {KerfError} a kernel file has problems, none makes a kernel, or the target has no template */
async function render({ root, target, names }: Request) {
  const renderer = await openRenderer(root);
  const kernels: { readonly entry: KernelEntry; readonly text: string }[] = [];
  for (const name of names) {
    const { entry, texts } = await renderer.render(name);
    const text = texts[target];
    if (text === undefined) {
      throw new KerfError(`Cannot run kernel "${name}": Kerf emits none for ${target} yet`, {
        hint: "--device cpu has every kernel",
      });
    }
    kernels.push({ entry, text });
  }
  return { kernels };
}

if (import.meta.main) {
  const request: Request = await new Response(Deno.stdin.readable).json();
  const answer = await render(request).catch((error) => {
    if (!(error instanceof KerfError)) throw error;
    const { message, hints, where, exitCode } = error;
    return { error: { message, hints, where, exitCode } };
  });
  console.log(JSON.stringify(answer));
}
