/**
 * From a line of a generated kernel to the author's: WGSL has no `#line`, so generated files mark what an
 * author wrote with comments, `// kernels/attention/softcap.ts:12`, and what follows it with one of the
 * generated file.
 */

/** A mark alone on its line. */
const MARK = /^\s*\/\/ (\S+\.\w+):(\d+)$/;

/** Whether a line ends a statement or opens or closes a block. */
const ENDS = /[;{}]\s*$/;

/**
 * Where an author wrote what stands in a line.
 *
 * @param lines of the complete text
 * @param line counted from 1
 * @returns `kernels/attention/softcap.ts:12`; undefined for what a template wrote
 */
export function authorLine(lines: readonly string[], line: number): string | undefined {
  let at = line - 1;
  // A long statement goes on in the lines below its first.
  while (at > 0 && !ENDS.test(lines[at - 1]!) && !MARK.test(lines[at - 1]!)) at--;
  const below = lines.slice(0, at).findLastIndex((text) => MARK.test(text));
  if (below < 0) return undefined;
  const [, file, first] = MARK.exec(lines[below]!)!;
  if (file!.startsWith("generated/")) return undefined;
  return `${file}:${Number(first) + at - below - 1}`;
}
