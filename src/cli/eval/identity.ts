/** What a run's numbers depend on beside spec and text, as every line of results has it. */

import { basename } from "@std/path";
import { ACTIVATIONS } from "../../device/mod.ts";
import type { RunIdentity } from "../../eval/mod.ts";
import type { Model } from "../../mod.ts";
import { sha256OfFile } from "../../model/file_hash.ts";
import type { ParsedArgs } from "../args.ts";
import { commitWithChanges } from "../commit.ts";

/** The identity of a run with these flags on a loaded model. */
export async function identityOf(
  values: ParsedArgs["values"],
  { loaded, device }: Model,
): Promise<RunIdentity> {
  const { gguf, attention, engine } = loaded;
  return {
    model: basename(gguf.path),
    modelSha256: await sha256OfFile(gguf.path),
    commit: await commitWithChanges(),
    machine: `${device}, ${Deno.build.target}`,
    attention,
    activations: (values.activations as string | undefined) ?? ACTIVATIONS[engine.device.kind][0]!,
    ctk: (values.ctk as string | undefined) ?? "f16",
    ctv: (values.ctv as string | undefined) ?? "f16",
  };
}
