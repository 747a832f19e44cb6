/**
 * Every CUDA kernel of the catalog compiles to a cubin for sm_80 and sm_90 without a warning, and attention
 * also at the ends of what its heads may be; at the default model's sizes none spills. NVRTC compiles them
 * where it is, else nvcc; without either the tests are ignored, unless KERF_REQUIRE names nvrtc.
 */

import { assert, assertEquals, assertRejects } from "@std/assert";
import { join } from "@std/path";
import {
  compileCuda,
  findCudaToolchain,
  mapLimited,
  readCubinResources,
} from "../src/build/mod.ts";
import type { CudaSource } from "../src/build/mod.ts";
import { KerfError } from "../src/core/mod.ts";
import { catalog, isOnTarget } from "../src/emit/catalog.ts";
import { emitKernel } from "../src/emit/emit_kernels.ts";
import { openTemplates } from "../src/emit/environment.ts";
import { loadSources } from "../src/emit/sources.ts";
import { cuda } from "../src/emit/targets/cuda/mod.ts";
import { cacheDir, projectRoot } from "../src/sys/cache_dir.ts";
import { isRequired } from "../src/sys/required_testing.ts";

const required = isRequired("nvrtc");
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

const NO_SPILLS = { spillStoreBytes: 0, spillLoadBytes: 0 };

const compile = (source: Omit<CudaSource, "file">) =>
  compileCuda({ ...source, file: FILE }, {
    toolchain: toolchain!,
    dir: join(cacheDir(), "cuda"),
  });

const test = (name: string, fn: () => Promise<void>) => Deno.test({ name, ignore, fn });

test("every CUDA kernel compiles to a cubin for sm_80 and sm_90, and none spills", async () => {
  const { sources } = await loadSources(projectRoot());
  const templates = openTemplates(`${projectRoot()}/templates`);
  const entries = catalog(sources).filter((entry) => isOnTarget(entry, cuda));
  const kernels = await Promise.all(entries.map((e) => emitKernel(e, [cuda], templates)));
  const jobs = kernels.flatMap(({ entry: { signature, sources }, texts }) => {
    const { name, defines } = signature;
    const product = sources.cuda?.product;
    const job = (arch: string, shape: Record<string, number>) => {
      const given = Object.fromEntries(defines.map((define) => [define, shape[define]!]));
      const entryPoints = [name, ...(product ? [product.unpack, product.finish] : [])];
      return { source: { name, text: texts.cuda!, arch, defines: given }, shape, entryPoints };
    };
    const wide = defines.includes("GROUP") && name.includes("__k_list_");
    return [
      ...ARCHES.map((arch) => job(arch, SHAPE)),
      ...(wide ? OTHER_SHAPES : []).map((shape) => job("sm_80", shape)),
    ];
  });
  const paths = await mapLimited(
    jobs,
    navigator.hardwareConcurrency,
    ({ source }) => compile(source),
  );
  assertEquals(new Set(paths).size, jobs.length);
  for (const [i, path] of paths.entries()) {
    // An ELF file for machine 190, which is CUDA's.
    const bytes = await Deno.readFile(path);
    assertEquals([...bytes.subarray(0, 4)], [0x7f, 0x45, 0x4c, 0x46], path);
    assertEquals(bytes[18], 190, path);
    const { source: { arch }, shape, entryPoints } = jobs[i]!;
    for (const name of entryPoints) {
      const { registers, ...resources } = await readCubinResources(path, name);
      const at = `${name} on ${arch}`;
      // 255 is the most that the instruction set can name.
      assert(registers >= 8 && registers <= 255, `${at}: ${registers} registers`);
      // Static shared memory and constant banks have their limits on every architecture.
      assert(resources.sharedBytes <= 48 << 10, `${at} shares ${resources.sharedBytes}`);
      assert(resources.constantBytes > 0, `${at} has no parameters`);
      if (shape !== SHAPE) continue;
      const { spillStoreBytes, spillLoadBytes } = resources;
      assertEquals({ spillStoreBytes, spillLoadBytes }, NO_SPILLS, at);
    }
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

test("a kernel with too few registers is seen to spill", async () => {
  // Forty sums that all live to the end, in the 32 registers that two blocks of 1024 threads leave.
  const text = `extern "C" __global__ void __launch_bounds__(1024, 2) f(const float *x, float *y) {
  float sums[40];
  for (int i = 0; i < 40; i++) sums[i] = x[i + threadIdx.x];
  __syncthreads();
  for (int k = 0; k < 100; k++)
    for (int i = 0; i < 40; i++) sums[i] = sums[i] * sums[(i + 7) % 40] + x[k];
  for (int i = 0; i < 40; i++) y[i + 40 * threadIdx.x] = sums[i];
}
`;
  const path = await compile({ name: "f", text, arch: "sm_80" });
  const { registers, spillStoreBytes, spillLoadBytes } = await readCubinResources(path, "f");
  assertEquals(registers, 32);
  assert(spillStoreBytes > 0 && spillLoadBytes > 0, `${spillStoreBytes}, ${spillLoadBytes}`);
});

test("an architecture that the compiler does not know is its refusal, with a command", async () => {
  const text = 'extern "C" __global__ void f() {}\n';
  const error = await assertRejects(() => compile({ name: "f", text, arch: "sm_999" }), KerfError);
  assert(error.message.startsWith('Cannot compile kernel "f": '), error.message);
  assert(/sm_999|gpu-architecture|arch/.test(error.message), error.message);
  assert(error.hints[0]!.includes("-arch=sm_999"), error.hints[0]);
});
