/** Generation as a whole, into a folder of its own. */

import { assert, assertEquals, assertRejects } from "@std/assert";
import { KerfError } from "../core/error.ts";
import { sha256 } from "../core/hash.ts";
import type { Manifest } from "../core/manifest.ts";
import { generate } from "./generate.ts";
import { openRenderer } from "./renderer.ts";

const root = new URL("../..", import.meta.url).pathname.replace(/\/$/, "");

async function withOut(body: (out: string) => Promise<void>): Promise<void> {
  const out = await Deno.makeTempDir();
  try {
    await body(out);
  } finally {
    await Deno.remove(out, { recursive: true });
  }
}

const manifestOf = (out: string): Manifest =>
  JSON.parse(Deno.readTextFileSync(`${out}/generated/manifest.json`));

Deno.test("generated/ is what kernels/ and templates/ make", async () => {
  const { diff, diagnostics } = await generate({ root, check: true });
  assertEquals(diagnostics, []);
  assertEquals(diff, "");
});

Deno.test("only what changed is written, and what no kernel needs is removed", async () => {
  await withOut(async (out) => {
    const first = await generate({ root, out });
    assertEquals(first.written.at(-1), "generated/manifest.json", "the manifest comes last");
    assertEquals((await generate({ root, out })).written, []);

    const file = `${out}/generated/c/rms_norm.c`;
    const text = Deno.readTextFileSync(file);
    Deno.writeTextFileSync(file, text.replace("scale", "s"));
    Deno.writeTextFileSync(`${out}/generated/c/old.c`, "old\n");
    const { diff, written } = await generate({ root, out, check: true });
    assertEquals(written, ["generated/c/rms_norm.c"]);
    assert(diff.includes("--- a/generated/c/rms_norm.c\n+++ b/generated/c/rms_norm.c\n@@ -"));
    assert(diff.includes("--- a/generated/c/old.c\n+++ /dev/null\n@@ -1,1 +0,0 @@\n-old\n"));
    assertEquals(
      Deno.readTextFileSync(`${out}/generated/c/old.c`),
      "old\n",
      "check writes nothing",
    );

    const again = await generate({ root, out });
    assertEquals([again.written, again.removed], [written, ["generated/c/old.c"]]);
    assertEquals(Deno.readTextFileSync(file), text);
  });
});

Deno.test("the manifest holds every file's hash and where it comes from", async () => {
  await withOut(async (out) => {
    await generate({ root, out });
    const { schema, kernels } = manifestOf(out);
    assertEquals(schema, 1);
    assertEquals(Object.keys(kernels), Object.keys(kernels).toSorted());
    for (const [name, { signature, sources, authored }] of Object.entries(kernels)) {
      assertEquals(signature.name, name);
      const { file, template } = sources.c!;
      assertEquals(sources.c!.sha256, await sha256(Deno.readTextFileSync(`${out}/${file}`)));
      assert(Deno.statSync(`${root}/${template}`).isFile, template);
      for (const { file, sha256: expected } of authored) {
        assertEquals(await sha256(Deno.readTextFileSync(`${root}/${file}`)), expected);
      }
    }
    const files = (name: string) => kernels[name]!.authored.map(({ file }) => file);
    assertEquals(files("pack__q5_k"), ["kernels/storage/q5_k.ts", "kernels/storage/q4_k.ts"]);
  });
});

Deno.test("a name generates that definition's kernels and leaves the others alone", async () => {
  await withOut(async (out) => {
    const { written, nKernels } = await generate({
      root,
      out,
      names: ["residual_add", "embedding"],
    });
    assertEquals(nKernels, 9);
    assert(written.includes("generated/c/residual_add.c"));
    await generate({ root, out, names: ["rms_norm"] });
    assertEquals(Object.keys(manifestOf(out).kernels).length, 10);
    const error = await assertRejects(
      () => generate({ root, out, names: ["residual_ad"] }),
      KerfError,
    );
    assert(error.message.startsWith('Cannot generate "residual_ad"'));
  });
});

Deno.test("a renderer makes the generated kernels again, and those of other cache types", async () => {
  const renderer = await openRenderer(root);
  for (const [name, entry] of Object.entries(manifestOf(root).kernels)) {
    const { entry: rendered, texts } = await renderer.render(name);
    assertEquals(rendered, entry);
    assertEquals(texts.c, Deno.readTextFileSync(`${root}/${entry.sources.c!.file}`));
  }
  const name = "attention_causal_decode__k_f32t16_v_f32t1";
  const { entry } = await renderer.render(name);
  assertEquals(entry.signature.name, name);
  assertEquals(entry.sources.c!.file, `generated/c/${name}.c`);
  for (const wrong of ["attention_cubic_decode__k_f16t16_v_f16t1", "matmul__q9", "rms_norm__x"]) {
    await assertRejects(() => renderer.render(wrong), KerfError);
  }
});
