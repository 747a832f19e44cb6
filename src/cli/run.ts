/**
 * `deno task run`: answers a prompt, a batch, or a person at the terminal. The text goes to standard
 * output, everything else to standard error.
 */

import { KerfError } from "../core/error.ts";
import type { GenerateEvent, GenerateOptions, GenerateResult, Model } from "../mod.ts";
import type { ParsedArgs } from "./args.ts";
import { chat } from "./chat.ts";
import { loadWithProgress, modelName } from "./load_flags.ts";
import { askedOf } from "./prompt.ts";
import type { TextPrompt } from "./prompt.ts";
import { statsText } from "./stats.ts";
import { openProgress, writeError, writeOut } from "./terminal.ts";
import type { ProgressDrawer } from "./terminal.ts";

/** Prefill shows a bar from here on; shorter ones are over before it could be read. */
const BAR_FROM_TOKENS = 1024;

/** llama.cpp's defaults, which people expect. */
const SAMPLING = { temp: 0.8, "top-k": 40, "top-p": 0.95, "min-p": 0.05, "repeat-penalty": 1 };

/** Generation options from flags. A seed is drawn when none was given, and reported. */
function generateOptions(values: ParsedArgs["values"]): GenerateOptions & { seed: number } {
  const number = (name: keyof typeof SAMPLING) => (values[name] as number) ?? SAMPLING[name];
  const n = (values.n as number | undefined) ?? -1;
  if (n < -1) {
    throw new KerfError(`Cannot generate ${n} tokens`, { hint: "-n 128, or -n -1", exitCode: 2 });
  }
  const seed = values.s as number | undefined;
  return {
    temperature: number("temp"),
    topK: number("top-k"),
    topP: number("top-p"),
    minP: number("min-p"),
    repeatPenalty: number("repeat-penalty"),
    seed: seed === undefined || seed < 0 ? crypto.getRandomValues(new Uint32Array(1))[0]! : seed,
    raw: values.raw === true,
    ...(n === -1 ? {} : { maxTokens: n }),
    ...(values.sys === undefined ? {} : { system: values.sys as string }),
  };
}

/** The JSON object of one answer. */
function jsonOf(model: Model, result: GenerateResult, seed: number): Record<string, unknown> {
  return {
    model: modelName(model),
    device: model.device,
    prune: model.loaded.prune.spec,
    seed,
    promptTokens: result.promptTokens,
    tokens: result.tokens,
    text: result.text,
    finishReason: result.finishReason,
    stats: result.stats,
  };
}

/** Prompt tokens up to the end of the file's text, so that its cache can be compressed there. */
function tokensOfFile(model: Model, asked: TextPrompt, options: GenerateOptions): number {
  const whole = model.tokenize(asked.text, options);
  const file = model.tokenize(asked.file!, options);
  const differs = whole.findIndex((id, i) => id !== file[i]);
  return differs < 0 ? whole.length : differs;
}

function onEvent(drawer: ProgressDrawer): (event: GenerateEvent) => void {
  return (event) => {
    if (event.kind === "layered") {
      writeError("the dense prompt exceeds --kv-max: prefilling layer by layer\n");
    } else if (event.kind === "dropped") {
      writeError(`the cache of ${event.cachedTokens} tokens was dropped: the prompt differs\n`);
    } else if (event.total >= BAR_FROM_TOKENS) {
      drawer.draw({ label: "reading the prompt", done: event.done, total: event.total });
      if (event.done === event.total) drawer.end();
    }
  };
}

async function answerText(model: Model, asked: TextPrompt, { values }: ParsedArgs, shared: Shared) {
  const options = { ...shared.options };
  if (values["compress-after"] !== undefined) {
    if (asked.file === undefined) {
      throw new KerfError("Cannot compress after a file: none was given", {
        hint: '-f FILE --compress-after file "QUESTION"',
        exitCode: 2,
      });
    }
    Object.assign(options, { compressAfter: tokensOfFile(model, asked, options) });
  }
  const generation = model.generate(asked.text, options);
  for await (const piece of generation) if (!values.json) writeOut(piece);
  const result = await generation.result;
  if (values.json) writeOut(JSON.stringify(jsonOf(model, result, options.seed)) + "\n");
  else if (!result.text.endsWith("\n")) writeOut("\n");
  if (shared.showStats) writeError(statsText(model, result) + "\n");
  return result.finishReason === "interrupted" ? 130 : 0;
}

async function answerBatch(
  model: Model,
  prompts: Parameters<Model["batch"]>[0],
  { values }: ParsedArgs,
  shared: Shared,
) {
  const results: GenerateResult[] = [];
  let printed = 0;
  let interrupted = false;
  for await (const { index, result } of model.batch(prompts, shared.options)) {
    results[index] = result;
    interrupted ||= result.finishReason === "interrupted";
    for (let next = results[printed]; next; next = results[++printed]) {
      const text = values.json
        ? JSON.stringify(jsonOf(model, next, shared.options.seed))
        : next.text;
      writeOut(text + "\n");
      if (shared.showStats) writeError(`[${printed + 1}] ${statsText(model, next)}\n`);
    }
  }
  return interrupted ? 130 : 0;
}

interface Shared {
  readonly options: ReturnType<typeof generateOptions>;
  readonly showStats: boolean;
}

export async function main(args: ParsedArgs): Promise<number> {
  const { values } = args;
  const asked = await askedOf(args);
  const controller = new AbortController();
  const interrupt = () => controller.abort();
  Deno.addSignalListener("SIGINT", interrupt);
  const quiet = values.q === true;
  const drawer = openProgress({ quiet });
  try {
    using model = await loadWithProgress(values, drawer, {
      signal: controller.signal,
      parallel: asked.kind === "batch" ? Math.min(8, asked.prompts.length) : 1,
    });
    const shared: Shared = {
      options: {
        ...generateOptions(values),
        signal: controller.signal,
        ...(quiet ? {} : { onEvent: onEvent(drawer) }),
      },
      showStats: !quiet && (values.stats === true || Deno.stderr.isTerminal()),
    };
    switch (asked.kind) {
      case "text":
        return await answerText(model, asked, args, shared);
      case "batch":
        return await answerBatch(model, asked.prompts, args, shared);
      case "chat":
        Deno.removeSignalListener("SIGINT", interrupt);
        return await chat(model, shared.options);
    }
  } finally {
    drawer.end();
  }
}
