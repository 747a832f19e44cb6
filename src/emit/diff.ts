/** Unified diffs of generated files: what `gen --check` prints. One hunk per file is enough to see why. */

/** Lines of unchanged text shown on each side. */
const CONTEXT = 3;

/**
 * A unified diff of one file with one hunk from the first to the last line that differs; empty when
 * there is none. An absent file is undefined.
 */
export function unifiedDiff(
  path: string,
  before: string | undefined,
  after: string | undefined,
): string {
  if (before === after) return "";
  const a = linesOf(before);
  const b = linesOf(after);
  let head = 0;
  while (head < a.length && head < b.length && a[head] === b[head]) head++;
  let tail = 0;
  const rest = Math.min(a.length, b.length) - head;
  while (tail < rest && a.at(-1 - tail) === b.at(-1 - tail)) tail++;

  const from = Math.max(0, head - CONTEXT);
  const after3 = Math.min(tail, CONTEXT);
  const body = [
    ...a.slice(from, head).map((line) => ` ${line}`),
    ...a.slice(head, a.length - tail).map((line) => `-${line}`),
    ...b.slice(head, b.length - tail).map((line) => `+${line}`),
    ...a.slice(a.length - tail, a.length - tail + after3).map((line) => ` ${line}`),
  ];
  const range = (lines: readonly string[]) => {
    const n = lines.length - tail + after3 - from;
    return `${n === 0 ? from : from + 1},${n}`;
  };
  return [
    `--- ${before === undefined ? "/dev/null" : `a/${path}`}`,
    `+++ ${after === undefined ? "/dev/null" : `b/${path}`}`,
    `@@ -${range(a)} +${range(b)} @@`,
    ...body,
    "",
  ].join("\n");
}

function linesOf(text: string | undefined): string[] {
  if (text === undefined || text === "") return [];
  return (text.endsWith("\n") ? text.slice(0, -1) : text).split("\n");
}
