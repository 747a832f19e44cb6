/** `inspect kernel NAME`: a generated kernel's outside and source, for the cache that the flags make. */

import { KerfError } from "../../core/error.ts";
import type { KernelEntry, Manifest, Target } from "../../core/manifest.ts";
import { nearest } from "../../core/nearest.ts";
import { layoutName } from "../../layout/name.ts";
import type { ParsedArgs } from "../args.ts";
import { ROOT } from "../root.ts";
import { writeOut } from "../terminal.ts";
import { designCache, readHeader } from "./header.ts";

/** Kernels that a word means, narrowed to a layout and to the attention variant where names carry them. */
function matching(
  names: readonly string[],
  word: string,
  { layout, attention }: { readonly layout: string; readonly attention: string },
): string[] {
  if (names.includes(word)) return [word];
  const found = names.filter((name) => name.includes(word));
  const ofLayout = found.filter((name) => name.endsWith(`__${layout}`));
  const narrowed = ofLayout.length > 0 ? ofLayout : found;
  const ofVariant = narrowed.filter((name) => name.startsWith(`attention_${attention}_`));
  return ofVariant.length > 0 ? ofVariant : narrowed;
}

function outside({ signature, sources, authored }: KernelEntry, target: Target): string {
  const rows = [
    `${signature.name} — ${sources[target]!.file}, from ${
      [...authored.map(({ file }) => file), sources[target]!.template].join(", ")
    }`,
    ...signature.bindings.map(({ access, dtype, name, shape }) =>
      `  ${access.padEnd(9)} ${dtype} ${name} [${shape.join(", ")}]`
    ),
    ...signature.constants.map(({ dtype, name, doc }) =>
      `  constant  ${dtype} ${name}${doc ? `: ${doc}` : ""}`
    ),
    ...signature.defines.map((name) => `  define    ${name}`),
  ];
  return rows.join("\n");
}

export async function inspect({ values, positionals }: ParsedArgs): Promise<number> {
  const target = (values.target ?? "c") as Target;
  const manifest: Manifest = JSON.parse(Deno.readTextFileSync(`${ROOT}/generated/manifest.json`));
  const names = Object.keys(manifest.kernels).filter((n) => manifest.kernels[n]!.sources[target]);
  const [word] = positionals;
  if (word === undefined) {
    writeOut(names.join("\n") + "\n");
    return 0;
  }
  const { layout } = await designCache(await readHeader(values), values);
  const attention = String(values.attention ?? "causal").split(":")[0]!;
  const found = matching(names, word, { layout: layoutName(layout), attention });
  if (found.length !== 1) {
    const near = nearest(word, names);
    throw new KerfError(
      found.length === 0
        ? `No kernel for ${target} has "${word}" in its name`
        : `"${word}" means ${found.length} kernels`,
      {
        hint: found.length > 0
          ? found.map((name) => `deno task inspect kernel ${name}`)
          : near
          ? `did you mean ${near}?`
          : "deno task inspect kernel lists them",
        exitCode: 2,
      },
    );
  }
  const entry = manifest.kernels[found[0]!]!;
  const text = Deno.readTextFileSync(`${ROOT}/${entry.sources[target]!.file}`);
  if (values.json) writeOut(JSON.stringify({ entry, target, text }) + "\n");
  else writeOut(`${outside(entry, target)}\n\n${text}`);
  return 0;
}
