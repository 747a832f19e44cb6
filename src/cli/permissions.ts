/**
 * What a command may touch, as Deno's permission flags: exactly the project, the cache, the files the
 * user named, the compiler. Computed by the launcher, since a task's own flags cannot expand variables.
 */

import { dirname } from "@std/path";
import type { ParsedArgs } from "./args.ts";
import type { Command } from "./flags.ts";
import { PIP_ENVIRONMENT } from "../model/pip_environment.ts";

/** Absolute places a command works with. */
export interface Places {
  readonly root: string;
  readonly cache: string;
  /** The folder the user typed the command in. */
  readonly cwd: string;
  /** Compilers and interpreters found on the PATH. */
  readonly programs: readonly string[];
}

/** Environment variables Kerf itself reads, then those its libraries look at when they load. */
const ENVIRONMENT = [
  ...["KERF_*", "HF_TOKEN", "HF_ENDPOINT", "INIT_CWD", "CC", "PATH", "HOME", "TMPDIR"],
  ...["NO_COLOR", "TERM", "COLUMNS"],
  ...PIP_ENVIRONMENT,
  ...[
    "NODE_*",
    "TSC_*",
    "VSCODE_INSPECTOR_OPTIONS",
    "__MINIMATCH_TESTING_PLATFORM__",
    "TINYGLOBBY_DEBUG",
  ],
];

/** A model source that is a file: neither a hub name nor absent. */
const modelPath = (values: ParsedArgs["values"]) =>
  typeof values.m === "string" && !values.m.startsWith("hf:") ? [values.m] : [];

/** Deno's flags for one invocation of a command. */
export function permissionFlags(command: Command, parsed: ParsedArgs, places: Places): string[] {
  const absolute = (path: string) => path.startsWith("/") ? path : `${places.cwd}/${path}`;
  const named = (kind: "path-in" | "path-out") =>
    command.flags
      .filter((flag) => flag.kind === kind && parsed.values[flag.name] !== undefined)
      .map((flag) => absolute(String(parsed.values[flag.name])));
  const outputs = named("path-out");
  const read = [
    places.root,
    places.cache,
    ...modelPath(parsed.values).map(absolute),
    ...named("path-in"),
    ...outputs,
    ...places.programs,
  ];
  const write = [
    places.cache,
    ...(command.name === "gen" ? [`${places.root}/generated`] : []),
    ...outputs.map((file): string => dirname(file)),
  ];
  const hub = String(parsed.values.m ?? "").startsWith("hf:") || parsed.values.m === undefined;
  const runs = [...places.programs, ...(command.name === "bench" ? named("path-in") : [])];
  return [
    "--no-prompt",
    `--allow-read=${list(read)}`,
    `--allow-write=${list(write)}`,
    `--allow-env=${list(ENVIRONMENT)}`,
    `--allow-ffi=${list([places.cache])}`,
    ...(runs.length > 0 ? [`--allow-run=${list(runs)}`] : []),
    ...(hub ? ["--allow-net"] : []),
  ];
}

/** Deno splits lists at commas; a comma in a path is doubled. */
const list = (items: readonly string[]) =>
  items.map((item) => item.replaceAll(",", ",,")).join(",");
