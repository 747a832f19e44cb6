import { codes, pruning } from "kerf/dsl";

const when = { group: "group", residual: "residual", every: "every", keep: "keep" };

/**
 * KIVI: keys and values as codes of few bits. Keys share a scale along rows of a channel, since some of
 * their channels are far larger than others; values along channels of a row. The last `residual` rows stay
 * whole always, which KIVI's own code leaves to chance (`keep=0`) at a fifth to a half more divergence.
 * Costs one pass over the rows that are coded. At 4 bits it loses next to nothing, at 2 small models lose
 * much. `rowScales=1` lets keys share them along a row instead, what KIVI is compared with.
 */
export default pruning({
  name: "kivi",
  source: "arXiv:2402.02750",
  params: {
    bits: { default: 4, min: 2, max: 8, integer: true, doc: "of a code: 2, 4 or 8" },
    keys: { default: 1, min: 0, max: 1, integer: true, doc: "1: keys are coded" },
    values: { default: 1, min: 0, max: 1, integer: true, doc: "1: values are coded" },
    rowScales: { default: 0, min: 0, max: 1, integer: true, doc: "1: a key's scale is its row's" },
    group: { default: 32, min: 16, max: 128, integer: true, doc: "values that share a scale" },
    residual: { default: 128, min: 16, integer: true, doc: "rows that are coded at once" },
    every: { default: -1, min: -1, integer: true, doc: "… while decoding; 0: none, −1: as many" },
    keep: { default: 1, min: 0, max: 1, integer: true, doc: "1: as many stay whole, 0: none need" },
  },
  steps: [
    codes({ of: "key", if: "keys", bits: "bits", along: { channelsIf: "rowScales" }, ...when }),
    codes({ of: "value", if: "values", bits: "bits", along: "channels", ...when }),
  ],
});
