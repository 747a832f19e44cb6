/**
 * Every generated WGSL shader passes the compiler of Chrome (Tint), which refuses some of what Deno's (naga)
 * accepts, such as a barrier in non-uniform control flow. Headless Chromium loads a page from this process,
 * compiles the shaders and makes their pipelines on its software adapter. Runs nothing. Without Chromium
 * it is ignored, unless KERF_REQUIRE names chromium.
 */

import { assert, assertEquals } from "@std/assert";
import type { Manifest } from "../src/core/mod.ts";
import { completeSource } from "../src/device/webgpu/source.ts";
import { bufferTypes } from "../src/device/webgpu/shader.ts";
import { projectRoot } from "../src/sys/cache_dir.ts";
import { isRequired } from "../src/sys/required_testing.ts";
import { askChromium, chromiumPage, findChromium, INSTALL_CHROMIUM } from "./_chromium.ts";

const FLAGS = ["--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader"];

/** Head sizes and groups: the ends of what kernels take, and the default model's. */
const SHAPES = [[16, 1], [64, 3], [128, 8], [256, 4]] as const;

/** Beside the specification's defaults: attention binds up to ten storage buffers. */
const LIMITS = { maxStorageBuffersPerShaderStage: 10 };

interface Shader {
  readonly name: string;
  readonly code: string;
  readonly bufferTypes: readonly string[];
  readonly makesPipeline: boolean;
}

interface Message {
  readonly line: number;
  readonly column: number;
  readonly message: string;
}

/**
 * Every shader of the manifest in every shape it has, with the names that messages begin with. A pipeline is
 * made of the first shape of each template and list of bindings: what Tint refuses of a text it refuses
 * before, and the software adapter takes up to two seconds for each.
 */
async function manifestShaders(): Promise<{ label: string; shader: Shader }[]> {
  const root = projectRoot();
  const text = await Deno.readTextFile(`${root}/generated/manifest.json`);
  const { kernels } = JSON.parse(text) as Manifest;
  const shaders = [];
  const seen = new Set<string>();
  for (const { signature, sources: { wgsl } } of Object.values(kernels)) {
    const { name, defines } = signature;
    if (!wgsl) continue;
    const { file, template } = wgsl;
    const outside = JSON.stringify([template, bufferTypes(signature)]);
    const generated = await Deno.readTextFile(`${root}/${file}`);
    for (const [i, [headDim, group]] of SHAPES.entries()) {
      if (i > 0 && defines.length === 0) break;
      const values: Record<string, number> = { HEAD_DIM: headDim, GROUP: group };
      const given = Object.fromEntries(defines.map((define) => [define, values[define]!]));
      const code = await completeSource({ text: generated, file, defines: given });
      const label = [file, ...defines.map((define) => `${define}=${given[define]}`)].join(" ");
      const makesPipeline = !seen.has(outside);
      seen.add(outside);
      shaders.push({
        label,
        shader: { name, code, bufferTypes: bufferTypes(signature), makesPipeline },
      });
    }
  }
  return shaders;
}

/** What Chromium says of every shader, in order. */
async function compileInChromium(
  program: string,
  shaders: readonly Shader[],
): Promise<readonly Message[][]> {
  const page = await chromiumPage("shaders.html");
  const { results } = await askChromium<Message[][]>({
    ...{ program, flags: FLAGS },
    serve: (path) =>
      path === "/shaders"
        ? Response.json({ shaders, limits: LIMITS })
        : path === "/"
        ? page
        : undefined,
  });
  return results;
}

/** `file:line:column: message` and the line itself. */
function format(label: string, code: string, { line, column, message }: Message): string {
  return `${label}:${line}:${column}: ${message}\n    ${code.split("\n")[line - 1]?.trim() ?? ""}`;
}

/** Deno accepts it; the specification does not: threads may not all reach the barrier. */
const NON_UNIFORM: Shader = {
  name: "f",
  code: `@compute @workgroup_size(64)
fn f(@builtin(local_invocation_index) lane: u32) {
  if (lane < 7u) { workgroupBarrier(); }
}`,
  bufferTypes: [],
  makesPipeline: false,
};

const program = await findChromium();
const ignore = program === undefined && !isRequired("chromium");
if (ignore) console.error(`ignored: no Chromium (${INSTALL_CHROMIUM})`);

Deno.test({
  name: "every generated shader is valid in Chromium",
  ignore,
  async fn() {
    if (program === undefined) throw new Error(`KERF_REQUIRE: ${INSTALL_CHROMIUM}`);
    const shaders = await manifestShaders();
    assert(shaders.length > 100, `only ${shaders.length} shaders`);
    const [refused, ...results] = await compileInChromium(program, [
      NON_UNIFORM,
      ...shaders.map(({ shader }) => shader),
    ]);
    assert(refused![0]?.message.includes("uniform control flow"), "a wrong shader passed");
    assertEquals(refused![0]!.line, 3);
    assertEquals(results.length, shaders.length);
    const found = results.flatMap((messages, i) => {
      const { label, shader: { code } } = shaders[i]!;
      return messages.map((message) => format(label, code, message));
    });
    assertEquals(found, [], found.join("\n"));
  },
});
