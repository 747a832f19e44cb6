/** What metrics are, how one of passages becomes one of a spec, and what of it is noise. */

/** How values of passages are averaged. */
export interface MetricRule {
  /** `log`: e^(mean of logarithms), so that the mean of ppl is e^(mean nll). */
  readonly mean: "arithmetic" | "log";
  /** A difference below it says nothing about the specs; 0: any may. */
  readonly noise: number;
  readonly digits: number;
  /** Which of two values is the better one. */
  readonly better: "low" | "high";
  /** What it is, in a few words; of percentiles the first one's say it. */
  readonly about: string;
  /** What a chart calls it. */
  readonly title: string;
  /** What it is counted in. */
  readonly unit: string;
}

const RULE: Omit<MetricRule, "title"> = {
  ...{ mean: "arithmetic", noise: 0, digits: 3, better: "low", about: "", unit: "" },
};

/**
 * Two arithmetics of the same model (f32 sums in another order, 8-bit activations) are up to 0.005 nats
 * apart, so a smaller KL, or a smaller difference, is not the spec's.
 */
export const KL_NOISE = 0.005;

const RULES: Readonly<Record<string, Partial<MetricRule>>> = {
  ppl: { mean: "log", digits: 2, about: "e^nll" },
  nll: { digits: 4, about: "mean −log probability of the text's own tokens, nats" },
  dnll: {
    ...{ digits: 4, about: "nll less the full cache's" },
    ...{ title: "NLL above the full cache's", unit: "nats a token" },
  },
  kl: {
    ...{ noise: KL_NOISE, digits: 4, about: "mean divergence from the full cache, nats a token" },
    ...{ title: "KL to the full cache", unit: "nats a token" },
  },
  kl_p50: { noise: KL_NOISE, digits: 4, about: "percentiles of kl over tokens" },
  common_prefix: { digits: 1, better: "high", about: "tokens before the first other one" },
  agree: {
    ...{ better: "high", about: "share of greedy tokens that are the full cache's" },
    ...{ title: "Tokens as the full cache's", unit: "share" },
  },
  top1: { better: "high", about: "share of tokens whose likeliest is the full cache's" },
  hit: { better: "high", about: "share of answers whose every token was the likeliest" },
  needle: {
    ...{ better: "high", about: "share of needles whose every token was the likeliest" },
    ...{ title: "Needles found", unit: "share" },
  },
  answer_nll: {
    about: "mean −log probability of the answer's tokens, nats",
    ...{ title: "NLL of the right answer", unit: "nats a token" },
  },
  kl_p90: { digits: 4 },
  kl_p99: { digits: 4 },
};

/** The rule of a metric. */
export const ruleOf = (metric: string): MetricRule => ({
  ...RULE,
  title: metric,
  ...RULES[metric],
});

/** What metrics are, for who reads a table of them. */
export const aboutMetrics = (metrics: readonly string[]): string =>
  metrics.map((metric) => ({ metric, about: ruleOf(metric).about }))
    .filter(({ about }) => about !== "").map(({ metric, about }) => `${metric}: ${about}`)
    .join("; ");
