import { wrapper } from "kerf/dsl";

/**
 * Min-p of tokens: a KV head keeps the rows whose score is at least `share` of its largest, so what it keeps
 * follows how far its scores fall off, not how many rows there are. Wraps a token score whose values are
 * weights: `thresholded:of=tova,share=0.02`. The budget of what it wraps is the most that stays, and what
 * forecasts count. One far-off score evicts nearly all others: `least` rows stay in any case.
 */
export default wrapper({
  name: "thresholded",
  of: "snapkv",
  params: {
    share: { default: 0.05, min: 0, max: 1, doc: "of the largest score, that a row needs to stay" },
    least: { default: 64, min: 1, integer: true, doc: "rows that stay in any case" },
  },
  tokens: { enough: { ofLargest: "share", least: "least" } },
});
