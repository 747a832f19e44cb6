/**
 * Every CUDA kernel of the catalog compiles to a cubin for sm_80 and sm_90 without a warning, and attention
 * also at the ends of what its heads may be. NVRTC compiles them where it is, else nvcc; without either
 * the tests are ignored, unless KERF_REQUIRE names nvrtc.
 */

import { assert, assertEquals, assertRejects } from "@std/assert";
import { join } from "@std/path";
import { compileCuda, findCudaToolchain, mapLimited } from "../src/build/mod.ts";
import type { CudaSource } from "../src/build/mod.ts";
import { KerfError } from "../src/core/mod.ts";
import { catalog } from "../src/emit/catalog.ts";
import { emitKernel } from "../src/emit/emit_kernels.ts";
import { openTemplates } from "../src/emit/environment.ts";
import { loadSources } from "../src/emit/sources.ts";
import { cuda } from "../src/emit/targets/cuda/mod.ts";
import { cacheDir, projectRoot } from "../src/sys/cache_dir.ts";

const required = (Deno.env.get("KERF_REQUIRE") ?? "").split(",").includes("nvrtc");
const toolchain = await findCudaToolchain(cacheDir());
const ignore = toolchain === undefined && !required;
if (ignore) console.error("ignored: neither NVRTC nor nvcc (deno task setup cuda)");
if (required) assertEquals(toolchain?.kind, "nvrtc", "KERF_REQUIRE: deno task setup cuda");

/** Headers are those of the templates, whatever generated/ holds. */
const FILE = "templates/cuda/any.cu";
const ARCHES = ["sm_80", "sm_90"];
/** Of the default model; both architectures. */
const SHAPE = { HEAD_DIM: 64, GROUP: 3 };
/** The ends of what kernels over a cache take, on one architecture and the layout with all they can read. */
const OTHER_SHAPES = [{ HEAD_DIM: 16, GROUP: 1 }, { HEAD_DIM: 256, GROUP: 8 }];

const compile = (source: Omit<CudaSource, "file">) =>
  compileCuda({ ...source, file: FILE }, {
    toolchain: toolchain!,
    dir: join(cacheDir(), "cuda"),
  });

const test = (name: string, fn: () => Promise<void>) => Deno.test({ name, ignore, fn });

test("every CUDA kernel compiles to a cubin for sm_80 and sm_90", async () => {
  const { sources } = await loadSources(projectRoot());
  const templates = openTemplates(`${projectRoot()}/templates`);
  const entries = catalog(sources);
  const kernels = await Promise.all(entries.map((e) => emitKernel(e, [cuda], templates)));
  const jobs = kernels.flatMap(({ entry: { signature }, texts }) => {
    const { name, defines } = signature;
    const job = (arch: string, shape: Record<string, number>) => {
      const given = Object.fromEntries(defines.map((define) => [define, shape[define]!]));
      return { name, text: texts.cuda!, arch, defines: given };
    };
    const wide = defines.includes("GROUP") && name.includes("__k_list_");
    return [
      ...ARCHES.map((arch) => job(arch, SHAPE)),
      ...(wide ? OTHER_SHAPES : []).map((shape) => job("sm_80", shape)),
    ];
  });
  const paths = await mapLimited(jobs, navigator.hardwareConcurrency, compile);
  assertEquals(new Set(paths).size, jobs.length);
  for (const path of paths) {
    // An ELF file for machine 190, which is CUDA's.
    const bytes = await Deno.readFile(path);
    assertEquals([...bytes.subarray(0, 4)], [0x7f, 0x45, 0x4c, 0x46], path);
    assertEquals(bytes[18], 190, path);
  }
});

test("a refused text names the author's line, the problem and a command", async () => {
  const text = '#line 7 "kernels/ops/mine.ts"\n__device__ int f() { return missing; }\n';
  const error = await assertRejects(
    () => compile({ name: "mine", text, arch: "sm_80" }),
    KerfError,
  );
  assert(error.message.includes('Cannot compile kernel "mine": identifier "missing"'));
  assertEquals(error.where, "kernels/ops/mine.ts:7");
  assert(error.hints[0]!.startsWith("nvcc -cubin"), error.hints[0]);
});

test("a warning is an error", async () => {
  const text = 'extern "C" __global__ void f() { int unused = 1; }\n';
  const error = await assertRejects(() => compile({ name: "f", text, arch: "sm_80" }), KerfError);
  assert(error.message.includes('"unused"'), error.message);
});
