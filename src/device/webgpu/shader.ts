/**
 * Text → compute pipeline, with everything the adapter has to say against it: messages of the shader
 * module, and errors of the pipeline's creation. Nothing is created in silence.
 */

import { authorLines } from "../../core/author_lines.ts";
import { KerfError } from "../../core/error.ts";
import type { Signature } from "../../core/signature.ts";
import { WORKGROUP_MEMORY } from "./workgroup_memory.ts";

/**
 * Compiles a kernel.
 *
 * @param code the complete text
 * @throws {KerfError} with the adapter's messages and the lines they are about
 */
export async function createPipeline(
  gpu: GPUDevice,
  signature: Signature,
  code: string,
): Promise<GPUComputePipeline> {
  const { name } = signature;
  checkBindings(gpu, signature);
  // No wait between push and pop: scopes are a stack, and other kernels compile meanwhile.
  gpu.pushErrorScope("validation");
  const module = gpu.createShaderModule({ label: name, code });
  const pipeline = gpu.createComputePipeline({
    label: name,
    layout: pipelineLayout(gpu, signature),
    compute: { module, entryPoint: name },
  });
  const invalid = await gpu.popErrorScope();
  if (invalid === null) return pipeline;
  const { messages } = await module.getCompilationInfo();
  const errors = messages.filter((message) => message.type === "error");
  const lines = code.split("\n");
  const authored = authorLines(lines);
  const places = errors.map(({ lineNum }) => {
    const at = authored[lineNum - 1];
    return at && `${at.file}:${at.line}`;
  });
  const found = errors.map(({ lineNum, linePos, message }, i) => {
    const place = places[i] ?? `${name}.wgsl:${lineNum}:${linePos}`;
    return `${place}: ${message}\n    ${lines[lineNum - 1]?.trim() ?? ""}`;
  });
  if (found.some((text) => text.includes(WORKGROUP_MEMORY))) {
    const most = gpu.limits.maxComputeWorkgroupStorageSize;
    throw new KerfError(
      `Cannot run kernel "${name}" on this adapter: its work groups share more than ${most} bytes`,
      { hint: "--device cpu" },
    );
  }
  const where = places.find((place) => place !== undefined);
  throw new KerfError(
    `Cannot compile kernel "${name}" for WebGPU:\n` + (found.join("\n") || invalid.message),
    { ...(where === undefined ? {} : { where }), hint: "deno task gen" },
  );
}

/** @throws {KerfError} when the kernel binds more buffers than the adapter can */
function checkBindings({ limits }: GPUDevice, signature: Signature): void {
  const n = bufferTypes(signature).filter((type) => type !== "uniform").length;
  const most = limits.maxStorageBuffersPerShaderStage;
  if (n <= most) return;
  throw new KerfError(
    `Cannot run kernel "${signature.name}" on this adapter: it binds ${n} storage buffers, and ` +
      `${most} are allowed`,
    { hint: "--device cpu" },
  );
}

/** Bindings as the signature says: none may be dropped because a kernel happens not to use it. */
function pipelineLayout(gpu: GPUDevice, signature: Signature): GPUPipelineLayout {
  const entries = bufferTypes(signature).map((type, binding) => ({
    binding,
    visibility: GPUShaderStage.COMPUTE,
    buffer: { type },
  }));
  return gpu.createPipelineLayout({ bindGroupLayouts: [gpu.createBindGroupLayout({ entries })] });
}

/** The type of every binding in order; the constants are one uniform buffer at the end. */
export function bufferTypes({ bindings, constants }: Signature): GPUBufferBindingType[] {
  const types = bindings.map(({ name, access }): GPUBufferBindingType =>
    name === "step" ? "uniform" : access === "read" ? "read-only-storage" : "storage"
  );
  return constants.length > 0 ? [...types, "uniform"] : types;
}
