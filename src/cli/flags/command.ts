/** What a command line is made of, as types: commands with flags of a few kinds. Holds no command. */

/** What a flag's value is. `path-in` and `path-out` become read and write permissions. */
export type FlagKind =
  | "switch"
  | "text"
  | "number"
  | "integer"
  | "integers"
  | "size"
  | "path-in"
  | "path-out";

/** One flag. */
export interface Flag {
  /** Without dashes; one letter or llama.cpp's short words take one dash, the rest two. */
  readonly name: string;
  readonly kind: FlagKind;
  readonly help: string;
  /** The value's name in the usage text. */
  readonly value?: string;
  /** Other spellings, without dashes. */
  readonly aliases?: readonly string[];
  /** Allowed values. */
  readonly choices?: readonly string[];
  /** May be given several times. */
  readonly repeat?: boolean;
}

/** One command. */
export interface Command {
  readonly name: string;
  readonly summary: string;
  readonly usage: string;
  readonly example: string;
  readonly flags: readonly Flag[];
}
