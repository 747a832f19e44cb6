import { assertEquals, assertRejects } from "@std/assert";
import { pathToFileURL } from "node:url";
import { KerfError } from "../core/error.ts";
import { sha256 as sha256Of } from "../core/hash.ts";
import type { KernelEntry, Manifest } from "../core/manifest.ts";
import { testFolder } from "../model/testing_files.ts";
import { kernelTexts } from "./kernel_texts.ts";

const AUTHORED = "export default 1;\n";
const WRONG_SHA = "0".repeat(64);

async function project(text: string, sha256: string, schema = 1) {
  const folder = await testFolder();
  const entry: KernelEntry = {
    signature: { name: "one", bindings: [], constants: [], defines: [] },
    sources: {
      c: { file: "generated/c/one.c", sha256, template: "templates/c/one.c.njk", grid: [] },
    },
    authored: [{ file: "kernels/ops/one.ts", sha256: await sha256Of(AUTHORED) }],
  };
  const manifest: Manifest = { schema: schema as 1, kernels: { one: entry } };
  await Deno.mkdir(`${folder.path}/generated/c`, { recursive: true });
  await folder.write("generated/manifest.json", JSON.stringify(manifest));
  await folder.write("generated/c/one.c", text);
  await Deno.mkdir(`${folder.path}/kernels/ops`, { recursive: true });
  await folder.write("kernels/ops/one.ts", AUTHORED);
  return { folder, entry, root: pathToFileURL(`${folder.path}/`) };
}

Deno.test("a generated kernel is used when it is the file the manifest describes", async () => {
  const text = "int x;\n";
  const { folder, entry, root } = await project(text, await sha256Of(text));
  await using _ = folder;
  assertEquals(await kernelTexts(["one"], { target: "c", root }), [{ entry, text }]);
});

Deno.test("a changed, missing or foreign file is refused, with the command that mends it", async () => {
  const refused = async (root: URL, message: string) => {
    const run = () => kernelTexts(["one"], { target: "c", root });
    assertEquals((await assertRejects(run, KerfError, message)).hints, ["deno task gen"]);
  };
  const changed = await project("int y;\n", WRONG_SHA);
  await using _changed = changed.folder;
  await refused(changed.root, "not the file that the manifest describes");
  await changed.folder.write("kernels/ops/one.ts", "export default 2;\n");
  await refused(changed.root, "kernels/ops/one.ts has changed since");
  await changed.folder.write("kernels/ops/one.ts", AUTHORED);
  await Deno.remove(`${changed.folder.path}/generated/c/one.c`);
  await refused(changed.root, 'the generated kernel "generated/c/one.c"');
  const future = await project("", WRONG_SHA, 2);
  await using _future = future.folder;
  await refused(future.root, "its schema is 2");
});
