import { kernel, read, write } from "kerf/dsl";

/**
 * The place of each row's largest logit, of equal ones the lowest, from the largest of each group of them and
 * its place; what is no number is never the largest, and a row of nothing else gives its first place. Greedy
 * decoding reads this one number, and no logits are stored.
 */
export default kernel({
  name: "arg_max",
  bindings: [
    read("largest", "f32", ["nLogits", "n_groups"]),
    read("places", "u32", ["nLogits", "n_groups"]),
    write("picks", "u32", ["nLogits"]),
    read("step", "u32", ["stepFields"]),
  ],
  constants: [{
    name: "n_groups",
    dtype: "u32",
    doc: "of a row's logits, in their order; at least one",
  }],
  grid: [{ of: { step: "nLogits" } }],
});
