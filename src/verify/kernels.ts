/**
 * The kernels of the cases on one device: rendered from kernels/ and templates/ as they are now, compiled
 * together beforehand, then run by name. Callers give a pool of buffers and constants; a kernel takes
 * those that its signature names.
 */

import type { Signature, StepField } from "../core/signature.ts";
import { runCompiled } from "../device/run_kernel.ts";
import type { TypedArray } from "../device/run_kernel.ts";
import type { CompiledKernel, CompileProgress, Device, KernelRequest } from "../device/types.ts";
import type { Renderer } from "../emit/renderer.ts";

/** Values of compile-time names; a kernel takes those it has. */
export type Defines = Readonly<Record<string, number>>;

/** A kernel that a case runs. */
export interface KernelUse {
  readonly name: string;
  readonly defines: Defines;
}

/** What a kernel may take. */
export interface KernelPool {
  readonly defines: Defines;
  readonly buffers: Readonly<Record<string, TypedArray>>;
  readonly constants?: Readonly<Record<string, number>>;
  readonly step?: Partial<Record<StepField, number>>;
}

/** Runs a compiled kernel. @returns the buffers that it may write */
export type RunNamed = <B extends Readonly<Record<string, TypedArray>>>(
  name: string,
  pool: KernelPool & { readonly buffers: B },
) => Promise<B>;

const pick = <T>(names: readonly string[], from: Readonly<Record<string, T>>) =>
  Object.fromEntries(
    names.filter((name) => Object.hasOwn(from, name)).map((name) => [name, from[name]!]),
  );

/**
 * Renders and compiles every kernel of a list, each once.
 *
 * @throws {KerfError} a kernel cannot be rendered or compiled
 */
export async function compileKernels(
  device: Device,
  renderer: Pick<Renderer, "render">,
  options: {
    readonly uses: readonly KernelUse[];
    readonly onProgress?: ((progress: CompileProgress) => void) | undefined;
  },
): Promise<RunNamed> {
  const requests = new Map<string, KernelRequest>();
  const keyOf = (name: string, defines: Defines) => `${name} ${JSON.stringify(defines)}`;
  const signatures = new Map<string, Signature>();
  for (const { name, defines } of options.uses) {
    const known = signatures.get(name);
    if (known && requests.has(keyOf(name, pick(known.defines, defines)))) continue;
    const { entry, texts } = await renderer.render(name, [device.target]);
    signatures.set(name, entry.signature);
    const own = pick(entry.signature.defines, defines);
    const text = texts[device.target];
    if (text === undefined) {
      throw new TypeError(`Cannot verify "${name}" on ${device.target}: nothing is emitted for it`);
    }
    requests.set(keyOf(name, own), { entry, text, defines: own });
  }
  const compiled = await device.compile([...requests.values()], options.onProgress);
  const kernels = new Map<string, CompiledKernel>(
    [...requests.keys()].map((key, i) => [key, compiled[i]!]),
  );
  return async (name, pool) => {
    const signature = signatures.get(name);
    const kernel = kernels.get(keyOf(name, pick(signature?.defines ?? [], pool.defines)));
    if (signature === undefined || kernel === undefined) {
      throw new TypeError(`Cannot run "${name}": it was not compiled`);
    }
    const written = await runCompiled(device, kernel, {
      buffers: pick(signature.bindings.map((binding) => binding.name), pool.buffers),
      constants: pick(signature.constants.map((constant) => constant.name), pool.constants ?? {}),
      ...(pool.step === undefined ? {} : { step: pool.step }),
    });
    return { ...pool.buffers, ...written };
  };
}
