/**
 * Unified diffs of generated files: what `gen --check` prints. One hunk per file, and not all of a long
 * one, is enough to see why; they are not for patch.
 */

/** Lines of unchanged text shown on each side. */
const CONTEXT = 3;

/** Lines shown of what a file loses, and of what it gains: a new file's rest says nothing more. */
const SHOWN = 24;

/** Each line behind a sign; past {@linkcode SHOWN} only how many there are. */
function signed(sign: "-" | "+", lines: readonly string[]): string[] {
  const shown = lines.slice(0, lines.length > SHOWN + 1 ? SHOWN : undefined);
  const left = lines.length - shown.length;
  return [
    ...shown.map((line) => sign + line),
    ...(left > 0 ? [`${sign}… ${left} more lines`] : []),
  ];
}

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
    ...signed("-", a.slice(head, a.length - tail)),
    ...signed("+", b.slice(head, b.length - tail)),
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
