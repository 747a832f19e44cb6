/**
 * What `deno task` starts: resolves the places a command works with and runs it in a process of its own
 * with exactly those permissions. It loads no command.
 */

import { join } from "@std/path";
import { KerfError } from "../core/error.ts";
import { nearest } from "../core/nearest.ts";
import { runDeno } from "../sys/deno.ts";
import { parseCommand } from "./args.ts";
import { commandOf, COMMANDS } from "./flags.ts";
import { permissionFlags } from "./permissions.ts";
import { ROOT } from "./root.ts";

/** Absolute paths of the first program found of each list, following PATH. */
function findPrograms(...names: string[]): string[] {
  const folders = (Deno.env.get("PATH") ?? "").split(":").filter((folder) =>
    folder.startsWith("/")
  );
  return names.flatMap((name) =>
    (name.startsWith("/") ? [name] : folders.map((folder) => join(folder, name)))
      .filter((path) => {
        try {
          return Deno.statSync(path).isFile;
        } catch {
          return false;
        }
      })
      .slice(0, 1)
  );
}

/** The launcher's whole work; returns the exit code. */
async function launch(words: readonly string[]): Promise<number> {
  const [name = "", ...rest] = words;
  const command = commandOf(name);
  if (!command) {
    const near = nearest(name, COMMANDS.map((c) => c.name));
    throw new KerfError(`Unknown command "${name}"`, {
      hint: near ? `did you mean ${near}?` : COMMANDS.map((c) => c.name).join(", "),
      exitCode: 2,
    });
  }
  const main = join(ROOT, "src/cli/main.ts");
  const cwd = Deno.env.get("INIT_CWD") ?? Deno.cwd();
  const cache = Deno.env.get("KERF_CACHE") ?? join(ROOT, ".cache");
  const trusted = command.name === "test" || command.name === "setup";
  const flags = trusted ? ["--allow-all"] : permissionFlags(command, parseCommand(command, rest), {
    root: ROOT,
    cache: cache.startsWith("/") ? cache : join(cwd, cache),
    cwd,
    programs: findPrograms(
      ...(Deno.env.get("CC") ? [Deno.env.get("CC")!] : []),
      "cc",
      "gcc",
      "clang",
      "python3",
      "git",
    ),
  });
  // A new process sees the files as they are now; modules once loaded would stay as they were.
  const watch = words.includes("--watch") ? ["--watch=kernels,templates", "--no-clear-screen"] : [];
  return await runDeno(["run", "--quiet", ...watch, ...flags, main, ...words], {
    cwd: ROOT,
    env: { INIT_CWD: cwd },
  });
}

if (import.meta.main) {
  try {
    Deno.exit(await launch(Deno.args));
  } catch (error) {
    if (!(error instanceof KerfError)) throw error;
    console.error(error.render());
    Deno.exit(error.exitCode);
  }
}
