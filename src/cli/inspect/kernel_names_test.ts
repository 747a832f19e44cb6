import { assertEquals } from "@std/assert";
import { kernelsMeant } from "./kernel_names.ts";

const DENSE = "k_f16t16_v_f16t1";
const LIST = "k_list_f16t16_f16t16_v_f16t1";
const NAMES = [
  ...[DENSE, LIST].flatMap((layout) => [
    `append__${layout}`,
    ...["alibi", "causal"].map((name) => `attention_${name}_decode__${layout}`),
  ]),
  "attention_merge",
  ...["key_norm_channels", "think"].map((name) => `channel_scores_${name}__${LIST}`),
  ...["matmul__f16", "matmul__f32", "matmul_add__f16"],
];

const meant = (word: string, choice: Partial<Parameters<typeof kernelsMeant>[2]> = {}) =>
  kernelsMeant(word, NAMES, { layout: DENSE, attention: "causal", prune: [], ...choice });

Deno.test("the layout and the variants choose among the names that hold a word", () => {
  assertEquals(meant("decode"), [`attention_causal_decode__${DENSE}`]);
  assertEquals(meant("decode", { attention: "alibi" }), [`attention_alibi_decode__${DENSE}`]);
  const think = { layout: LIST, prune: ["think"] };
  assertEquals(meant("decode", think), [`attention_causal_decode__${LIST}`]);
  assertEquals(meant("scores", think), [`channel_scores_think__${LIST}`]);
  assertEquals(meant("append", think), [`append__${LIST}`]);
  // Not generated beforehand, but a run renders it.
  const wide = { layout: "k_f32t16_v_f32t1" };
  assertEquals(meant("decode", wide), ["attention_causal_decode__k_f32t16_v_f32t1"]);
  assertEquals(meant("scores_key", wide), [`channel_scores_key_norm_channels__${LIST}`]);
});

Deno.test("a whole name is itself, and what nothing narrows stays ambiguous", () => {
  assertEquals(meant("attention_merge"), ["attention_merge"]);
  assertEquals(meant(`attention_alibi_decode__${LIST}`), [`attention_alibi_decode__${LIST}`]);
  assertEquals(meant("matmul"), ["matmul__f16", "matmul__f32"]);
  assertEquals(meant("nothing"), []);
});
