import { wrapper } from "kerf/dsl";

/**
 * Ada-KV: the KV heads of a layer share their budgets. Each keeps the rows of `floor` of its own; the rest
 * goes to the highest scores of all heads, so heads that spread their attention keep more rows than heads
 * that gather it. Wraps a token score: `adakv:of=tova,budget=512`. Costs one more choice of rows; heads
 * differ in length, so decoding waits for the longest one.
 */
export default wrapper({
  name: "adakv",
  source: "arXiv:2407.11550",
  of: "snapkv",
  params: {
    floor: { default: 0.2, min: 0, max: 1, doc: "share of a head's budget that is its own" },
  },
  tokens: { scope: "head", share: { floor: "floor" } },
});
