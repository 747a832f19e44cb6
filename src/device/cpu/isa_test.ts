import { assertEquals, assertThrows } from "@std/assert";
import { KerfError } from "../../core/error.ts";
import { projectUrl, runChild } from "../../sys/testing.ts";
import { runKernel, testDevice, testIsas } from "../testing.ts";
import { chooseIsa, isaLevels } from "./isa.ts";
import { mix, mixed } from "./toy_testing.ts";

Deno.test("a CPU runs its own level and those below", () => {
  assertEquals(isaLevels(6), ["bf16", "vnni", "v4", "v3", "v2", "base"]);
  assertEquals(isaLevels(5), ["vnni", "v4", "v3", "v2", "base"]);
  assertEquals(isaLevels(4), ["v4", "v3", "v2", "base"]);
  assertEquals(isaLevels(3), ["v3", "v2", "base"]);
  assertEquals(isaLevels(2), ["v2", "base"]);
  assertEquals(isaLevels(1), ["base"]);
  assertEquals(isaLevels(0), ["base"]);
  assertEquals(isaLevels(16), ["base"]);
  assertEquals(isaLevels(17), ["dotprod", "base"]);
});

Deno.test("the level asked for is taken, and one that is missing is refused", () => {
  assertEquals(chooseIsa(4, "v2"), "v2");
  assertThrows(
    () => chooseIsa(3, "v4"),
    KerfError,
    'Cannot compile for the instruction set "v4": this CPU does not have it',
  );
  assertThrows(() => chooseIsa(5, "dotprod"), KerfError, '"dotprod": this CPU does not have it');
});

Deno.test("KERF_ISA chooses, the machine chooses without it, and a wrong one is refused", async () => {
  const choose = async (env: Record<string, string>) => {
    const { stdout } = await runChild(
      `import { chooseIsa } from "${projectUrl("src/device/cpu/isa.ts")}";
       try { console.log(chooseIsa(3)); } catch (error) { console.log(error.render()); }`,
      { env },
    );
    return stdout.trim();
  };
  assertEquals(await choose({}), "v3");
  assertEquals(await choose({ KERF_ISA: "" }), "v3");
  assertEquals(await choose({ KERF_ISA: "v2" }), "v2");
  assertEquals(
    await choose({ KERF_ISA: "avx9" }),
    'error: Cannot compile for the instruction set "avx9": there is no such level\n' +
      "hint: KERF_ISA=v3   (one of v3, v2, base)",
  );
});

Deno.test("a kernel compiled for every level of this machine gives the same result", async () => {
  const x = Uint32Array.from({ length: 333 }, (_, i) => i * i);
  for (const isa of await testIsas()) {
    const out = await runKernel({
      ...{ ...mix, isa, constants: { shift: 5 }, step: { nRows: 333 } },
      buffers: { x, y: new Uint32Array(333) },
    });
    assertEquals(Object.keys(out), ["y"], "only written buffers come back");
    assertEquals(out.y, mixed(x, 5));
    const { name } = await testDevice({ isa });
    assertEquals(name.includes(isa === "base" ? "baseline" : isa), true, name);
  }
});
