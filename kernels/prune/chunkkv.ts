import { wrapper } from "kerf/dsl";

/**
 * ChunkKV: rows stay or leave in aligned blocks of `block` tokens, so that what is kept reads on: a block's
 * score is the mean of its rows'. Wraps a token score: `chunkkv:of=tova,block=8`. The highest blocks stay as
 * long as they fit, so up to a block of the budget is left over. The window and what else is protected stays
 * whatever its block. The paper also lets layers share their choice; here each makes its own.
 */
export default wrapper({
  name: "chunkkv",
  source: "arXiv:2502.00299",
  of: "snapkv",
  params: { block: { default: 16, min: 1, max: 128, integer: true, doc: "tokens of a block" } },
  tokens: { pool: { kind: "max", width: 1 }, block: { rows: "block", kind: "mean" } },
});
