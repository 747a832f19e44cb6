import { kernel } from "kerf/dsl";
import { outside } from "./attention_merge.ts";

/**
 * Merges as `attention_merge` does, over values in the Walsh-Hadamard basis: the output is turned back
 * before it is written.
 */
export default kernel({ name: "attention_merge_turned", ...outside });
