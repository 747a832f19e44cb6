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

const PROGRAMS = ["chromium", "chromium-browser", "google-chrome"];

const FLAGS = [
  ...["--headless=new", "--no-sandbox", "--no-first-run", "--disable-background-networking"],
  ...["--enable-unsafe-webgpu", "--use-webgpu-adapter=swiftshader"],
];

/** Head sizes and groups: the ends of what kernels take, and the default model's. */
const SHAPES = [[16, 1], [64, 3], [128, 8], [256, 4]] as const;

/** Beside the specification's defaults: attention binds up to ten storage buffers. */
const LIMITS = { maxStorageBuffersPerShaderStage: 10 };

/** Starting Chromium takes a second or two and the shaders a few more; a hang is not waited for. */
const TIMEOUT_MS = 180_000;

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

/** The first program that runs; some systems have a script by its name that says where to get it. */
async function findChromium(): Promise<string | undefined> {
  for (const program of PROGRAMS) {
    try {
      const { success } = await new Deno.Command(program, { args: ["--version"] }).output();
      if (success) return program;
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
  return undefined;
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
): Promise<Message[][]> {
  const page = await Deno.readTextFile(new URL("chromium/shaders.html", import.meta.url));
  const answer = Promise.withResolvers<{ results?: Message[][]; problem?: string }>();
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, async (request) => {
    const { pathname } = new URL(request.url);
    if (pathname === "/shaders") return Response.json({ shaders, limits: LIMITS });
    if (pathname !== "/results") {
      return new Response(page, { headers: { "content-type": "text/html" } });
    }
    answer.resolve(await request.json());
    return new Response();
  });
  const profile = await Deno.makeTempDir();
  const browser = new Deno.Command(program, {
    args: [...FLAGS, `--user-data-dir=${profile}`, `http://127.0.0.1:${server.addr.port}/`],
    stdout: "null",
    stderr: "null",
  }).spawn();
  const timer = setTimeout(
    () => answer.resolve({ problem: `no answer within ${TIMEOUT_MS / 1000} s` }),
    TIMEOUT_MS,
  );
  try {
    const { results, problem } = await answer.promise;
    if (results === undefined) throw new Error(`${program}: ${problem}`);
    return results;
  } finally {
    clearTimeout(timer);
    browser.kill();
    await browser.status;
    await server.shutdown();
    await removeProfile(profile);
  }
}

/** Processes of the browser outlive it for a moment, and still write there. */
async function removeProfile(path: string): Promise<void> {
  for (let left = 100;; left--) {
    try {
      return await Deno.remove(path, { recursive: true });
    } catch (error) {
      if (left === 0) throw error;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
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
if (ignore) console.error("ignored: no Chromium (Debian: apt-get install chromium)");

Deno.test({
  name: "every generated shader is valid in Chromium",
  ignore,
  async fn() {
    if (program === undefined) throw new Error("KERF_REQUIRE: apt-get install chromium");
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
