/**
 * The template engine, set up once: plain text, and every name a template reads must exist. Nunjucks'
 * own `throwOnUndefined` lets a missing name through in `if`, `for`, filters and arithmetic, so the two
 * functions that compiled templates read values with are replaced by ones that throw.
 */

// @ts-types="./nunjucks.d.ts"
import nunjucks from "nunjucks";

/** Renders templates of one folder. */
export interface TemplateEnvironment {
  /** Whether there is a template of this path below the folder. */
  has(name: string): boolean;
  /**
   * @param name path below the folder: `c/rowwise.c.njk`
   * @throws {Error} the template reads a name that the context lacks
   */
  render(name: string, context: object): string;
}

/** Opens the templates of the folder `root`. */
export function openTemplates(root: string): TemplateEnvironment {
  guardLookups();
  const loader = {
    getSource(name: string) {
      const path = `${root}/${name}`;
      return { src: Deno.readTextFileSync(path), path, noCache: false };
    },
  };
  const environment = new nunjucks.Environment(loader, {
    autoescape: false,
    throwOnUndefined: true,
    trimBlocks: true,
    lstripBlocks: true,
  });
  return {
    has: (name) => isFile(`${root}/${name}`),
    render: (name, context) => environment.render(name, context),
  };
}

function isFile(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

let guarded = false;

function guardLookups(): void {
  if (guarded) return;
  guarded = true;
  const { memberLookup, contextOrFrameLookup } = nunjucks.runtime;
  const present = (value: unknown, name: unknown) => {
    if (value === undefined) {
      throw new Error(`Cannot read "${name}" in a template: it is not given`);
    }
    return value;
  };
  nunjucks.runtime.memberLookup = (object, key) => present(memberLookup(object, key), key);
  nunjucks.runtime.contextOrFrameLookup = (context, frame, name) =>
    present(contextOrFrameLookup(context, frame, name), name);
}
