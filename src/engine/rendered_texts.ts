/**
 * Kernels that were not generated beforehand, rendered by a process of its own and kept in the cache under
 * the hash of all that rendering reads. So a process that runs a model never holds ts-morph, and starts as
 * fast with a composition as with a shipped layout once it was rendered.
 */

import { join } from "@std/path";
import { artifact } from "../build/mod.ts";
import { KerfError } from "../core/error.ts";
import type { KernelEntry, Target } from "../core/manifest.ts";
import { cacheDir, projectRoot } from "../sys/cache_dir.ts";
import { runCommand } from "../sys/command.ts";

/** A kernel's manifest entry and the text that holds it. */
export interface KernelText {
  readonly entry: KernelEntry;
  readonly text: string;
}

/** What `src/emit/render_process.ts` prints. */
type Answer =
  | { readonly kernels: readonly KernelText[] }
  | {
    readonly error: {
      readonly message: string;
      readonly hints: readonly string[];
      readonly where?: string;
      readonly exitCode: 1 | 2 | 130;
    };
  };

/** What rendering reads: kernels and templates of a project, and Kerf itself. */
const PROJECT_FOLDERS = ["kernels", "templates"];
const OWN_FOLDERS = ["src/core", "src/ir", "src/layout", "src/dsl", "src/frontend", "src/emit"];

/**
 * Renders kernels, or reads them as they were rendered before from the same files.
 *
 * @param root the project's folder, without a slash at its end
 * @returns in the order of the names
 * @throws {KerfError} a kernel file has problems, none makes a kernel, or the target has no template for it
 */
export async function renderedTexts(
  names: readonly string[],
  { target, root }: { readonly target: Target; readonly root: string },
): Promise<readonly KernelText[]> {
  const own = projectRoot();
  const path = await artifact({
    dir: join(cacheDir(), "rendered"),
    name: target,
    extension: ".json",
    inputs: [
      ...names,
      await Deno.readTextFile(join(own, "deno.json")),
      ...await textsBelow(root, PROJECT_FOLDERS),
      ...await textsBelow(own, OWN_FOLDERS),
    ],
    make: async (workDir) => {
      const file = join(workDir, "kernels.json");
      const kernels = await render(own, { root, target, names });
      await Deno.writeTextFile(file, JSON.stringify(kernels));
      return file;
    },
  });
  return JSON.parse(await Deno.readTextFile(path));
}

/** @throws {KerfError} as the renderer does */
async function render(
  own: string,
  request: { readonly root: string; readonly target: Target; readonly names: readonly string[] },
): Promise<readonly KernelText[]> {
  const denoDir = Deno.env.get("DENO_DIR");
  const permissions = ["--no-prompt", `--allow-read=${own},${request.root}`, "--allow-env"];
  const process = join(own, "src/emit/render_process.ts");
  const { code, stdout, stderr } = await runCommand(
    Deno.execPath(),
    ["run", "--quiet", "--no-check", ...permissions, process],
    {
      cwd: own,
      stdin: JSON.stringify(request),
      env: denoDir === undefined ? {} : { DENO_DIR: denoDir },
    },
  );
  // SIGINT goes to every process of a terminal's group.
  if (code === 130) throw new KerfError("Rendering kernels was interrupted", { exitCode: 130 });
  if (code !== 0) throw new Error(`Rendering kernels ended with ${code}:\n${stderr}`);
  const answer: Answer = JSON.parse(stdout);
  if ("kernels" in answer) return answer.kernels;
  const { message, hints, where, exitCode } = answer.error;
  throw new KerfError(message, {
    hint: hints,
    exitCode,
    ...(where === undefined ? {} : { where }),
  });
}

/** Paths and texts of the files below folders, sorted; tests are none of them. */
async function textsBelow(root: string, folders: readonly string[]): Promise<string[]> {
  const paths: string[] = [];
  const walk = async (folder: string) => {
    for await (const { name, isDirectory } of Deno.readDir(join(root, folder))) {
      const path = `${folder}/${name}`;
      if (isDirectory) await walk(path);
      else if (!name.endsWith("_test.ts")) paths.push(path);
    }
  };
  for (const folder of folders) await walk(folder);
  const sorted = paths.sort();
  const texts = await Promise.all(sorted.map((path) => Deno.readTextFile(join(root, path))));
  return sorted.flatMap((path, i) => [path, texts[i]!]);
}
