/**
 * The targets that this machine can verify: every device that opens, and for each that does not, why and
 * what to type. Without NVIDIA's driver the emulated GPU stands in for CUDA, and its label says so.
 */

import { KerfError } from "../core/error.ts";
import type { Target } from "../core/manifest.ts";
import { cudaDriverPath } from "../device/cuda/driver_path.ts";
import { openEmulatedCuda } from "../device/cuda/emulator/open.ts";
import { openDevice } from "../device/mod.ts";
import type { Device } from "../device/types.ts";
import type { VerifyTarget } from "./verify.ts";

/** A target that is not here. */
export interface MissingTarget {
  readonly target: Target;
  readonly kind: Device["kind"];
  readonly because: string;
  /** What to type, one line each. */
  readonly fix: readonly string[];
}

/** What is here and what is not. */
export interface Targets {
  readonly found: readonly VerifyTarget[];
  readonly missing: readonly MissingTarget[];
}

/** The target of each kind of device, in the order of tables. */
const TARGET_OF: Readonly<Record<Device["kind"], Target>> = {
  cpu: "c",
  webgpu: "wgsl",
  cuda: "cuda",
};

/** What brings each kind, beside what its own error says. */
const SETUP: Readonly<Record<Device["kind"], readonly string[]>> = {
  cpu: ["deno task setup"],
  webgpu: ["deno task setup webgpu"],
  cuda: ["deno task setup cuda"],
};

/**
 * Opens devices; the caller closes them.
 *
 * @param kinds those that must be there; none: all that are there
 * @throws {KerfError} a kind that was named cannot be used, or there is none at all
 */
export async function openTargets(kinds: readonly Device["kind"][]): Promise<Targets> {
  const found: VerifyTarget[] = [];
  const missing: MissingTarget[] = [];
  for (const kind of Object.keys(TARGET_OF) as Device["kind"][]) {
    if (kinds.length > 0 && !kinds.includes(kind)) continue;
    const target = TARGET_OF[kind];
    try {
      found.push({ target, ...await openKind(kind) });
    } catch (error) {
      if (!(error instanceof KerfError) || error.exitCode !== 1 || kinds.length > 0) {
        found.forEach(({ device }) => device.close());
        throw error;
      }
      // Another device is no fix of this one.
      const hints = error.hints.filter((hint) => !hint.startsWith("--device"));
      const fix = [...new Set([...SETUP[kind], ...hints])];
      missing.push({ target, kind, because: error.message.split("\n", 1)[0]!, fix });
    }
  }
  if (found.length > 0) return { found, missing };
  throw new KerfError("Cannot verify: there is no device to run kernels on", {
    hint: missing.flatMap(({ fix }) => fix),
  });
}

async function openKind(kind: Device["kind"]): Promise<Omit<VerifyTarget, "target">> {
  if (kind !== "cuda") return { label: TARGET_OF[kind], device: await openDevice({ kind }) };
  const chosen = Deno.env.get("KERF_CUDA") ?? "";
  const emulated = chosen === "emulated" || (chosen === "" && cudaDriverPath() === undefined);
  if (!emulated) return { label: "cuda", device: await openDevice({ kind }) };
  return { label: "cuda (emulated)", device: await openEmulatedCuda() };
}
