/** What a report shows of the first prompt: its text, and what every spec keeps of it. */

import { keptBySpecs } from "../../eval/mod.ts";
import type { EvalCase, EvalSpec, KeptMaps } from "../../eval/mod.ts";
import type { Tokenizer } from "../../model/tokenizer.ts";
import type { Header } from "../inspect/header.ts";

/** What the specs keep of a case's prompt. */
export async function keptMaps(
  { protocol, passage, prompt }: EvalCase,
  specs: readonly EvalSpec[],
  { tokenizer, header }: { readonly tokenizer: Tokenizer; readonly header: Header },
): Promise<KeptMaps> {
  const decoder = tokenizer.decoder();
  return {
    passage: `the prompt of ${protocol}, ${passage}`,
    tokens: prompt.map((id) => decoder.push(id)),
    headDim: header.config.headDim,
    specs: await keptBySpecs(prompt, specs),
  };
}
