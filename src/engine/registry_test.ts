import { assertEquals, assertRejects } from "@std/assert";
import { toFileUrl } from "@std/path";
import { KerfError } from "../core/error.ts";
import { testFolder } from "../model/testing_files.ts";
import { loadDefinition } from "./registry.ts";

Deno.test("a file that cannot be read, or throws, is told with its place and what shows it all", async () => {
  await using folder = await testFolder();
  await Deno.mkdir(`${folder.path}/prune`);
  const root = toFileUrl(`${folder.path}/`);
  const files = {
    syntax: ["export default 3 +", /Expression expected/, "kernels/prune/syntax.ts:1:19"],
    throws: [
      "\nthrow new TypeError('no such thing');",
      /no such thing/,
      "kernels/prune/throws.ts:2:7",
    ],
    nothing: ["export const x = 1;", /exports no definition/, "kernels/prune/nothing.ts"],
  } as const;
  for (const [name, [text, why, where]] of Object.entries(files)) {
    await Deno.writeTextFile(`${folder.path}/prune/${name}.ts`, text);
    const error = await assertRejects(() => loadDefinition("prune", name, root), KerfError);
    assertEquals([why.test(error.message), error.where], [true, where], error.message);
  }
});
