/**
 * Which lines of a generated kernel come from which line of an author's file. Every target marks them in
 * its own way: `#line 8 "kernels/x.ts"` or `// kernels/x.ts:8`, and a mark of the generated file after.
 */

/** Where an author wrote a line. */
export interface AuthorLine {
  readonly file: string;
  /** From 1. */
  readonly line: number;
}

const MARK = /^\s*(?:#line (\d+) "([^"]+)"|\/\/ (\S+\.\w+):(\d+))$/;

/** Whether a line ends a statement or opens or closes a block. */
const ENDS = /[;{}]\s*$/;

/** The author's line behind each line of a text; undefined for what a template wrote, and for marks. */
export function authorLines(lines: readonly string[]): (AuthorLine | undefined)[] {
  let next: AuthorLine | undefined;
  let unfinished = false;
  return lines.map((text) => {
    const mark = MARK.exec(text);
    if (mark) {
      const file = (mark[2] ?? mark[3])!;
      next = /^generated\//.test(file) ? undefined : { file, line: Number(mark[1] ?? mark[4]) };
      unfinished = false;
      return undefined;
    }
    if (next === undefined) return undefined;
    // A long statement goes on in the lines below its first.
    const own = unfinished ? { ...next, line: next.line - 1 } : next;
    unfinished = !ENDS.test(text);
    next = { ...own, line: own.line + 1 };
    return own;
  });
}
