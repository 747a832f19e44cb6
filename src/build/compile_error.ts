/**
 * What a compiler printed → one error that says which kernel, the first problem, where, and the command.
 */

import { KerfError } from "../core/error.ts";

/** A failed compilation. */
export interface CompileFailure {
  /** The kernel. */
  readonly name: string;
  /** The command as it can be typed again from the project's root. */
  readonly command: string;
  readonly stderr: string;
}

/**
 * `file:line:col: error: message` of C compilers, `file(line): error: message` of CUDA's; a CUDA warning
 * is an error too. `#line` makes the file the author's where there is one.
 */
const FIRST_ERROR =
  /^(.+?:\d+(?::\d+)?|.+?\(\d+\)): (?:(?:fatal |catastrophic )?error(?: #[\w-]+)?|warning #[\w-]+): (.*)$/;
/** Lines of context the compiler adds below an error: the source line, the caret, a note. */
const CONTEXT_LINES = 4;

/** The error of a failed compilation: the message, then the compiler's own lines, then the command. */
export function compileError({ name, command, stderr }: CompileFailure): KerfError {
  const lines = stderr.trimEnd().split("\n");
  const index = lines.findIndex((line) => FIRST_ERROR.test(line));
  const match = index < 0 ? null : FIRST_ERROR.exec(lines[index]!);
  // Without an `error:` line the linker or a crash spoke; what it said last names the cause.
  const shown = match ? lines.slice(index, index + 1 + CONTEXT_LINES) : lines.slice(-CONTEXT_LINES);
  const reason = match?.[2] ?? "the compiler failed";
  const where = match?.[1]?.replace(/\((\d+)\)$/, ":$1");
  return new KerfError(
    [`Cannot compile kernel "${name}": ${reason}`, ...shown.map((line) => `  ${line}`)].join("\n"),
    {
      ...(where === undefined ? {} : { where }),
      hint: command,
    },
  );
}
