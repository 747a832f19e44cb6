/**
 * What a layout follows from: the cache types that a user asked for, the order of rows in memory, and the steps
 * of a pruning variant as far as where rows lie depends on them.
 */

import type { Code, Layout, Segment } from "./types.ts";

/** What the cache stores elements as: `-ctk` and `-ctv`. */
export type CacheType = "f16" | "f32";

/** The types of both streams. */
export interface CacheTypes {
  readonly key: CacheType;
  readonly value: CacheType;
}

/** Physical order per stream. */
export interface StreamTiles {
  readonly key: Segment["tile"];
  readonly value: Segment["tile"];
}

/** A stream's older rows are coded: which, how, and when rows of the last segment join them. */
export interface CodesRule {
  readonly kind: "codes";
  readonly of: "key" | "value";
  readonly code: Extract<Code, { readonly kind: "affine" }>;
  /** Of the rows that score low; null: they store nothing; absent: all rows are alike. */
  readonly low?: Extract<Code, { readonly kind: "affine" }> | null;
  readonly flush: NonNullable<Segment["flush"]>;
}

/** As much of a pruning variant as a layout depends on. */
export interface LayoutSteps {
  readonly name: string;
  readonly steps: readonly (
    | {
      readonly kind: "channels";
      readonly of: "key" | "value";
      /** `row`: each row keeps channels of its own; else those of a head keep the same. */
      readonly per?: "head" | "row";
      /** When rows of the last segment lose channels while decoding; absent or null: never. */
      readonly flush?: Segment["flush"];
    }
    | { readonly kind: "basis"; readonly of: "key" | "value" }
    | {
      readonly kind: "tokens";
      readonly positions?: unknown;
      readonly statistics?: readonly { readonly name: string }[];
    }
    | CodesRule
  )[];
  /** What keys are rotated by; absent: as the steps say without parameters. */
  readonly positions?: Layout["positions"];
  /** The author's own layout, in place of the one that the steps imply. */
  readonly layout?: (types: CacheTypes, tiles: StreamTiles) => Layout;
}
