import { assertEquals, assertThrows } from "@std/assert";
import { KerfError } from "../core/error.ts";
import { cacheDir } from "../sys/cache_dir.ts";
import { chatTemplate } from "./chat.ts";
import type { ChatMessage } from "./chat.ts";
import { resolveModel } from "./fetch.ts";
import { readGguf } from "./gguf.ts";
import type { GgufValue } from "./gguf.ts";
import { TextList } from "./text_list.ts";

interface Chat {
  readonly name: string;
  readonly messages: readonly ChatMessage[];
  readonly add_generation_prompt: boolean;
  readonly rendered: string;
}

const chats: readonly Chat[] = JSON.parse(
  await Deno.readTextFile(new URL("../../tests/data/reference/tokens.json", import.meta.url)),
).chats;

const withTemplate = (template: string | undefined) =>
  chatTemplate({
    path: "x.gguf",
    metadata: new Map<string, GgufValue>([
      ["tokenizer.ggml.tokens", TextList.of(["<s>", "</s>"])],
      ["tokenizer.ggml.bos_token_id", 0],
      ["tokenizer.ggml.eos_token_id", 1],
      ...(template === undefined ? [] : [["tokenizer.chat_template", template] as const]),
    ]),
  });

const user = (content: string): ChatMessage => ({ role: "user", content });

Deno.test("the default model's template renders as the reference", async () => {
  const render = chatTemplate(
    await readGguf(await resolveModel(undefined, { cacheDir: cacheDir() })),
  );
  for (const { name, messages, add_generation_prompt: addGenerationPrompt, rendered } of chats) {
    assertEquals(render(messages, { addGenerationPrompt }), rendered, name);
  }
});

Deno.test("templates see special tokens, and ask for the answer unless told not to", () => {
  const render = withTemplate(
    "{{ bos_token }}{{ messages[0].content }}{{ eos_token }}{% if add_generation_prompt %}>{% endif %}",
  );
  assertEquals(render([user("hi")]), "<s>hi</s>>");
  assertEquals(render([user("hi")], { addGenerationPrompt: false }), "<s>hi</s>");
});

Deno.test("what a template objects to is a KerfError", () => {
  const render = withTemplate("{{ raise_exception('roles must alternate') }}");
  const error = assertThrows(() => render([user("a")]), KerfError);
  assertEquals(
    error.message,
    'Cannot fill in the chat template of "x.gguf": roles must alternate',
  );
  assertThrows(() => withTemplate("{% if %}"), KerfError, "Cannot read the chat template");
});

Deno.test("a model without a template refuses chat and says --raw", () => {
  const error = assertThrows(() => withTemplate(undefined), KerfError, "it has no chat template");
  assertEquals(error.hints[0]?.includes("--raw"), true);
});
