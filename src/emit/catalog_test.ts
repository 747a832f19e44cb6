import { assertEquals, assertThrows } from "@std/assert";
import { KerfError } from "../core/error.ts";
import { projectRoot } from "../sys/cache_dir.ts";
import { catalog, findKernel } from "./catalog.ts";
import { loadSources } from "./sources.ts";
import { kernelName } from "./types.ts";

const { sources } = await loadSources(projectRoot());

Deno.test("every kernel of the catalog is found by its name", () => {
  for (const { source, request } of catalog(sources)) {
    assertEquals(findKernel(sources, kernelName(request))?.source.file, source.file);
  }
});

Deno.test("two files that make one kernel are an error that names both", () => {
  const twin = {
    ...sources.find((s) => s.file.endsWith("residual_add.ts"))!,
    file: "kernels/ops/x.ts",
  };
  const error = assertThrows(() => catalog([...sources, twin]), KerfError, '"residual_add" twice');
  assertEquals(error.where, "kernels/ops/residual_add.ts and kernels/ops/x.ts");
});
