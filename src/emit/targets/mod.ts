/** Every target that kernels are emitted for. */

import type { EmitTarget } from "../target.ts";
import { c } from "./c.ts";
import { cuda } from "./cuda.ts";
import { wgsl } from "./wgsl.ts";

export const EMIT_TARGETS: readonly EmitTarget[] = Object.freeze([c, cuda, wgsl]);
