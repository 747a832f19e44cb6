/**
 * Makes a rendered template look hand-written: indents by braces and brackets, folds runs of blank
 * lines, and turns the marks of hook code into the target's own. It knows strings and comments of the C
 * family and nothing else of a language.
 */

import { MARK } from "./lines.ts";
import { wrapLine } from "./wrap.ts";

/** What the marks need. */
export interface FormatOptions {
  /** Path of the generated file, for the mark that returns to it. */
  readonly file: string;
  /** See {@linkcode EmitTarget.lineMark}. */
  readonly lineMark: (line: number, file: string) => string;
}

/** The text, formatted; ends with one newline. */
export function format(text: string, options: FormatOptions): string {
  const out: string[] = [];
  let depth = 0;
  let inComment = false;
  /** The author's line that a compiler expects next, as `line file`; empty outside hook code. */
  let author = "";
  /** Whether hook code has ended and no line has followed yet. */
  let returning = false;

  const place = (line: string) =>
    line === "" || line.startsWith("#") ? line : "  ".repeat(depth) + line;

  for (const raw of text.split("\n")) {
    const line = raw.trim();
    const mark = line.startsWith(MARK) ? /^(\d+) (.*)$/.exec(line.slice(MARK.length)) : undefined;
    if (mark) {
      const [at, file] = [Number(mark[1]), mark[2]!];
      if (author !== `${at} ${file}`) out.push(place(options.lineMark(at, file)));
      author = `${at + 1} ${file}`;
      returning = false;
      continue;
    }
    if (mark === null) {
      returning = true;
      continue;
    }
    if (returning && line !== "") {
      out.push(place(options.lineMark(out.length + 2, options.file)));
      returning = false;
      author = "";
    }
    if (line === "" && (out.length === 0 || out.at(-1) === "" || out.at(-1)!.endsWith("{"))) {
      continue;
    }
    if (line.startsWith("}") && out.at(-1) === "") out.pop();
    if (inComment) {
      out.push(`${"  ".repeat(depth)} ${line}`);
      inComment = !line.includes("*/");
      continue;
    }
    const code = stripLiterals(line);
    const closing = /^[})\]]*/.exec(code)![0].length;
    const directive = line.startsWith("#");
    const placed = line === "" || directive ? line : "  ".repeat(depth - closing) + line;
    const wrapped = wrapLine(placed);
    out.push(...wrapped);
    // A blank line or a second one would shift the compiler's count of the author's lines.
    if (line === "" || wrapped.length > 1) author = "";
    if (!directive) depth += balance(code);
    inComment = line.startsWith("/*") && !line.includes("*/");
  }
  if (depth !== 0) throw new SyntaxError(`Cannot format ${options.file}: brackets do not balance`);
  while (out.at(-1) === "") out.pop();
  return out.join("\n") + "\n";
}

const stripLiterals = (line: string): string =>
  line.replace(/\/\*.*?\*\/|"(?:\\.|[^"\\])*"|\/\*.*$|\/\/.*$/g, "");

const balance = (code: string): number =>
  [...code].reduce((n, c) => n + ("{([".includes(c) ? 1 : "})]".includes(c) ? -1 : 0), 0);
