/**
 * A plain run loads nothing of the generator half. ts-morph cannot load without reading TSC_* variables,
 * so a run that may not read them proves that it stayed out.
 */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { tinyModel } from "../src/model/testing.ts";
import { testFolder } from "../src/model/testing_files.ts";
import { projectRoot } from "../src/sys/cache_dir.ts";
import { runCommand } from "../src/sys/command.ts";
import { runChild } from "../src/sys/testing.ts";

Deno.test("neither the library nor run imports the generator half", async () => {
  for (const entry of ["src/mod.ts", "src/cli/run.ts"]) {
    const info = await runCommand(Deno.execPath(), ["info", "--json", entry], {
      cwd: projectRoot(),
    });
    const { modules } = JSON.parse(info.stdout) as { modules: { specifier: string }[] };
    assert(modules.length > 50, info.stderr);
    const heavy = modules.map(({ specifier }) => specifier)
      .filter((name) => /ts-morph|nunjucks|\/src\/(emit|frontend)\//.test(name));
    assertEquals(heavy, []);
  }
});

Deno.test("generated kernels run without ts-morph, others are rendered by it", async () => {
  await using folder = await testFolder();
  const model = await folder.write("tiny.gguf", tinyModel());
  const run = (cacheTypes: string) => {
    const code = `import { load } from "kerf";
      const options = { model: ${JSON.stringify(model)}, prune: "think", ${cacheTypes} };
      using model = await load(options);
      const { tokens } = await model.generate("ab", { raw: true, maxTokens: 3 }).result;
      console.log(tokens.length);`;
    const all = ["read", "write", "run", "ffi", "sys"].map((kind) => `--allow-${kind}`);
    return runChild(code, { permissions: [...all, "--allow-env", "--deny-env=TSC_WATCHFILE"] });
  };
  const plain = await run("");
  assertEquals(plain.code, 0, plain.stderr);
  assertStringIncludes((await run('cacheTypes: { key: "f32" }')).stderr, "TSC_WATCHFILE");
});
