/** What fetching a model needs from its caller, and what it reports. Progress is data; drawing is not here. */

import { KerfError } from "../core/error.ts";

/** How far one step of fetching has come. */
export interface FetchProgress {
  /** What is being done, for people: `downloading SmolLM2-135M-Instruct.Q4_1.gguf`. */
  readonly label: string;
  /** Bytes done, and in all. */
  readonly done: number;
  readonly total: number;
}

/** Options of every function that fetches. */
export interface FetchOptions {
  /** Where fetched models live: `models/` below this folder. */
  readonly cacheDir: string;
  readonly onProgress?: (progress: FetchProgress) => void;
  /** Ends the work; nothing half-fetched is left in a model's place. */
  readonly signal?: AbortSignal;
}

/** @throws {KerfError} with exit code 130 once the signal is aborted */
export function throwIfInterrupted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) {
    throw new KerfError("Fetching the model was interrupted", {
      hint: "start again",
      exitCode: 130,
    });
  }
}
