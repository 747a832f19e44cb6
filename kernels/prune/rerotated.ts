import { wrapper } from "kerf/dsl";

/**
 * Positions in the cache: rows that stay close up, keys and the queries that score are rotated to their new
 * places, and a sequence that evicts while it decodes outgrows the context. Wraps any token score:
 * `rerotated:of=snapkv,budget=512`, kvpress' KeyRerotationPress. A key is rounded once more at every eviction that
 * moves it. Keys that lost channels cannot be rotated again: not before a step that prunes them.
 */
export default wrapper({
  name: "rerotated",
  source: "arXiv:2309.17453",
  of: "snapkv",
  tokens: { positions: "cache" },
});
