import { kernel, write } from "kerf/dsl";
import merge from "./attention_merge.ts";

/** `attention_merge`, which also leaves the softmax of each row: its largest logit and its sum of weights. */
export default kernel({
  ...merge,
  name: "attention_merge_recording",
  bindings: [...merge.bindings, write("row_softmax", "f32", ["nRows", "nHeads", "2"])],
});
