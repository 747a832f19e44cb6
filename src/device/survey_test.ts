import { assert, assertEquals } from "@std/assert";
import { findCudaToolchain } from "../build/mod.ts";
import { cacheDir } from "../sys/cache_dir.ts";
import { freshDriver } from "./cuda/testing.ts";
import { type DeviceFinding, surveyCuda, surveyDevices } from "./survey.ts";

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

const ignoresCuda = await findCudaToolchain(cacheDir()) === undefined || Deno.env.has("KERF_CUDA");

/** Does something with environment variables as given, which are as before afterwards. */
async function withVariables<T>(variables: Record<string, string>, test: () => Promise<T>) {
  const before = Object.keys(variables).map((name) => [name, Deno.env.get(name)] as const);
  for (const [name, value] of Object.entries(variables)) Deno.env.set(name, value);
  try {
    return await test();
  } finally {
    for (const [name, value] of before) {
      value === undefined ? Deno.env.delete(name) : Deno.env.set(name, value);
    }
  }
}

Deno.test({
  name: "a GPU that was looked at is closed again, also when it fails meanwhile",
  ignore: ignoresCuda,
  async fn() {
    const driver = await freshDriver();
    await withVariables({ KERF_LIBCUDA: driver.path }, async () => {
      assertEquals((await surveyCuda()).state, "ready");
      assertEquals(driver.leaks(), []);
      driver.fail("cuMemGetInfo_v2", 1, 719);
      const { state, because } = await surveyCuda();
      assertEquals(state, "missing");
      assert(because!.startsWith("cuMemGetInfo: CUDA_ERROR_LAUNCH_FAILED"), because);
      assertEquals(driver.leaks(), []);
    });
  },
});

Deno.test({
  name: "cuBLAS is said to multiply where it is; one that does not load is named",
  ignore: ignoresCuda,
  async fn() {
    const { path } = await freshDriver();
    const products = (KERF_LIBCUBLAS: string) =>
      withVariables({ KERF_LIBCUDA: path, KERF_LIBCUBLAS }, surveyCuda);
    const said = (finding: DeviceFinding) =>
      finding.facts.find(({ name }) => name === "products")?.value;
    assertEquals(said(await products(path)), "cuBLAS 13.0");
    assertEquals(said(await products("none")), "generated kernels");
    const { state, because, fix } = await products("/nowhere/libcublas.so.13");
    assertEquals(state, "missing");
    assert(because!.startsWith('the library "/nowhere/libcublas.so.13" does not load: '), because);
    assert(fix[0]!.startsWith("KERF_LIBCUBLAS=none"), fix.join());
  },
});
