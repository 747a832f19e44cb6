/**
 * docs/language.md is true: every example is lowered, accepted ones equal their functions, rejected ones
 * give exactly the codes they name, every rule has both, and the table of codes is CODES.
 */

import { assert, assertEquals } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { CODES, type Frontend, openFrontend, renderDiagnostics } from "./mod.ts";
import { assertParity } from "./parity.ts";

const root = fromFileUrl(new URL("../..", import.meta.url));
const text = Deno.readTextFileSync(`${root}/docs/language.md`);

/** One fenced block: its words after `ts ignore`, its code, and the heading it stands under. */
interface Example {
  readonly words: readonly string[];
  readonly code: string;
  readonly section: string;
}

const sections = text.split(/^## /m).slice(1).map((part) => ({
  title: part.slice(0, part.indexOf("\n")),
  body: part,
}));
const blocks = (body: string, section: string): Example[] =>
  [...body.matchAll(/^```ts ignore (.*)\n([^]*?)^```$/gm)].map(([, words, code]) => ({
    words: words!.split(" "),
    code: code!,
    section,
  }));
const frame = blocks(text, "").find(({ words }) => words[0] === "frame")!.code;
const examples = sections.flatMap(({ title, body }) => blocks(body, title));

/** The example as a file: as it is, or in the frame as its score or mask. */
function fileOf({ code }: Example): string {
  if (/^export default/m.test(code)) return code;
  const hook = /^(score|mask): /m.exec(code);
  // A file without a hook or a definition is an example of just that.
  if (hook === null) return code;
  const value = code.slice(hook.index).trim();
  const declarations = code.slice(0, hook.index);
  return frame
    .replace(new RegExp(`^  ${hook[1]}: .*$`, "m"), () => `  ${value},`)
    .replace(/^export default/m, () => `${declarations}\nexport default`);
}

async function check(frontend: Frontend, path: string, words: readonly string[]): Promise<void> {
  const result = await frontend.lowerFile(path);
  if (words[0] === "reject") {
    if (result.ok) throw new Error("it was accepted");
    const codes = new Set(result.diagnostics.map((d) => d.code));
    const rendered = renderDiagnostics(result.diagnostics, { color: false });
    const named = words.filter((word) => word.startsWith("KERF"));
    assertEquals([...codes].toSorted(), named.toSorted(), rendered);
    return;
  }
  if (!result.ok) throw new Error(renderDiagnostics(result.diagnostics, { color: false }));
  const { definition, funcs } = result.lowered;
  for (const hook of definition.hooks) assertParity(hook, funcs[hook.path]!);
}

Deno.test("every example of docs/language.md is what it says", async (t) => {
  const folder = Deno.makeTempDirSync();
  try {
    const frontend = openFrontend(root, { kernels: folder });
    for (const { words, code } of examples) {
      if (words[0] === "file") Deno.writeTextFileSync(`${folder}/${words[1]}`, code);
    }
    for (const [i, example] of examples.entries()) {
      const { words, section } = example;
      if (words[0] === "file") continue;
      await t.step(`${i} ${section}: ${words.join(" ")}`, async () => {
        // `prune/` among the words: a file of that folder.
        const sub = words.find((word) => word.endsWith("/")) ?? "";
        Deno.mkdirSync(`${folder}/${sub}`, { recursive: true });
        const path = `${folder}/${sub}example_${i}.ts`;
        Deno.writeTextFileSync(path, fileOf(example));
        await check(frontend, path, words);
      });
    }
  } finally {
    Deno.removeSync(folder, { recursive: true });
  }
});

Deno.test("every rule has an accepted and a rejected example", () => {
  const rules = sections.filter(({ title }) => title !== "Codes");
  assert(rules.length >= 10);
  for (const { title } of rules) {
    const kinds = new Set(examples.filter((e) => e.section === title).map((e) => e.words[0]));
    assert(kinds.has("accept") && kinds.has("reject"), title);
  }
});

Deno.test("every code has an example and a line in the table", () => {
  const shown = new Set(examples.flatMap(({ words }) => words.slice(1)));
  assertEquals(Object.keys(CODES).filter((code) => !shown.has(code)), []);
  const rows = [...text.matchAll(/^\| (KERF\d{4}) *\| (.*?) *\|$/gm)];
  const titles = Object.entries(CODES).map(([code, { title }]) => [code, title]);
  assertEquals(rows.map(([, code, what]) => [code, what]), titles);
});
