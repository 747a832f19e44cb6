import { assert, assertEquals } from "@std/assert";
import { findCudaToolchain } from "../build/mod.ts";
import { cacheDir } from "../sys/cache_dir.ts";
import { freshDriver } from "./cuda/testing.ts";
import { surveyCuda, surveyDevices } from "./survey.ts";

Deno.test("every kind is found or says what is missing and what to type", async () => {
  const findings = await surveyDevices();
  assertEquals(findings.map(({ kind }) => kind), ["cuda", "webgpu", "cpu"]);
  for (const { kind, name, state, because, fix, facts } of findings) {
    assert(name.startsWith(kind), name);
    assertEquals(state === "ready", because === undefined, kind);
    if (state !== "ready") assert(fix.length > 0, kind);
    if (state !== "missing") assert(facts.length > 0, kind);
    assertEquals(new Set(facts.map((fact) => fact.name)).size, facts.length);
    for (const { name, value } of facts) {
      if (name.endsWith("Bytes")) assert(Number(value) > 0, `${kind}: ${name} is ${value}`);
    }
  }
  // These tests ran on it.
  assertEquals(findings.at(-1)!.state, "ready");
});

Deno.test({
  name: "a GPU that was looked at is closed again, also when it fails meanwhile",
  ignore: await findCudaToolchain(cacheDir()) === undefined || Deno.env.has("KERF_CUDA"),
  async fn() {
    const driver = await freshDriver();
    const before = Deno.env.get("KERF_LIBCUDA");
    Deno.env.set("KERF_LIBCUDA", driver.path);
    try {
      assertEquals((await surveyCuda()).state, "ready");
      assertEquals(driver.leaks(), []);
      driver.fail("cuMemGetInfo_v2", 1, 719);
      const { state, because } = await surveyCuda();
      assertEquals(state, "missing");
      assert(because!.startsWith("cuMemGetInfo: CUDA_ERROR_LAUNCH_FAILED"), because);
      assertEquals(driver.leaks(), []);
    } finally {
      if (before === undefined) Deno.env.delete("KERF_LIBCUDA");
      else Deno.env.set("KERF_LIBCUDA", before);
      driver.reset();
    }
  },
});
