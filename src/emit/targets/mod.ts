/** Every target that kernels are emitted for: one folder each, in the order of TARGETS. */

import { TARGETS } from "../../core/manifest.ts";
import type { Target } from "../../core/manifest.ts";
import type { EmitTarget } from "../target.ts";
import { c } from "./c/mod.ts";
import { cuda } from "./cuda/mod.ts";
import { wgsl } from "./wgsl/mod.ts";

const BY_NAME: Readonly<Record<Target, EmitTarget>> = { c, cuda, wgsl };

export const EMIT_TARGETS: readonly EmitTarget[] = Object.freeze(
  TARGETS.map((name) => BY_NAME[name]),
);
