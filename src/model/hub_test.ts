import { assert, assertEquals, assertRejects } from "@std/assert";
import { join } from "@std/path";
import { KerfError } from "../core/error.ts";
import type { FetchProgress } from "./fetch_options.ts";
import { resolveModel } from "./fetch.ts";
import { tinyModel } from "./testing.ts";
import { testFolder } from "./testing_files.ts";
import { testHub } from "./testing_hub.ts";
import type { TestHubOptions } from "./testing_hub.ts";

const small = tinyModel({ nLayers: 1 });
const large = tinyModel({ nLayers: 2 });
const files = {
  "README.md": new Uint8Array(9),
  "tiny-Q8_0.gguf": small,
  "sub/tiny-F32.gguf": large,
};
const repo = "someone/tiny";

/** Resolves a hub model against a local hub. */
async function fromHub(
  cacheDir: string,
  options: Partial<TestHubOptions> & {
    source?: string;
    withToken?: string;
    onProgress?: (progress: FetchProgress) => void;
    signal?: AbortSignal;
  } = {},
) {
  await using hub = testHub({ repo, files, ...options });
  Deno.env.set("HF_ENDPOINT", hub.endpoint);
  if (options.withToken === undefined) Deno.env.delete("HF_TOKEN");
  else Deno.env.set("HF_TOKEN", options.withToken);
  try {
    const { onProgress, signal, source = "hf:someone/tiny:F32" } = options;
    const path = await resolveModel(source, {
      cacheDir,
      ...(onProgress ? { onProgress } : {}),
      ...(signal ? { signal } : {}),
    });
    return { path, requests: [...hub.requests] };
  } finally {
    Deno.env.delete("HF_ENDPOINT");
    Deno.env.delete("HF_TOKEN");
  }
}

/** Paths of all files below a folder, but for locks. */
async function filesIn(folder: string): Promise<string[]> {
  const paths: string[] = [];
  for await (const entry of Deno.readDir(folder)) {
    if (entry.isDirectory) paths.push(...await filesIn(join(folder, entry.name)));
    else if (entry.name !== ".lock") paths.push(join(folder, entry.name));
  }
  return paths;
}

Deno.test("a model of the hub is chosen, fetched through its redirect, checked and kept", async () => {
  await using folder = await testFolder();
  const seen: FetchProgress[] = [];
  const first = await fromHub(folder.path, { onProgress: (p) => seen.push(p) });
  assertEquals(await Deno.readFile(first.path), large);
  assertEquals(first.requests, [
    "hub /api/models/someone/tiny/tree/main",
    "hub /someone/tiny/resolve/main/sub/tiny-F32.gguf",
    "store /sub/tiny-F32.gguf",
  ]);
  assertEquals(seen.at(-1), {
    label: "checking tiny-F32.gguf",
    done: large.length,
    total: large.length,
  });
  assert(seen.some(({ label }) => label === "downloading tiny-F32.gguf"));
  const second = await fromHub(folder.path);
  assertEquals(second.path, first.path);
  assertEquals(second.requests.length, 1, "asks which file, downloads nothing");
});

Deno.test("the token goes to the hub and not to the store", async () => {
  await using folder = await testFolder();
  const { requests } = await fromHub(folder.path, { token: "secret", withToken: "secret" });
  assertEquals(requests.map((r) => r.endsWith(" token")), [true, true, false]);
});

Deno.test("without the right token there is one clear line", async () => {
  await using folder = await testFolder();
  const none = await assertRejects(() => fromHub(folder.path, { token: "secret" }), KerfError);
  assert(none.message.includes("the hub answers 401"), none.message);
  assert(none.hints[0]!.includes("export HF_TOKEN="));
  const wrong = await assertRejects(
    () => fromHub(folder.path, { token: "secret", withToken: "wrong" }),
    KerfError,
  );
  assert(wrong.hints[0]!.includes("check HF_TOKEN") && !wrong.render().includes("wrong"));
});

Deno.test("a broken connection is resumed where it broke", async () => {
  await using folder = await testFolder();
  const { path, requests } = await fromHub(folder.path, { breaks: 2, breakAfter: 50_000 });
  assertEquals(await Deno.readFile(path), large);
  assertEquals(requests.filter((r) => r.startsWith("store")), [
    "store /sub/tiny-F32.gguf",
    "store /sub/tiny-F32.gguf bytes=50000-",
    "store /sub/tiny-F32.gguf bytes=100000-",
  ]);
});

Deno.test("a server that ignores Range is read from the start", async () => {
  await using folder = await testFolder();
  const { path } = await fromHub(folder.path, { breaks: 1, breakAfter: 1000, ignoreRange: true });
  assertEquals(await Deno.readFile(path), large);
});

Deno.test("after an interruption the next run goes on, in a file that has no model's name", async () => {
  await using folder = await testFolder();
  const controller = new AbortController();
  const interrupted = await assertRejects(
    () =>
      fromHub(folder.path, {
        breaks: 1,
        breakAfter: 50_000,
        signal: controller.signal,
        onProgress: () => controller.abort(),
      }),
    KerfError,
  );
  assertEquals(interrupted.exitCode, 130);
  const [part, ...others] = await filesIn(folder.path);
  assert(part!.endsWith(".part") && others.length === 0);
  const { size } = await Deno.stat(part!);
  assert(size > 0 && size <= 50_000);
  const { path, requests } = await fromHub(folder.path);
  assertEquals(requests.at(-1), `store /sub/tiny-F32.gguf bytes=${size}-`);
  assertEquals(await Deno.readFile(path), large);
  assertEquals((await filesIn(folder.path)).length, 1);
});

Deno.test("a connection that never brings anything gives up and says how far it came", async () => {
  await using folder = await testFolder();
  const error = await assertRejects(() => fromHub(folder.path, { breaks: 99 }), KerfError);
  assert(error.message.includes(`(0 of ${large.length} bytes are here)`), error.message);
});

Deno.test("a file with the wrong hash is thrown away", async () => {
  await using folder = await testFolder();
  const wrong = "0".repeat(64);
  await assertRejects(
    () => fromHub(folder.path, { listedSha256: wrong }),
    KerfError,
    `not ${wrong}`,
  );
  assertEquals(await filesIn(folder.path), []);
  await assertRejects(
    () => fromHub(folder.path, { linkedSha256: wrong }),
    KerfError,
    `the hub now has ${large.length} bytes, sha256 ${wrong}`,
  );
});

Deno.test("two fetches at once bring one file", async () => {
  await using folder = await testFolder();
  await using hub = testHub({ repo, files });
  Deno.env.set("HF_ENDPOINT", hub.endpoint);
  try {
    const fetchIt = () => resolveModel("hf:someone/tiny:F32", { cacheDir: folder.path });
    const [a, b] = await Promise.all([fetchIt(), fetchIt()]);
    assertEquals(a, b);
    assertEquals(hub.requests.filter((r) => r.startsWith("store")).length, 1);
  } finally {
    Deno.env.delete("HF_ENDPOINT");
  }
});

Deno.test("choosing a file: the only one, Q4_K_M, the named one, or an error that lists them", async () => {
  await using folder = await testFolder();
  const chosen = async (names: string[], source: string) => {
    const repoFiles = Object.fromEntries(names.map((name) => [name, small]));
    const { requests } = await fromHub(`${folder.path}/${names.length}${source.length}`, {
      files: repoFiles,
      source,
    });
    return requests.at(-1);
  };
  assertEquals(await chosen(["a.gguf", "mmproj-a.gguf"], "hf:someone/tiny"), "store /a.gguf");
  assertEquals(
    await chosen(["a-Q8_0.gguf", "a-Q4_K_M.gguf", "a.F16.gguf"], "hf:someone/tiny"),
    "store /a-Q4_K_M.gguf",
  );
  assertEquals(
    await chosen(["a-Q8_0.gguf", "a-IQ8_0.gguf", "x"], "hf:someone/tiny:q8_0"),
    "store /a-Q8_0.gguf",
  );
  const refused = (names: string[], source: string, state: string) =>
    assertRejects(() => chosen(names, source), KerfError, state);
  await refused(["a.txt"], "hf:someone/tiny", "it has no .gguf file");
  await refused(["a-F16.gguf", "a-F32.gguf"], "hf:someone/tiny", "it has 2 models");
  await refused(["a-F16.gguf"], "hf:someone/tiny:Q2_K", "no file ends in Q2_K.gguf");
  await refused(["a-00001-of-00002.gguf"], "hf:someone/tiny", "is one of several shards");
  await refused(["a.gguf"], "hf:someone/else", "the hub answers 404: there is no such thing");
});

Deno.test("a hub that cannot be reached names the models that are here", async () => {
  await using folder = await testFolder();
  const { path } = await fromHub(folder.path);
  // A port nobody listens on: the hub that just closed.
  Deno.env.set("HF_ENDPOINT", "http://127.0.0.1:9");
  try {
    const error = await assertRejects(
      () => resolveModel("hf:someone/tiny:F32", { cacheDir: folder.path }),
      KerfError,
      'Cannot look up "hf:someone/tiny"',
    );
    assertEquals(error.hints, [`pass the file itself: -m ${path}`]);
  } finally {
    Deno.env.delete("HF_ENDPOINT");
  }
});
