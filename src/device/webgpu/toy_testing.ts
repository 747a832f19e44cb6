/** The CPU device's toy kernels in WGSL, and a GPU device that tests can watch and disturb. */

import type { KernelEntry } from "../../core/manifest.ts";
import { echo as echoOnCpu, mix as mixOnCpu } from "../cpu/toy_testing.ts";
import type { KernelRequest } from "../types.ts";
import { openGpu } from "./adapter.ts";

function inWgsl({ entry }: KernelRequest, text: string): KernelRequest {
  const { name } = entry.signature;
  const { grid } = entry.sources.c!;
  const source = { file: `generated/wgsl/${name}.wgsl`, sha256: "", template: "", grid };
  const wgsl: KernelEntry = { ...entry, sources: { wgsl: { ...source, workgroup: 1 } } };
  return { entry: wgsl, text, defines: {} };
}

/** See the CPU's: y[i] = 31·x[i] + x[(i + shift) mod nRows] + 1. */
export const mix: KernelRequest = inWgsl(
  mixOnCpu,
  `struct Params { shift: u32 }
@group(0) @binding(0) var<storage, read> x: array<u32>;
@group(0) @binding(1) var<storage, read_write> y: array<u32>;
@group(0) @binding(2) var<uniform> step: array<vec4<u32>, 2>;
@group(0) @binding(3) var<uniform> params: Params;
@compute @workgroup_size(1)
fn mix(@builtin(workgroup_id) group: vec3<u32>, @builtin(num_workgroups) groups: vec3<u32>) {
  let i = group.y * groups.x + group.x;
  let n = step[0].x;
  if (i < n) { y[i] = 31u * x[i] + x[(i + params.shift) % n] + 1u; }
}
`,
);

/** See the CPU's: stores a u32, an i32, an f32 constant and the step header. */
export const echo: KernelRequest = inWgsl(
  echoOnCpu,
  `struct Params { a: u32, b: i32, c: f32 }
@group(0) @binding(0) var<storage, read_write> y: array<u32>;
@group(0) @binding(1) var<uniform> step: array<vec4<u32>, 2>;
@group(0) @binding(2) var<uniform> params: Params;
@compute @workgroup_size(1)
fn echo() {
  y[0] = params.a;
  y[1] = bitcast<u32>(params.b);
  y[2] = bitcast<u32>(params.c);
  for (var i = 0u; i < 6u; i++) { y[3u + i] = step[i / 4u][i % 4u]; }
}
`,
);

/** What a GPU device was asked for. */
export interface GpuCounts {
  submits: number;
  dispatches: number;
  bindGroups: number;
  pipelines: number;
  /** Set: allocations from now on find no memory. */
  exhausted: boolean;
}

/**
 * The adapter's own GPU device with counters in front of it. Functions are replaced on this object and its
 * queue only.
 */
export async function watchedGpu(): Promise<
  { device: GPUDevice; name: string; counts: GpuCounts }
> {
  const device = await openGpu();
  const counts = { submits: 0, dispatches: 0, bindGroups: 0, pipelines: 0, exhausted: false };
  const { queue } = device;
  const bound = {
    submit: queue.submit.bind(queue),
    bindGroup: device.createBindGroup.bind(device),
    pipeline: device.createComputePipeline.bind(device),
    encoder: device.createCommandEncoder.bind(device),
    pop: device.popErrorScope.bind(device),
  };
  queue.submit = (commands) => {
    counts.submits++;
    return bound.submit(commands);
  };
  device.createBindGroup = (descriptor) => {
    counts.bindGroups++;
    return bound.bindGroup(descriptor);
  };
  device.createComputePipeline = (descriptor) => {
    counts.pipelines++;
    return bound.pipeline(descriptor);
  };
  device.createCommandEncoder = (descriptor) => {
    const encoder = bound.encoder(descriptor);
    const begin = encoder.beginComputePass.bind(encoder);
    encoder.beginComputePass = (options) => {
      const pass = begin(options);
      const dispatch = pass.dispatchWorkgroups.bind(pass);
      pass.dispatchWorkgroups = (...groups) => {
        counts.dispatches++;
        return dispatch(...groups);
      };
      return pass;
    };
    return encoder;
  };
  device.popErrorScope = async () =>
    counts.exhausted
      ? (await bound.pop(), new GPUOutOfMemoryError("none left"))
      : await bound.pop();
  return { device, name: "watched", counts };
}
