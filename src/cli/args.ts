/**
 * From words to values, by the command's table. @std/cli's parseArgs alone would read `-sys X` as three flags,
 * `-n -1` as a switch and a prompt `42` as a number, so words are first sorted into flags and prompt: a word is
 * a flag when the table has it or it looks like one. parseArgs then sees only `--name=value`.
 */

import { parseArgs } from "@std/cli/parse-args";
import { KerfError } from "../core/error.ts";
import { nearest } from "../core/nearest.ts";
import { COMMANDS } from "./flags.ts";
import type { Command, Flag } from "./flags/command.ts";

/** Values by flag name: what was given and nothing else. */
export interface ParsedArgs {
  readonly values: Readonly<Record<string, FlagValue>>;
  readonly positionals: readonly string[];
  readonly help: boolean;
}

/** One flag's value, by its kind; an array when the flag repeats or is a list. */
export type FlagValue = string | number | boolean | readonly number[] | readonly string[];

/** llama.cpp's several-letter flags with one dash. */
const SHORT_WORDS = new Set(["sys", "ctk", "ctv", "npl", "ub"]);

const dashed = (name: string) => (name.length === 1 || SHORT_WORDS.has(name) ? "-" : "--") + name;

/** How a flag is written. */
export const spelled = (flag: Flag): string => dashed(flag.name);

/** Sorts words by the table: `--name=value` words for parseArgs, and positionals. */
function sortWords(command: Command, words: readonly string[]) {
  const byName = new Map(
    command.flags.flatMap((f) => [f.name, ...f.aliases ?? []].map((n) => [n, f] as const)),
  );
  const flagWords: string[] = [];
  const positionals: string[] = [];
  let help = false;
  for (let i = 0; i < words.length; i++) {
    const word = words[i]!;
    if (word === "--") {
      const rest = words.slice(i + 1);
      positionals.push(...(rest.length > 0 || positionals.length > 0 ? rest : ["--"]));
      break;
    }
    const match = /^--?([A-Za-z][\w-]*)(?:=([\s\S]*))?$/.exec(word);
    if (!match) {
      positionals.push(word);
      continue;
    }
    const [, name, inline] = match as unknown as [string, string, string | undefined];
    const flag = byName.get(name);
    if (name === "help" || (name === "h" && !flag)) {
      help = true;
      continue;
    }
    if (!flag) throw unknownFlag(command, word.split("=")[0]!, [...byName.keys()]);
    if (flag.kind === "switch") {
      if (inline !== undefined) {
        throw new KerfError(`Cannot read "${word}": ${spelled(flag)} takes no value`, {
          hint: spelled(flag),
          exitCode: 2,
        });
      }
      flagWords.push(`--${flag.name}`);
      continue;
    }
    const value = inline ?? words[++i];
    if (value === undefined) {
      throw new KerfError(`Cannot read "${word}": its value is missing`, {
        hint: `${spelled(flag)} ${flag.value ?? "VALUE"}`,
        exitCode: 2,
      });
    }
    flagWords.push(`--${flag.name}=${value}`);
  }
  return { flagWords, positionals, help };
}

function unknownFlag(command: Command, word: string, names: readonly string[]): KerfError {
  const near = nearest(word.replace(/^-+/, ""), names);
  return new KerfError(`Unknown flag "${word}" of ${command.name}`, {
    hint: [
      near ? `did you mean ${dashed(near)}?` : `as a text: deno task ${command.name} -- "${word}"`,
      `deno task ${command.name} --help`,
    ],
    exitCode: 2,
  });
}

/** "64M" → bytes; suffixes K, M, G are powers of 1024. */
export function parseSize(text: string): number | undefined {
  const match = /^(\d+(?:\.\d+)?)\s*([KMG]?)(?:i?B)?$/i.exec(text);
  if (!match) return undefined;
  const power = { "": 0, K: 1, M: 2, G: 3 }[match[2]!.toUpperCase()]!;
  return Math.round(Number(match[1]) * 1024 ** power);
}

function convert(flag: Flag, text: string): string | number | readonly number[] {
  const bad = (what: string) =>
    new KerfError(`Cannot use "${text}" for ${spelled(flag)}: it must be ${what}`, {
      hint: `${spelled(flag)} ${flag.value ?? "VALUE"}: ${flag.help}`,
      exitCode: 2,
    });
  const number = (word: string, whole: boolean) => {
    const value = Number(word);
    const ok = word.trim() !== "" && Number.isFinite(value) && (!whole || Number.isInteger(value));
    if (!ok) throw bad(whole ? "a whole number" : "a number");
    return value;
  };
  switch (flag.kind) {
    case "number":
      return number(text, false);
    case "integer":
      return number(text, true);
    case "integers":
      return text.split(",").map((word) => number(word, true));
    case "size": {
      const bytes = parseSize(text);
      if (bytes === undefined) throw bad("a size such as 512K, 64M or 2G");
      return bytes;
    }
    default:
      if (flag.choices && !flag.choices.includes(text)) {
        const near = nearest(text, flag.choices);
        throw bad(`one of ${flag.choices.join(", ")}${near ? ` (did you mean ${near}?)` : ""}`);
      }
      return text;
  }
}

/**
 * Parses a command's words. Of a flag given several times that does not repeat, the last counts.
 *
 * @throws {KerfError} exit code 2: unknown flag (with the nearest name), missing or bad value
 */
export function parseCommand(command: Command, words: readonly string[]): ParsedArgs {
  const { flagWords, positionals, help } = sortWords(command, words);
  const names = (of: readonly Flag[]) => of.map(({ name }) => name);
  const { flags } = command;
  const parsed: Record<string, unknown> = parseArgs(flagWords, {
    boolean: names(flags.filter(({ kind }) => kind === "switch")),
    string: names(flags.filter(({ kind }) => kind !== "switch")),
    collect: names(flags.filter(({ repeat }) => repeat)),
  });
  const values: Record<string, FlagValue> = {};
  for (const flag of flags) {
    const given = parsed[flag.name];
    if (given === undefined || given === false) continue;
    if (flag.kind === "switch") values[flag.name] = true;
    else if (!flag.repeat) values[flag.name] = convert(flag, given as string);
    else if ((given as string[]).length > 0) {
      values[flag.name] = (given as string[]).map((text) => convert(flag, text) as string);
    }
  }
  return { values, positionals, help };
}

/** @throws {KerfError} exit code 2: words where a command takes none */
export function refuseWords(command: string, positionals: readonly string[]): void {
  const [word] = positionals;
  if (word === undefined) return;
  throw new KerfError(`Cannot use "${word}": ${command} takes flags only`, {
    hint: `deno task ${command.split(" ")[0]} --help`,
    exitCode: 2,
  });
}

/** The text of `--help`. */
export function helpText(command: Command): string {
  const rows = command.flags.map((flag) => {
    const names = [flag.name, ...flag.aliases ?? []].map(dashed).join(", ");
    return [`${names}${flag.value ? ` ${flag.value}` : ""}`, flag.help] as const;
  });
  const width = Math.max(0, ...rows.map(([left]) => left.length)) + 2;
  return [
    `deno task ${command.usage}`,
    "",
    `${command.summary[0]!.toUpperCase()}${command.summary.slice(1)}.`,
    ...(rows.length ? ["", ...rows.map(([l, r]) => `  ${l.padEnd(width)}${r}`)] : []),
    "",
    `example: ${command.example}`,
  ].join("\n");
}

/** What there is, for a launcher without a command. */
export function overviewText(): string {
  const width = Math.max(...COMMANDS.map(({ name }) => name.length)) + 2;
  return [
    "deno task COMMAND [flags]",
    "",
    ...COMMANDS.map(({ name, summary }) => `  ${name.padEnd(width)}${summary}`),
    "",
    "deno task COMMAND --help says more",
  ].join("\n");
}
