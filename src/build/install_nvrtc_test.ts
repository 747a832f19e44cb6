import { assertEquals, assertRejects } from "@std/assert";
import { join } from "@std/path";
import { zipSync } from "fflate";
import { KerfError } from "../core/error.ts";
import { installNvrtc } from "./install_nvrtc.ts";
import { hasNvrtc, nvrtcFolder } from "./nvrtc.ts";

/** Runs the installation with a script for python3 that puts `members` into a wheel, or nothing. */
async function inCache(
  members: Record<string, string> | undefined,
  body: (options: { cacheDir: string; python: string }) => Promise<void>,
): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    const python = join(folder, "python3");
    const wheel = join(folder, "nvrtc.whl");
    const encoder = new TextEncoder();
    const files = Object.entries(members ?? {}).map(([n, text]) => [n, encoder.encode(text)]);
    await Deno.writeFile(wheel, zipSync(Object.fromEntries(files)));
    // pip's last argument is the folder to download to.
    const copy = members === undefined ? "" : `cp '${wheel}' "$to/"`;
    await Deno.writeTextFile(python, `#!/bin/sh\nfor to in "$@"; do :; done; ${copy}\n`, {
      mode: 0o755,
    });
    await body({ cacheDir: join(folder, "cache"), python });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const BUILTINS = "nvidia/cu13/lib/libnvrtc-builtins.so.13.0";
const COMPILER = "nvidia/cu13/lib/libnvrtc.so.13";

const filesIn = (folder: string) => [...Deno.readDirSync(folder)].map(({ name }) => name).sort();

Deno.test("both libraries of the wheel arrive together, once", () =>
  inCache({ [BUILTINS]: "b", [COMPILER]: "c", "other": "x" }, async (options) => {
    const stale = join(options.cacheDir, "nvrtc", "fetch-stale");
    await Deno.mkdir(stale, { recursive: true });
    assertEquals(await installNvrtc(options), true);
    const folder = nvrtcFolder(options.cacheDir);
    assertEquals(filesIn(folder), ["libnvrtc-builtins.so.13.0", "libnvrtc.so.13"]);
    assertEquals(await Deno.readTextFile(join(folder, "libnvrtc.so.13")), "c");
    assertEquals(filesIn(join(options.cacheDir, "nvrtc")), ["13.0.88"]);
    assertEquals(await installNvrtc({ ...options, python: "/no/such/python" }), false);
  }));

Deno.test("a wheel without the libraries, or none, leaves nothing", async () => {
  await inCache({ [BUILTINS]: "b" }, async (options) => {
    await assertRejects(() => installNvrtc(options), KerfError, "the member is not there");
    assertEquals(await hasNvrtc(options.cacheDir), false);
    assertEquals(filesIn(join(options.cacheDir, "nvrtc")), []);
  });
  await inCache(undefined, async (options) => {
    await assertRejects(() => installNvrtc(options), KerfError, "pip brought no wheel");
    assertEquals(filesIn(join(options.cacheDir, "nvrtc")), []);
  });
});
