import { wrapper } from "kerf/dsl";

/**
 * Top-p of tokens: a KV head keeps the fewest rows whose scores hold the share `mass` of all, so heads that
 * gather their attention keep few and heads that spread it many. Wraps a token score whose values are
 * weights: `massed:of=tova,mass=0.9`. The budget of what it wraps is the most that stays, and what forecasts
 * count. Twilight picks so among rows for every step; here the others leave. At equal bytes it is not told
 * apart from SnapKV on the default model (0.9: 27 %). A score that is never above 0 keeps `least` rows.
 */
export default wrapper({
  name: "massed",
  source: "arXiv:2502.02770",
  of: "snapkv",
  params: {
    mass: { default: 0.95, min: 0, max: 1, doc: "share of the scores that stays" },
    least: { default: 64, min: 1, integer: true, doc: "rows that stay in any case" },
    multiple: { default: 1, min: 1, max: 128, integer: true, doc: "round kept rows up to this" },
  },
  tokens: { enough: { mass: "mass", least: "least" }, multiple: "multiple" },
});
