/** A model's header and what a spec means for it, without loading weights or compiling anything. */

import { KerfError } from "../../core/error.ts";
import { prunePlan } from "../../engine/prune_plan.ts";
import type { PrunePlan } from "../../engine/prune_plan.ts";
import { layoutOf } from "../../layout/make.ts";
import type { CacheTypes } from "../../layout/steps.ts";
import type { Layout } from "../../layout/types.ts";
import { llamaConfig } from "../../model/config.ts";
import type { LlamaConfig } from "../../model/config.ts";
import { resolveModel } from "../../model/fetch.ts";
import { readGguf } from "../../model/gguf.ts";
import type { Gguf } from "../../model/gguf.ts";
import { cacheDir } from "../../sys/cache_dir.ts";
import type { ParsedArgs } from "../args.ts";
import { modelSource } from "../load_flags.ts";
import { openProgress } from "../terminal.ts";

/** A model file's header, read. */
export interface Header {
  readonly gguf: Gguf;
  readonly config: LlamaConfig;
}

/** What the flags' spec makes of the cache. */
export interface CacheDesign {
  readonly prune: PrunePlan;
  readonly layout: Layout;
  readonly types: CacheTypes;
  /** -c, or the model's context. */
  readonly nCtx: number;
}

/** Fetches the model when it must and reads its header. */
export async function readHeader(values: ParsedArgs["values"]): Promise<Header> {
  const drawer = openProgress();
  try {
    const path = await resolveModel(modelSource(values), {
      cacheDir: cacheDir(),
      onProgress: (progress) => drawer.draw({ ...progress, unit: "bytes" }),
    });
    const gguf = await readGguf(path);
    return { gguf, config: llamaConfig(gguf) };
  } finally {
    drawer.end();
  }
}

/** The layout and widths that the flags ask for. */
export async function designCache(
  { config }: Header,
  values: ParsedArgs["values"],
): Promise<CacheDesign> {
  const nCtx = (values.c as number | undefined) ?? config.nCtx;
  if (nCtx < 1) {
    throw new KerfError(`Cannot use -c ${nCtx}: it must be at least 1`, { exitCode: 2 });
  }
  const spec = (values.prune as string | undefined) ?? "none";
  const prune = await prunePlan(spec, { ...config, nCtx });
  const types = { key: values.ctk ?? "f16", value: values.ctv ?? "f16" } as CacheTypes;
  return { prune, layout: layoutOf(prune.steps, types), types, nCtx };
}
