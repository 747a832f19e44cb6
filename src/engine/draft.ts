/**
 * A plan before anything is compiled: which kernel runs on which buffers, by the signature's names. What
 * every kernel of a plan may bind is in one pool; a draft adds what is its own. Binding takes exactly the
 * names a signature has, so a kernel that needs less or more of the pool needs no case here.
 */

import type {
  BufferSlice,
  CompiledKernel,
  DeviceBuffer,
  Invocation,
  Parts,
} from "../device/types.ts";

/** Buffers and constants by the names that kernels bind. */
export interface Pool {
  readonly buffers: Readonly<Record<string, BufferSlice>>;
  readonly constants: Readonly<Record<string, number>>;
}

/** One invocation to be. */
export interface Draft {
  readonly kernel: string;
  readonly label: string;
  readonly buffers?: Readonly<Record<string, BufferSlice>>;
  readonly constants?: Readonly<Record<string, number>>;
  /** False when the next one neither reads nor writes what this one writes. */
  readonly barrier?: boolean;
  /** Whose items behind the barrier wait for which before it; absent: all for all. */
  readonly parts?: Parts;
}

/** A whole buffer as a slice. */
export const whole = (buffer: DeviceBuffer): BufferSlice => ({ buffer });

/** Names the device binds by itself. */
const DEVICE_BUFFERS = ["step"];

/**
 * Binds a draft to its compiled kernel.
 *
 * @throws {TypeError} the signature has a name that neither draft nor pool knows
 */
export function bindDraft(draft: Draft, kernel: CompiledKernel, pool: Pool): Invocation {
  const { signature } = kernel.entry;
  const { label } = draft;
  const bindings = signature.bindings.map(({ name }) => name)
    .filter((name) => !DEVICE_BUFFERS.includes(name));
  const constants = signature.constants.map(({ name }) => name);
  const pick = <T>(names: readonly string[], what: string, from: Readonly<Record<string, T>>[]) =>
    Object.fromEntries(names.map((name) => {
      const source = from.find((values) => Object.hasOwn(values, name));
      if (source) return [name, source[name]!];
      throw new TypeError(
        `Cannot plan kernel "${signature.name}" for "${label}": the plan has no ${what} "${name}"`,
      );
    }));
  return {
    kernel,
    label,
    buffers: pick(bindings, "buffer", [draft.buffers ?? {}, pool.buffers]),
    constants: pick(constants, "constant", [draft.constants ?? {}, pool.constants]),
    ...(draft.barrier === undefined ? {} : { barrier: draft.barrier }),
    ...(draft.parts ? { parts: draft.parts } : {}),
  };
}
