/** The author's doc comment: what generated code says a kernel computes. */

/**
 * The lines of the doc comment right before `export default`, without stars and outer blank lines;
 * empty when there is none.
 */
export function docComment(text: string): string[] {
  const before = text.slice(0, Math.max(0, text.search(/^export default /m))).trimEnd();
  const start = before.lastIndexOf("/**");
  if (start < 0 || !before.endsWith("*/")) return [];
  const body = before.slice(start + 3, -2).split("\n").map((line) => line.trim());
  const lines = body.map((line) => line.replace(/^\* ?/, ""));
  while (lines[0] === "") lines.shift();
  while (lines.at(-1) === "") lines.pop();
  return lines;
}
