/** What `--device auto` takes: the first of the kinds that is worth it, and why not the ones before. */

import type { DeviceFinding } from "./survey.ts";
import type { Device } from "./types.ts";

/** Looking at GPUs reads their files: no literal, or every run would. */
const surveyModule = (): Promise<typeof import("./survey.ts")> =>
  import(new URL("./survey.ts", import.meta.url).href);

/** A choice and its reasons. */
export interface DeviceChoice {
  readonly kind: Device["kind"];
  /** Why each kind before it was passed over; empty when it is the first. */
  readonly passedOver: readonly string[];
}

/** The kind that runs when no better one can: looked at by opening it. */
const LAST: Device["kind"] = "cpu";

/**
 * Looks at the kinds in order of preference and takes the first that is ready, else the CPU.
 *
 * @param surveys what looks at each kind, best first; default: this machine's
 *
 * @example
 * ```ts
 * import { chooseDevice } from "./choose.ts";
 * const none = { name: "webgpu", state: "missing", because: "no adapter", fix: [], facts: [] } as const;
 * const surveys = { webgpu: () => Promise.resolve({ kind: "webgpu", ...none } as const) };
 * const { kind, passedOver } = await chooseDevice(surveys);
 * if (kind !== "cpu" || passedOver[0] !== "no adapter") throw new Error(kind);
 * ```
 */
export async function chooseDevice(
  surveys?: Readonly<Partial<Record<Device["kind"], () => Promise<DeviceFinding>>>>,
): Promise<DeviceChoice> {
  const passedOver: string[] = [];
  for (const [kind, survey] of Object.entries(surveys ?? (await surveyModule()).SURVEYS)) {
    if (kind === LAST) break;
    const { state, because } = await survey();
    if (state === "ready") return { kind: kind as Device["kind"], passedOver };
    passedOver.push(because!);
  }
  return { kind: LAST, passedOver };
}
