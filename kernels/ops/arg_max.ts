import { kernel, read, write } from "kerf/dsl";

/**
 * The place of each row's largest logit, of equal ones the lowest; what is no number is never the largest,
 * and a row of nothing else gives 0. Greedy decoding reads this one number and no logits.
 */
export default kernel({
  name: "arg_max",
  bindings: [
    read("logits", "f32", ["nLogits", "width"]),
    write("picks", "u32", ["nLogits"]),
    read("step", "u32", ["stepFields"]),
  ],
  constants: [{ name: "width", dtype: "u32", doc: "logits of a row, at least one" }],
  grid: [{ of: { step: "nLogits" } }],
});
