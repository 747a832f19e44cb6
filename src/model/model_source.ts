/** What `-m` may say: nothing (the default model), a path, or `hf:user/repo[:QUANT]`. */

import { KerfError } from "../core/error.ts";

/** A parsed model source. */
export type ModelSource =
  | { readonly kind: "default" }
  | { readonly kind: "path"; readonly path: string }
  | {
    readonly kind: "hub";
    /** `user/repo` */
    readonly repo: string;
    /** The quantisation in the file's name, such as `Q4_K_M`. */
    readonly quant: string | undefined;
  };

/**
 * Reads a model source.
 * @throws {KerfError} it starts with `hf:` and is no `user/repo[:QUANT]`
 *
 * @example
 * ```ts
 * import { parseModelSource } from "./model_source.ts";
 * const source = parseModelSource("hf:someone/some-model-GGUF:Q8_0");
 * if (source.kind !== "hub" || source.quant !== "Q8_0") throw new Error("not the hub's");
 * ```
 */
export function parseModelSource(source: string | undefined): ModelSource {
  if (source === undefined) return { kind: "default" };
  if (!source.startsWith("hf:")) return { kind: "path", path: source };
  const match = /^hf:([\w.-]+\/[\w.-]+)(?::([\w.-]+))?$/.exec(source);
  if (match === null || match[1]!.split("/").some((part) => /^\.+$/.test(part))) {
    throw new KerfError(`Cannot read "${source}" as a model: it is no hf:user/repo[:QUANT]`, {
      hint: "for example -m hf:bartowski/SmolLM2-135M-Instruct-GGUF:Q8_0",
      exitCode: 2,
    });
  }
  return { kind: "hub", repo: match[1]!, quant: match[2] };
}
