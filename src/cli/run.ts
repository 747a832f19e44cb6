/**
 * `deno task run`: answers a prompt, a batch, or a person at the terminal. The text goes to standard
 * output, everything else to standard error.
 */

import { KerfError } from "../core/error.ts";
import type { GenerateEvent, GenerateOptions, GenerateResult, Model } from "../mod.ts";
import { isTraced, markStage, startupLine } from "../sys/startup_marks.ts";
import type { ParsedArgs } from "./args.ts";
import { chat } from "./chat.ts";
import { generateOptions } from "./generate_flags.ts";
import { loadWithProgress, modelName } from "./load_flags.ts";
import { runCommandLine } from "./main.ts";
import { askedOf } from "./prompt.ts";
import type { TextPrompt } from "./prompt.ts";
import { statsText } from "./stats.ts";
import { openProgress, writeError, writeOut } from "./terminal.ts";
import type { ProgressDrawer } from "./terminal.ts";

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
      writeError("prefilling layer by layer: the cache holds one dense layer at a time\n");
    } else if (event.kind === "dropped") {
      writeError(`the cache of ${event.cachedTokens} tokens was dropped: the prompt differs\n`);
    } else {
      drawer.draw({ label: "reading the prompt", done: event.done, total: event.total });
      if (event.done === event.total) drawer.end();
    }
  };
}

interface Shared {
  readonly options: ReturnType<typeof generateOptions>;
  readonly showStats: boolean;
}

async function answerText(model: Model, asked: TextPrompt, { values }: ParsedArgs, shared: Shared) {
  const { options, showStats } = shared;
  const generation = model.generate(asked.text, {
    ...options,
    ...(asked.file !== undefined && values["compress-after"] !== undefined
      ? { compressAfter: tokensOfFile(model, asked, options) }
      : {}),
  });
  for await (const piece of generation) if (!values.json) writeOut(piece);
  if (isTraced()) writeError(startupLine() + "\n");
  const result = await generation.result;
  if (values.json) writeOut(JSON.stringify(jsonOf(model, result, options.seed)) + "\n");
  else if (!result.text.endsWith("\n")) writeOut("\n");
  if (showStats) writeError(statsText(model, result) + "\n");
  return result.finishReason === "interrupted" ? 130 : 0;
}

async function answerBatch(
  model: Model,
  prompts: Parameters<Model["batch"]>[0],
  { values }: ParsedArgs,
  { options, showStats }: Shared,
) {
  const results: GenerateResult[] = [];
  let printed = 0;
  let interrupted = false;
  for await (const { index, result } of model.batch(prompts, options)) {
    results[index] = result;
    interrupted ||= result.finishReason === "interrupted";
    for (let next = results[printed]; next; next = results[++printed]) {
      writeOut(
        (values.json ? JSON.stringify(jsonOf(model, next, options.seed)) : next.text) + "\n",
      );
      if (showStats) writeError(`[${printed + 1}] ${statsText(model, next)}\n`);
    }
  }
  return interrupted ? 130 : 0;
}

/** What a conversation at the terminal has no use for. */
function refuseInChat(values: ParsedArgs["values"]): void {
  const flag = ["json", "raw", "compress-after"].find((name) => values[name] !== undefined);
  if (flag === undefined) return;
  throw new KerfError(`Cannot use --${flag} without a prompt: a conversation is plain text`, {
    hint: `deno task run --${flag} "What is the capital of France?"`,
    exitCode: 2,
  });
}

export async function main(args: ParsedArgs): Promise<number> {
  markStage("modules");
  const { values } = args;
  const options = generateOptions(values);
  const asked = await askedOf(args);
  if (asked.kind === "chat") refuseInChat(values);
  const controller = new AbortController();
  const interrupt = () => controller.abort();
  Deno.addSignalListener("SIGINT", interrupt);
  const quiet = values.q === true;
  const showStats = values.stats === true || !(quiet || values.json);
  const drawer = openProgress({ quiet });
  try {
    using model = await loadWithProgress(values, drawer, {
      signal: controller.signal,
      parallel: asked.kind === "batch" ? Math.min(8, asked.prompts.length) : 1,
    });
    const shared: Shared = {
      options: {
        ...options,
        signal: controller.signal,
        ...(quiet ? {} : { onEvent: onEvent(drawer) }),
      },
      showStats,
    };
    switch (asked.kind) {
      case "text":
        return await answerText(model, asked, args, shared);
      case "batch":
        return await answerBatch(model, asked.prompts, args, shared);
      case "chat":
        Deno.removeSignalListener("SIGINT", interrupt);
        return await chat(model, shared.options, { quiet, showStats });
    }
  } finally {
    drawer.end();
  }
}

if (import.meta.main) Deno.exit(await runCommandLine(Deno.args, { main }));
