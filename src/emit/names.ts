/**
 * Identifiers of generated code: the author's names in snake_case, each once per scope. Templates do not
 * say which words they use: a hook's names stay marked until a kernel's text is whole, and then each one
 * that the text or the language has already gets a number.
 */

/** Hands out identifiers that are unique in one function. */
export interface Scope {
  /** `name` in snake_case, numbered when it is taken; the result is taken from now on. */
  unique(name: string): string;
}

/** The words of a text: long lists of names read better without quotes. */
export const words = (text: string): string[] => text.trim().split(/\s+/);

/** `queryPosition` → `query_position`. */
export const snakeCase = (name: string): string =>
  name.replace(/([a-z0-9])([A-Z])/g, "$1_$2").toLowerCase();

/** A name as every language takes it: TypeScript has letters and beginnings that they do not. */
const plainName = (name: string): string =>
  snakeCase(name).replace(/\W/g, "_").replace(/^_+/, "") || "value";

/** A scope in which `taken` are used already. */
export function createScope(taken: Iterable<string> = []): Scope {
  const used = new Set(taken);
  return {
    unique(name) {
      const candidate = numbered(plainName(name), (n) => used.has(n));
      used.add(candidate);
      return candidate;
    },
  };
}

/** A parameter's, table's or input's name as a field: unlike a word of the language. */
export const fieldName = (name: string, keywords: ReadonlySet<string>): string =>
  keywords.has(name) ? `${name}_` : name;

/** Stands before a hook's names: a character of Unicode's private use, which no text has. */
const MARK = "\uE000";
const MARKED = /\uE000(\w+)/g;

/** A scope whose names are marked, so that {@linkcode settleNames} keeps them apart from all others. */
export function hookScope(): Scope {
  const scope = createScope();
  return { unique: (name) => MARK + scope.unique(name) };
}

/** Whether a text is one identifier, marked or not. */
export const isIdentifier = (text: string): boolean => /^\uE000?[A-Za-z_]\w*$/.test(text);

/**
 * A rendered text whose marked names are neither words of the language nor of the functions that they are
 * in: whatever else a file declares may be hidden where nobody reads it.
 */
export function settleNames(text: string, keywords: ReadonlySet<string>): string {
  const parts = topLevelParts(text).map((part) => ({
    marked: new Set([...part.matchAll(MARKED)].map(([, name]) => name!)),
    words: new Set(part.replace(MARKED, " ").match(/[A-Za-z_]\w*/g)),
  }));
  const all = new Set(parts.flatMap(({ marked }) => [...marked]));
  const settled = new Map<string, string>();
  for (const name of all) {
    const around = parts.filter(({ marked }) => marked.has(name));
    const isTaken = (n: string) => keywords.has(n) || around.some(({ words }) => words.has(n));
    const free = isTaken(name) ? numbered(name, (n) => isTaken(n) || all.has(n)) : name;
    for (const { words } of around) words.add(free);
    settled.set(name, free);
  }
  return text.replace(MARKED, (_, name: string) => settled.get(name)!);
}

const COMMENT = /\/\*[\s\S]*?\*\/|\/\/.*$/gm;

/** The text without comments, cut behind each line that closes the last open brace. */
function topLevelParts(text: string): string[] {
  const parts: string[] = [""];
  let depth = 0;
  for (const line of text.replace(COMMENT, " ").split("\n")) {
    parts[parts.length - 1] += `${line}\n`;
    const closing = line.split("}").length - 1;
    depth += line.split("{").length - 1 - closing;
    if (depth === 0 && closing > 0) parts.push("");
  }
  return parts;
}

/** The name, or the name with the first number that is not taken. */
function numbered(name: string, isTaken: (name: string) => boolean): string {
  let candidate = name;
  for (let n = 2; isTaken(candidate); n++) candidate = `${name}_${n}`;
  return candidate;
}
