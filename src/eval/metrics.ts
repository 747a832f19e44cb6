/** How a metric of passages becomes one of a spec, and what of it is noise. */

/** How values of passages are averaged. */
export interface MetricRule {
  /** `log`: e^(mean of logarithms), so that the mean of ppl is e^(mean nll). */
  readonly mean: "arithmetic" | "log";
  /** A difference below it says nothing about the specs; 0: any may. */
  readonly noise: number;
  readonly digits: number;
  /** Which of two values is the better one. */
  readonly better: "low" | "high";
}

const RULE: MetricRule = { mean: "arithmetic", noise: 0, digits: 3, better: "low" };

/**
 * Two arithmetics of the same model (f32 sums in another order, 8-bit activations) are up to 0.005 nats
 * apart, so a smaller KL, or a smaller difference, is not the spec's.
 */
export const KL_NOISE = 0.005;

const RULES: Readonly<Record<string, Partial<MetricRule>>> = {
  ppl: { mean: "log", digits: 2 },
  nll: { digits: 4 },
  dnll: { digits: 4 },
  kl: { noise: KL_NOISE, digits: 4 },
  kl_p50: { noise: KL_NOISE, digits: 4 },
  common_prefix: { digits: 1, better: "high" },
  agree: { better: "high" },
  top1: { better: "high" },
  hit: { better: "high" },
  needle: { better: "high" },
  kl_p90: { digits: 4 },
  kl_p99: { digits: 4 },
};

/** The rule of a metric. */
export const ruleOf = (metric: string): MetricRule => ({ ...RULE, ...RULES[metric] });
