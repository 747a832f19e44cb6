/**
 * Identifiers of generated code: the author's names in snake_case, each once per scope. A name that the
 * template or the language already uses gets a number.
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

/** A scope in which `taken` are used already. */
export function createScope(taken: Iterable<string> = []): Scope {
  const used = new Set(taken);
  return {
    unique(name) {
      const base = snakeCase(name);
      let candidate = base;
      for (let n = 2; used.has(candidate); n++) candidate = `${base}_${n}`;
      used.add(candidate);
      return candidate;
    },
  };
}
