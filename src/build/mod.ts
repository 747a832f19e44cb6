/** Source text → artifact, content-addressed. Knows neither the front end nor the emitters. */
export { ABI_VERSION, artifact, artifactKey } from "./artifact.ts";
export type { ArtifactRequest } from "./artifact.ts";
export { compileC } from "./compile_c.ts";
export type { CompileCOptions, CSource } from "./compile_c.ts";
export { compileCuda } from "./compile_cuda.ts";
export type { CompileCudaOptions, CudaSource } from "./compile_cuda.ts";
export { readCubinResources } from "./cubin_report.ts";
export type { CubinResources } from "./cubin_report.ts";
export { findCudaToolchain, requireCudaToolchain } from "./cuda_toolchain.ts";
export type { CudaToolchain } from "./cuda_toolchain.ts";
export { mapLimited } from "./limit.ts";
export { findNvcc } from "./nvcc.ts";
