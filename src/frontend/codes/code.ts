/** What a code of a diagnostic stands for. */

/** A code's texts, which a report may sharpen. */
export interface CodeSpec {
  readonly title: string;
  /** The default reason. */
  readonly why: string;
  /** The default fix: what to write instead. */
  readonly fix: string;
}

/** An entry of a family of codes. */
export const code = (title: string, why: string, fix: string): CodeSpec =>
  Object.freeze({ title, why, fix });
