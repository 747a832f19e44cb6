import { assert, assertEquals } from "@std/assert";
import { randomSource } from "../engine/random.ts";
import { GENERATED_TASKS, generatedQuestion } from "./generated_tasks.ts";
import { needles } from "./needle.ts";

/** Tokens of about four characters, as those of a large vocabulary. */
const pieces = (text: string) => text.match(/ ?[^ ]{1,4}/g) ?? [];
const known: string[] = [];
const encode = (text: string) =>
  pieces(text).map((piece) => {
    if (!known.includes(piece)) known.push(piece);
    return known.indexOf(piece);
  });
const decode = (ids: readonly number[]) => ids.map((id) => known[id]).join("");

const HAY = "The sea was calm and the ship lay still. Nobody spoke, and the sails hung down! "
  .repeat(90);
const N_TOKENS = 600;

const question = (task: string, seed: number) =>
  generatedQuestion(task, {
    ...{ encode, decode, hay: HAY, nTokens: N_TOKENS },
    random: randomSource(seed),
  });

for (const task of GENERATED_TASKS) {
  Deno.test(`${task}: its seed makes it, its context holds the answers, and it is as long as asked`, () => {
    assertEquals(question(task, 3), question(task, 3));
    assert(question(task, 3).context !== question(task, 4).context);
    const { context, turns, lead = "" } = question(task, 5);
    for (const { answer } of turns) {
      assert(context.includes(answer.trim()), `${answer} is not in the context`);
    }
    const n = encode(context + turns[0]!.given + lead).length;
    // Lists of words are as long as an average word has it.
    assert(n > 0.85 * N_TOKENS && n < 1.15 * N_TOKENS, `${n} tokens`);
  });
}

Deno.test("answers are the right ones", () => {
  for (let seed = 0; seed < 20; seed++) {
    const many = question("multi-key", seed);
    const [, thing] = /code of the (\w+) is$/.exec(many.turns[0]!.given)!;
    assert(many.context.includes(` The code of the ${thing} is${many.turns[0]!.answer}.`));
    assertEquals(many.context.match(/The code of the/g)!.length, 8);

    const chain = question("variables", seed);
    const number = /\d+/.exec(chain.turns[0]!.given)![0];
    const values = new Map([...chain.context.matchAll(/Let (\w+) be (\w+)\./g)]
      .map(([, name, value]) => [name!, value!]));
    const valueOf = (name: string): string => values.has(name) ? valueOf(values.get(name)!) : name;
    const holding = [...values.keys()].filter((name) => valueOf(name) === number);
    assertEquals(chain.turns.map(({ answer }) => answer.trim()), holding);

    const frequent = question("frequent-words", seed);
    const words = frequent.context.slice("The words are: ".length, -1).split(", ");
    const count = (word: string) => words.filter((other) => other === word).length;
    const sorted = [...new Set(words)].sort((a, b) => count(b) - count(a));
    assertEquals(frequent.turns.map(({ answer }) => answer.trim()), sorted.slice(0, 3));

    const common = question("common-words", seed);
    const list = common.context.slice("The words are: ".length, -1).split(", ");
    const answers = common.turns.map(({ answer }) => answer.trim());
    const often = (word: string) => list.filter((other) => other === word).length;
    const rest = [...new Set(list)].filter((word) => !answers.includes(word));
    assert(Math.min(...answers.map(often)) > 2 * Math.max(...rest.map(often)));
    const first = answers.map((word) => list.indexOf(word));
    assertEquals(first, first.toSorted((a, b) => a - b));
  }
});

Deno.test("needles lie at five depths, ten in all, five of long prompts", () => {
  const made = needles(HAY, 300, { encode, decode });
  assertEquals(made.map(({ depth }) => depth), [0, 0.25, 0.5, 0.75, 1, 0, 0.25, 0.5, 0.75, 1]);
  for (const { context, turns: [turn], depth } of made) {
    const sentence = `The special magic number is${turn!.answer}.`;
    const place = context.indexOf(sentence) / (context.length - sentence.length);
    // Sentences of the haystack are 40 of about 1,200 characters long.
    assert(Math.abs(place - depth) < 0.03, `${place} for ${depth}`);
    assertEquals(turn!.given, "\n\nThe special magic number is");
    const n = encode(context + turn!.given).length;
    assert(Math.abs(n - 300) < 6, `${n} tokens`);
  }
  assertEquals(needles(HAY, 4096, { encode, decode }).length, 5);
});
