/** Source text → artifact, content-addressed. Knows neither the front end nor the emitters. */
export { ABI_VERSION, artifact, artifactKey } from "./artifact.ts";
export type { ArtifactRequest } from "./artifact.ts";
export { compileC } from "./compile_c.ts";
export type { CompileCOptions, CSource } from "./compile_c.ts";
export { mapLimited } from "./limit.ts";
