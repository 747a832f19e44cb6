/** The front end: kernel files in, IR or diagnostics out. The only importer of ts-morph. */
export { type Code, CODES, type CodeSpec } from "./codes/mod.ts";
export type { Diagnostic, SourceLine } from "./diagnostic.ts";
export { type Frontend, type LoweredFile, type LowerResult, openFrontend } from "./frontend.ts";
export { renderDiagnostics } from "./render.ts";
