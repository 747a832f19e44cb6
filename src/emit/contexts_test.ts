/**
 * A template that reads what its context lacks fails; it never renders another text. Over every key of
 * the context of every kernel that is generated. Targets share contexts, so one of them may leave a key
 * unread; what its template reads it must be given.
 */

import { assert } from "@std/assert";
import { catalog, isOnTarget } from "./catalog.ts";
import { openTemplates } from "./environment.ts";
import { fileContext, templatePath } from "./render.ts";
import { loadSources } from "./sources.ts";
import { EMIT_TARGETS } from "./targets/mod.ts";

const root = new URL("../..", import.meta.url).pathname.replace(/\/$/, "");
const { sources } = await loadSources(root);
const templates = openTemplates(`${root}/templates`);

/** Paths to every key of a value: `inputs.0.name`. List elements are no keys. */
function keyPaths(value: unknown, at: readonly string[] = []): string[][] {
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => [
    ...(Array.isArray(value) ? [] : [[...at, key]]),
    ...keyPaths(inner, [...at, key]),
  ]);
}

function without(value: unknown, [key, ...rest]: readonly string[]): unknown {
  if (Array.isArray(value)) return value.map((v, i) => String(i) === key ? without(v, rest) : v);
  const copy: Record<string, unknown> = { ...(value as Record<string, unknown>) };
  if (rest.length === 0) delete copy[key!];
  else copy[key!] = without(copy[key!], rest);
  return copy;
}

for (const target of EMIT_TARGETS) {
  /** One unit for each template and shape of context: others add nothing. */
  const shapes = new Map<string, { readonly path: string; readonly context: object }>();
  for (const entry of catalog(sources).filter((entry) => isOnTarget(entry, target))) {
    const { source, family, request } = entry;
    const unit = family.emit(source, request, target);
    const context = fileContext(unit, target);
    const path = templatePath(unit, target);
    // Elements of a list have one shape; the last stands for them.
    const shape = keyPaths(context).map((p) => p.join(".").replace(/\d+/g, "*"));
    shapes.set([path, ...new Set(shape)].join(" "), { path, context });
  }
  for (const { path, context } of shapes.values()) {
    const { name } = context as { name: string };
    Deno.test(`${path} fails without what it reads of ${name}'s context`, () => {
      const text = templates.render(path, context);
      let nRead = 0;
      for (const key of keyPaths(context)) {
        const less = () => templates.render(path, without(context, key) as object);
        const unread = rendersAs(less, text);
        if (unread === null) nRead++;
        else assert(unread, `${name} renders another text without ${key.join(".")}`);
      }
      assert(nRead >= 10, `only ${nRead} keys are read`);
    });
  }
}

/** Whether it renders this text; null when it fails to render. */
function rendersAs(render: () => string, text: string): boolean | null {
  try {
    return render() === text;
  } catch {
    return null;
  }
}
