/**
 * An edit that breaks something, with the tests that must notice. Data: mod.ts runs it. `find` stands
 * exactly once in its file, so an edit that code has outgrown is reported, not skipped.
 */

/** One edit. */
export interface Mutant {
  readonly name: string;
  /** Project-relative. */
  readonly file: string;
  readonly find: string;
  readonly replace: string;
  /** Test files of which one test at least must fail. */
  readonly tests: readonly string[];
  /** Only tests whose name contains this: a mutant should take seconds. */
  readonly only?: string;
  /** The tests read generated/, which the edit changes. */
  readonly generated?: true;
}
