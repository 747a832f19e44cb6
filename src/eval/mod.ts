/** Evaluation: protocols, their statistics, and the files that results are kept in. */
export * from "./agreement.ts";
export * from "./answer.ts";
export * from "./case.ts";
export * from "./continuation.ts";
export * from "./evaluate.ts";
export * from "./generated_tasks.ts";
export * from "./haystack.ts";
export * from "./kept.ts";
export * from "./metrics.ts";
export * from "./moby_dick.ts";
export * from "./needle.ts";
export * from "./passages.ts";
export * from "./results.ts";
export * from "./statistics.ts";
export * from "./summary.ts";
export * from "./tasks.ts";
export * from "./user_questions.ts";
