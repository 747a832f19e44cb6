/** The part of nunjucks that src/emit/environment.ts uses; the package carries no types. */

/** Where templates come from. */
export interface TemplateLoader {
  getSource(name: string): { src: string; path: string; noCache: boolean };
}

declare class Environment {
  constructor(loader: TemplateLoader, options: {
    autoescape: boolean;
    throwOnUndefined: boolean;
    trimBlocks: boolean;
    lstripBlocks: boolean;
  });
  render(name: string, context: object): string;
}

/** What compiled templates call to read a value. */
interface Runtime {
  memberLookup(object: unknown, key: unknown): unknown;
  contextOrFrameLookup(context: unknown, frame: unknown, name: string): unknown;
}

declare const nunjucks: { Environment: typeof Environment; runtime: Runtime };
export default nunjucks;
