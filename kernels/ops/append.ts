import { append } from "kerf/dsl";
import { rotate } from "./rope_half.ts";

/** Rotates a row's q and k and stores k and v in the cache. */
export default append({ name: "append", pairing: "half", rotate });
