/**
 * Breaks lines that are too long for a page where a person would: at the outermost brackets, before the
 * operator that binds loosest, as far right as fits. Lines with strings or comments stay as they are.
 */

/** Columns of a page. */
export const PAGE_WIDTH = 100;

/** What a continuation is indented by. */
const CONTINUATION = "    ";

/** Where a line may break, loosest first; a break comes before an operator and after a separator. */
const BREAKS: readonly (readonly string[])[] = [
  [", ", "; "],
  [" ? ", " : "],
  [" || "],
  [" && "],
  [" | ", " ^ ", " & "],
  [" + ", " - "],
  [" * ", " / "],
];

/** The line as one or several, each within the page where that is possible. */
export function wrapLine(line: string): string[] {
  if (line.length <= PAGE_WIDTH || /["\\#]|\/\*|\/\//.test(line)) return [line];
  const indent = /^ */.exec(line)![0];
  const end = headerEnd(line);
  if (end !== null) {
    const body = `${indent}  ${line.slice(end).trimStart()}`;
    return [...wrapLine(line.slice(0, end)), ...wrapLine(body)];
  }
  const at = breakPoint(line, indent.length);
  if (at === null) return [line];
  const rest = line.slice(at).trimStart();
  const continued = endsParameters(line) ? indent : indent + CONTINUATION;
  const tail = wrapLine(continued + rest);
  // A continuation of a continuation stays at its column.
  return [line.slice(0, at).trimEnd(), ...tail.map((l) => continued + l.trimStart())];
}

/** Whether a line ends a list of parameters that began in a line above: all of its lines stand alike. */
const endsParameters = (line: string): boolean =>
  line.endsWith(")") && line.split(")").length > line.split("(").length;

/** Where the header of a loop or a condition ends that its statement follows in the same line; else null. */
function headerEnd(line: string): number | null {
  if (!/^ *([A-Z_]+ )?(for|if|while) \(/.test(line)) return null;
  let depth = 0;
  for (let i = line.indexOf("("); i < line.length; i++) {
    if (line[i] === "(") depth++;
    if (line[i] === ")" && --depth === 0) return /^ [^{]/.test(line.slice(i + 1)) ? i + 1 : null;
  }
  return null;
}

/** The best place to break, else the first bracket, or null. Nothing breaks inside the indentation. */
function breakPoint(line: string, indent: number): number | null {
  let best: { readonly at: number; readonly rank: number } | null = null;
  let depth = 0;
  for (let i = indent; i < PAGE_WIDTH; i++) {
    if ("([{".includes(line[i]!)) depth++;
    if (")]}".includes(line[i]!)) depth--;
    const kind = BREAKS.findIndex((marks) => marks.some((mark) => line.startsWith(mark, i)));
    if (kind < 0) continue;
    const at = kind === 0 ? i + 1 : i;
    const rank = depth * BREAKS.length + kind;
    if (best === null || rank <= best.rank) best = { at, rank };
  }
  const bracket = line.indexOf("(", indent) + 1;
  return best?.at ?? (bracket > 0 && bracket < line.length ? bracket : null);
}
