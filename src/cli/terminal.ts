/**
 * What people see beside the answer: status lines and one moving bar on standard error. Without a terminal
 * there are no colours and nothing moves: a long piece of work is one line.
 */

import { formatBytes } from "../core/bytes.ts";

const encoder = new TextEncoder();

/** Writes text to standard error as it is. */
export const writeError = (text: string): void => {
  Deno.stderr.writeSync(encoder.encode(text));
};

/** Writes text to standard output as it is, all of it. */
export function writeOut(text: string): void {
  let rest = encoder.encode(text);
  while (rest.length > 0) rest = rest.subarray(Deno.stdout.writeSync(rest));
}

/** Whether standard error may be coloured. */
export const colourful = (): boolean =>
  Deno.stderr.isTerminal() && (Deno.env.get("NO_COLOR") ?? "") === "";

/** `text` dimmed where colours are allowed. */
export const dim = (text: string): string => colourful() ? `\x1b[2m${text}\x1b[22m` : text;

/** Breaks a text at spaces into lines of at most `width` columns where it can; the later ones are indented. */
export function wrap(text: string, width: number, indent = ""): string {
  const lines = [""];
  for (const word of text.split(" ")) {
    const line = lines.at(-1)!;
    const next = line === "" ? word : `${line} ${word}`;
    if (line === "" || next.length <= width) lines[lines.length - 1] = next;
    else lines.push(indent + word);
  }
  return lines.join("\n");
}

/** How far a piece of work is. */
export interface Progress {
  readonly label: string;
  readonly done: number;
  readonly total: number;
  /** How `done` and `total` read; default: a count. */
  readonly unit?: "bytes" | "count";
  /** What stands behind the bar. */
  readonly note?: string;
}

const BAR_WIDTH = 24;

/** One line of a bar: `fetching model [####----] 31.0 MiB / 93.8 MiB`. */
export function progressLine({ label, done, total, unit, note }: Progress): string {
  const share = total > 0 ? Math.min(1, done / total) : 0;
  const filled = Math.round(share * BAR_WIDTH);
  const bar = "█".repeat(filled) + "░".repeat(BAR_WIDTH - filled);
  const show = unit === "bytes" ? formatBytes : String;
  return `${label} ${bar} ${show(done)} / ${show(total)}${note === undefined ? "" : ` · ${note}`}`;
}

/** Draws progress on standard error; `end` clears the bar. */
export interface ProgressDrawer {
  draw(progress: Progress): void;
  end(): void;
}

/** Work that is over sooner is not worth a word. */
const SHOWN_AFTER_MS = 400;
const REDRAW_MS = 50;

/**
 * A drawer for standard error. On a terminal it redraws at most twenty times a second; elsewhere it prints
 * each label once. A quiet one draws nothing. Work counts from the last sign of life before it.
 */
export function openProgress(options: { readonly quiet?: boolean } = {}): ProgressDrawer {
  if (options.quiet) return { draw: () => {}, end: () => {} };
  const moving = Deno.stderr.isTerminal();
  let label: string | undefined;
  let started = performance.now();
  let seen = started;
  let drawn: number | undefined;
  return {
    draw(progress) {
      const now = performance.now();
      if (progress.label !== label) {
        label = progress.label;
        started = seen;
        drawn = undefined;
      }
      seen = now;
      const isDone = progress.done >= progress.total;
      if (drawn === undefined && (isDone || now - started < SHOWN_AFTER_MS)) return;
      if (!moving) {
        if (drawn === undefined) writeError(`${progress.label}\n`);
      } else if (drawn === undefined || isDone || now - drawn >= REDRAW_MS) {
        writeError(`\r\x1b[K${dim(progressLine(progress))}`);
      } else return;
      drawn = now;
    },
    end() {
      if (moving && drawn !== undefined) writeError("\r\x1b[K");
      label = drawn = undefined;
      seen = performance.now();
    },
  };
}
