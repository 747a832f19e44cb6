/** From the flags that `run`, `inspect` and `bench` share to the library's load options. */

import { basename } from "@std/path";
import { chooseDevice, openDevice } from "../device/mod.ts";
import type { DeviceChoice } from "../device/mod.ts";
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

/** Draws loading's progress, and says what else there is to say. */
function drawLoading(
  drawer: ProgressDrawer,
  say: (text: string) => void,
): (progress: LoadProgress) => void {
  return (progress) => {
    if (progress.stage === "notice") return say(progress.text);
    drawer.draw({
      label: progress.stage === "fetch" ? progress.label : LABELS[progress.stage],
      done: progress.done,
      total: progress.total,
      unit: progress.stage === "fetch" ? "bytes" : "count",
    });
  };
}

/** Said once a process: `bench` loads several models. */
const said = new Set<string>();

/** Loads the model of the flags, showing progress and, for `--device auto`, which device it took and why. */
export async function loadWithProgress(
  values: ParsedArgs["values"],
  drawer: ProgressDrawer,
  more: LoadOptions = {},
): Promise<Model> {
  const say = (text: string) => {
    drawer.end();
    if (values.q !== true && !said.has(text)) writeError(text + "\n");
    said.add(text);
  };
  const { device = "cpu", ...options } = { ...loadOptions(values), ...more };
  const openNamed = async () => {
    const choice = device === "auto" ? await chooseDevice() : { kind: device };
    const { threads, signal } = options;
    const opened = await openDevice({
      kind: choice.kind,
      ...(threads === undefined ? {} : { threads }),
      signal,
    });
    if ("passedOver" in choice) say(chosenText(opened.name, choice));
    if (threads !== undefined && opened.kind !== "cpu") say(`-t has no effect on ${opened.name}`);
    return opened;
  };
  try {
    return await load({
      onProgress: drawLoading(drawer, say),
      openDevice: openNamed,
      ...options,
    });
  } finally {
    drawer.end();
  }
}

/** `device: cpu (2 threads, x86-64-v4); no NVIDIA driver, WebGPU offers only a software adapter` */
export function chosenText(name: string, { passedOver }: DeviceChoice): string {
  return `device: ${name}; ${passedOver.join(", ") || "an NVIDIA GPU goes first"}`;
}

/** The model's name for people and JSON: its file's. */
export const modelName = (model: Model): string => basename(model.loaded.gguf.path);
