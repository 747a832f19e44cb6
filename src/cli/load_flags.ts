/** From the flags that `run`, `inspect` and `bench` share to the library's load options. */

import { basename } from "@std/path";
import { load } from "../mod.ts";
import type { LoadOptions, LoadProgress, Model } from "../mod.ts";
import type { ParsedArgs } from "./args.ts";
import { userPath } from "./root.ts";
import { writeError } from "./terminal.ts";
import type { ProgressDrawer } from "./terminal.ts";

/** The model as `load` takes it: a hub name as it is, a path as the user meant it. */
export function modelSource(values: ParsedArgs["values"]): string | undefined {
  const source = values.m as string | undefined;
  return source === undefined || source.startsWith("hf:") ? source : userPath(source);
}

/** Options of `load` from flags; what was not given is absent. */
export function loadOptions(values: ParsedArgs["values"]): LoadOptions {
  const given = {
    model: modelSource(values),
    prune: typeof values.prune === "string" ? values.prune : undefined,
    attention: values.attention,
    device: values.device,
    activations: values.activations,
    threads: values.t,
    nCtx: values.c,
    kvMax: values["kv-max"],
    chunkSize: values.ub,
    cacheTypes: {
      ...(values.ctk === undefined ? {} : { key: values.ctk }),
      ...(values.ctv === undefined ? {} : { value: values.ctv }),
    },
  };
  return Object.fromEntries(
    Object.entries(given).filter(([, value]) => value !== undefined),
  ) as LoadOptions;
}

const LABELS = { fetch: "fetching", compile: "compiling kernels", weights: "packing weights" };

/** Draws loading's progress. */
export function drawLoading(drawer: ProgressDrawer): (progress: LoadProgress) => void {
  return (progress) =>
    drawer.draw({
      label: progress.stage === "fetch" ? progress.label : LABELS[progress.stage],
      done: progress.done,
      total: progress.total,
      unit: progress.stage === "fetch" ? "bytes" : "count",
    });
}

/** Loads the model of the flags, showing progress. */
export async function loadWithProgress(
  values: ParsedArgs["values"],
  drawer: ProgressDrawer,
  more: LoadOptions = {},
): Promise<Model> {
  let model: Model;
  try {
    model = await load({ ...loadOptions(values), onProgress: drawLoading(drawer), ...more });
  } finally {
    drawer.end();
  }
  if (values.device === "auto" && values.q !== true) {
    writeError(`device: ${model.device}, the only kind that this version runs on\n`);
  }
  return model;
}

/** The model's name for people and JSON: its file's. */
export const modelName = (model: Model): string => basename(model.loaded.gguf.path);
