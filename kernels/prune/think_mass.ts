import { channels, meanSquare, pruning } from "kerf/dsl";

/**
 * ThinK with widths that the scores decide: of each head as few key channels stay as hold the share `mass` of
 * all scores, so heads whose logits rest on few channels store few. Costs as ThinK does. How much it saves is
 * known only once the prompt is read: `ratio` of the channels leave in any case, and forecasts count no more.
 * At equal bytes it is not told apart from ThinK on the default model (0.98: as ThinK's 0.5).
 */
export default pruning({
  name: "think_mass",
  source: "arXiv:2407.21018",
  params: {
    mass: { default: 0.98, min: 0, max: 1, doc: "share of the scores that stays" },
    ratio: { default: 0, min: 0, max: 0.95, doc: "share of the channels that leaves in any case" },
    least: { default: 8, min: 1, integer: true, doc: "channels that stay in any case" },
    window: { default: 32, min: 1, max: 512, integer: true, doc: "last queries that score" },
    recent: { default: 32, min: 0, integer: true, doc: "last rows that stay whole" },
    multiple: { default: 1, min: 1, max: 64, integer: true, doc: "round kept counts up to this" },
  },
  steps: [channels({
    of: "key",
    group: "mean",
    window: "window",
    score: (q, k) => meanSquare(q) * meanSquare(k),
    remove: "ratio",
    enough: { mass: "mass", least: "least" },
    multiple: "multiple",
    protect: { last: "recent" },
  })],
});
