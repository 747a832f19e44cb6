/**
 * The one shape of a message a user reads: what could not be done, where, why, and what to type next.
 *
 * A {@linkcode KerfError} is a user's error: the command line prints it without a stack trace. Anything
 * else that reaches the top is a bug in Kerf and keeps its trace.
 */

/** What a {@linkcode KerfError} carries beside its message. */
export interface KerfErrorOptions {
  /** The exact thing to type or change next, one line each. */
  hint?: string | readonly string[];
  /** Where it is: `file:line:col`, a tensor or a flag. */
  where?: string;
  /** 1 the work failed, 2 the command line was wrong, 130 interrupted. */
  exitCode?: 1 | 2 | 130;
  cause?: unknown;
}

/**
 * An error whose text is meant for the person at the keyboard.
 *
 * @example
 * ```ts
 * import { KerfError } from "./error.ts";
 * const error = new KerfError('Cannot read "a.gguf" as a GGUF file: it starts with "PK"', {
 *   hint: "pass the .gguf inside the archive",
 * });
 * if (!error.render().includes("hint: pass the .gguf")) throw new Error("no hint");
 * ```
 */
export class KerfError extends Error {
  override name = "KerfError";
  readonly hints: readonly string[];
  readonly where: string | undefined;
  readonly exitCode: 1 | 2 | 130;

  constructor(message: string, options: KerfErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    const { hint } = options;
    this.hints = hint === undefined ? [] : typeof hint === "string" ? [hint] : [...hint];
    this.where = options.where;
    this.exitCode = options.exitCode ?? 1;
  }

  /** The message as the command line prints it: the sentence, where, then one `hint:` line each. */
  render(): string {
    const lines = [`error: ${this.message}`];
    if (this.where !== undefined) lines.push(`  at ${this.where}`);
    for (const hint of this.hints) lines.push(`hint: ${hint}`);
    return lines.join("\n");
  }
}
