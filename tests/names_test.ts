/**
 * An author may call things what the languages and the templates call theirs: such names come out changed,
 * and the kernels compile on every target. What would be ambiguous is refused with the name to change.
 */

import { assert, assertEquals, assertRejects } from "@std/assert";
import type { Attention } from "../src/dsl/mod.ts";
import { KerfError } from "../src/core/mod.ts";
import { testDevice } from "../src/device/testing.ts";
import { ignoreWithoutAdapter, testWebgpu } from "../src/device/webgpu/testing.ts";
import type { CatalogEntry } from "../src/emit/catalog.ts";
import { emitKernel } from "../src/emit/emit_kernels.ts";
import type { EmittedKernel } from "../src/emit/emit_kernels.ts";
import { openTemplates } from "../src/emit/environment.ts";
import { FAMILIES } from "../src/emit/families/mod.ts";
import { EMIT_TARGETS } from "../src/emit/targets/mod.ts";
import type { KernelSource } from "../src/emit/types.ts";
import { openFrontend } from "../src/frontend/mod.ts";
import { projectRoot } from "../src/sys/cache_dir.ts";
import { compileForEmulator } from "./_emulator.ts";

const DENSE = "k_f16t16_v_f16t1";
const LISTED = "k_list_f16t16_f16t16_v_f16t1";
const templates = openTemplates(`${projectRoot()}/templates`);
const frontend = openFrontend(projectRoot(), { kernels: "tests/fixtures" });

async function sourceOf(name: string): Promise<KernelSource> {
  const result = await frontend.lowerFile(`tests/fixtures/names/${name}.ts`);
  if (!result.ok) throw new Error(JSON.stringify(result.diagnostics));
  return { ...result.lowered, authored: [], doc: [] };
}

const entryOf = (source: KernelSource, head: string, suffixes: string[]): CatalogEntry => ({
  ...{ source, family: FAMILIES[source.definition.kind]!, request: { head, suffixes } },
});

const emit = (entry: CatalogEntry): Promise<EmittedKernel> =>
  emitKernel(entry, EMIT_TARGETS, templates);

const kernels = await Promise.all([
  emit(entryOf(await sourceOf("attention"), "attention_words_prefill", [DENSE])),
  emit(entryOf(await sourceOf("attention"), "attention_words_decode", [LISTED])),
  emit(entryOf(await sourceOf("prune"), "channel_scores_words", [LISTED])),
  emit(entryOf(await sourceOf("rowwise"), "words", [])),
]);

const definesOf = ({ entry: { signature } }: EmittedKernel) =>
  Object.fromEntries(signature.defines.map((name) => [name, name === "GROUP" ? 3 : 64]));

Deno.test("kernels with such names compile as C", async () => {
  const requests = kernels.map((kernel) => ({
    ...{ entry: kernel.entry, text: kernel.texts.c!, defines: definesOf(kernel) },
  }));
  assertEquals((await (await testDevice()).compile(requests)).length, kernels.length);
});

Deno.test("kernels with such names compile as CUDA", async () => {
  for (const kernel of kernels) {
    const { name } = kernel.entry.signature;
    const source = { name, text: kernel.texts.cuda!, defines: definesOf(kernel) };
    await compileForEmulator(source, { checked: false });
  }
});

Deno.test({
  name: "kernels with such names compile as WGSL",
  ignore: await ignoreWithoutAdapter(),
  sanitizeOps: false,
  sanitizeResources: false,
  async fn() {
    const device = await testWebgpu();
    const requests = kernels.map((kernel) => ({
      ...{ entry: kernel.entry, text: kernel.texts.wgsl!, defines: definesOf(kernel) },
    }));
    assertEquals((await device.compile(requests)).length, kernels.length);
  },
});

Deno.test("parameters keep the names that a plan binds", () => {
  const { signature } = kernels[0]!.entry;
  const names = [...signature.bindings, ...signature.constants].map(({ name }) => name);
  for (const name of ["float", "filter", "unix", "register", "ptr"]) {
    assert(names.includes(name), name);
  }
});

/** A source whose definition is changed. */
const changed = (source: KernelSource, change: object): KernelSource => ({
  ...source,
  definition: { ...source.definition, ...change },
});

Deno.test("a parameter with the name of one of the kernel's own constants is refused", async () => {
  const words = await sourceOf("attention");
  const { params } = words.definition as Attention;
  const source = changed(words, { params: { ...params, scale: { default: 1 } } });
  const error = await assertRejects(
    () => emit(entryOf(source, "attention_words_prefill", [DENSE])),
    KerfError,
    'two of its buffers and constants are called "scale"',
  );
  assertEquals(error.hints, ['rename "scale"']);
  assertEquals(error.where, "tests/fixtures/names/attention.ts");
});

Deno.test("a kernel or an input whose name is a word of a target's language is refused", async () => {
  const source = await sourceOf("rowwise");
  const named = changed(source, { name: "double" });
  const kernel = await assertRejects(() => emit(entryOf(named, "double", [])), KerfError);
  assertEquals(kernel.hints, ['rename "double"']);
  assert(kernel.message.includes("its name is a word of target c's language"), kernel.message);
  const input = changed(source, { inputs: { x: "row", filter: "row" } });
  const error = await assertRejects(() => emit(entryOf(input, "words", [])), KerfError);
  assert(error.message.includes('its input "filter" is a word of target wgsl'), error.message);
});
