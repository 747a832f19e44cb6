import { assertEquals, assertThrows } from "@std/assert";
import { join } from "@std/path";
import { KerfError } from "../core/error.ts";
import { resolveModel } from "./fetch.ts";
import { parseModelSource } from "./model_source.ts";

Deno.test("parseModelSource knows the default, paths and the hub", () => {
  assertEquals(parseModelSource(undefined), { kind: "default" });
  assertEquals(parseModelSource("hf/model.gguf"), { kind: "path", path: "hf/model.gguf" });
  assertEquals(parseModelSource("hf:a/b"), { kind: "hub", repo: "a/b", quant: undefined });
  assertEquals(parseModelSource("hf:a.b/c-d_1:Q4_K_M"), {
    kind: "hub",
    repo: "a.b/c-d_1",
    quant: "Q4_K_M",
  });
  for (const bad of ["hf:", "hf:a", "hf:a/b/c", "hf:a/b:", "hf:../..", "hf:a/b:x/y"]) {
    const error = assertThrows(() => parseModelSource(bad), KerfError, `Cannot read "${bad}"`);
    assertEquals(error.exitCode, 2);
  }
});

Deno.test("resolveModel takes paths relative to INIT_CWD", async () => {
  const before = Deno.env.get("INIT_CWD");
  const folder = join(Deno.cwd(), "somewhere");
  Deno.env.set("INIT_CWD", folder);
  try {
    assertEquals(await resolveModel("a/b.gguf", { cacheDir: folder }), join(folder, "a/b.gguf"));
    assertEquals(await resolveModel("/a/b.gguf", { cacheDir: folder }), "/a/b.gguf");
  } finally {
    if (before === undefined) Deno.env.delete("INIT_CWD");
    else Deno.env.set("INIT_CWD", before);
  }
});
