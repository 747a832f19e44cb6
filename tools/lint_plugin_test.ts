import { assertEquals, assertStringIncludes } from "@std/assert";
import plugin, { importProblem, namedTarget } from "./lint_plugin.ts";
import { TARGETS } from "../src/core/manifest.ts";
import { fromFileUrl } from "@std/path";

const at = (path: string) => fromFileUrl(new URL(`../${path}`, import.meta.url));

Deno.test("imports point one way", () => {
  assertEquals(importProblem("src/ir/print.ts", "../core/error.ts"), undefined);
  assertStringIncludes(
    importProblem("src/ir/print.ts", "../dsl/mod.ts")!,
    "may not import src/dsl",
  );
  assertStringIncludes(importProblem("src/engine/plan.ts", "../emit/mod.ts")!, "may not import");
  assertStringIncludes(
    importProblem("kernels/ops/x.ts", "../../src/core/mod.ts")!,
    "may not import",
  );
  assertEquals(importProblem("kernels/ops/x.ts", "kerf/dsl"), undefined);
});

Deno.test("heavy packages have one importer", () => {
  assertEquals(importProblem("src/frontend/mod.ts", "ts-morph"), undefined);
  assertStringIncludes(importProblem("src/cli/gen.ts", "nunjucks")!, "only src/emit");
});

Deno.test("shared code names no target", () => {
  for (const target of TARGETS) {
    for (
      const folder of ["core", "dsl", "emit", "emit/families", "engine", "frontend", "ir", "layout"]
    ) {
      assertEquals(namedTarget(`src/${folder}/x.ts`, target), target);
    }
    assertEquals(namedTarget("src/engine/x.ts", `generated/${target}/`), target);
    assertEquals(namedTarget(`src/emit/targets/${target}/mod.ts`, target), undefined);
    assertEquals(namedTarget("src/device/x.ts", target), undefined);
    assertEquals(namedTarget("src/emit/x_test.ts", target), undefined);
  }
  assertEquals(namedTarget("src/emit/x.ts", "scalar"), undefined);
  assertEquals(namedTarget("src/core/manifest.ts", "c"), undefined);
});

Deno.test("a violation in a file is reported where it stands", () => {
  const found = (path: string, text: string) =>
    Deno.lint.runPlugin(plugin, at(path), text).map((d) => d.message);
  assertEquals(found("src/cli/x.ts", 'new Deno.Command("ls");'), [
    "only src/sys may use Deno.Command",
  ]);
  assertEquals(found("src/sys/x.ts", 'new Deno.Command("ls");'), []);
  assertEquals(found("src/ir/x.ts", 'export * from "../dsl/mod.ts";').length, 1);
  assertEquals(found("src/emit/x.ts", 'if (target.name === "cuda") f();').length, 1);
  assertEquals(found("src/emit/x.ts", "const path = `${root}/generated/c/${name}`;").length, 1);
  assertEquals(found("src/engine/x.ts", "f(entry.sources.cuda?.file);").length, 1);
  assertEquals(found("src/engine/x.ts", "f(entry.sources[device.target], point.c);"), []);
  assertEquals(found("src/engine/x.ts", "navigator.gpu.requestAdapter();").length, 1);
});
