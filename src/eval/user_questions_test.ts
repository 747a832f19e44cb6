import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { KerfError } from "../core/error.ts";
import { parseQuestions } from "./user_questions.ts";

Deno.test("a line is a question with one answer or several", () => {
  const lines = [
    { context: "A.", question: "Q:", answer: "one" },
    { context: "B.", question: "Q:", answer: ["one", "\ntwo"], task: "mine" },
  ];
  const text = lines.map((line) => JSON.stringify(line)).join("\n\n");
  assertEquals(parseQuestions(text, "f.jsonl", "f"), [
    { task: "f", context: "A.", turns: [{ given: "Q:", answer: " one" }] },
    {
      ...{ task: "mine", context: "B." },
      turns: [{ given: "Q:", answer: " one" }, { given: ",", answer: "\ntwo" }],
    },
  ]);
});

Deno.test("a line that is none is named with what it lacks", () => {
  const good = '{"context": "c", "question": "q", "answer": "a"}\n';
  for (
    const [line, why] of [
      ["{", "the line is not JSON"],
      ["null", "the line has no context"],
      ['{"context": "c", "answer": "a"}', "the line has no question"],
      ['{"context": "c", "question": "q", "answer": []}', "the line has no answer"],
      ['{"context": "c", "question": "q", "answer": [1]}', "the line has no answer"],
      ['{"context": "c", "question": "q", "answer": "a", "task": "a,b"}', "its task is no name"],
    ] as const
  ) {
    const error = assertThrows(() => parseQuestions(good + line, "f.jsonl", "f"), KerfError);
    assertStringIncludes(error.render(), why);
    assertStringIncludes(error.render(), "f.jsonl:2");
  }
  assertThrows(() => parseQuestions("\n", "f.jsonl", "f"), KerfError, "it has none");
});
