/**
 * One process at a time in a folder: the second waits, then finds the work done. The lock is the
 * operating system's and ends with the process, however that ends.
 */

import { join } from "@std/path";
import { throwIfInterrupted } from "./fetch_options.ts";

/** How often a waiting process asks again. */
const POLL_MS = 100;

/** Options of {@linkcode withFolderLock}. */
export interface LockOptions {
  readonly signal?: AbortSignal | undefined;
  /** Called once if another process holds the lock. */
  readonly onWait?: () => void;
}

/** Runs `work` while no other process does so in `folder`, which is made if need be. */
export async function withFolderLock<T>(
  folder: string,
  work: () => Promise<T>,
  options: LockOptions = {},
): Promise<T> {
  await Deno.mkdir(folder, { recursive: true });
  using file = await Deno.open(join(folder, ".lock"), { create: true, write: true });
  for (let waited = false; !(await file.tryLock(true)); waited = true) {
    if (!waited) options.onWait?.();
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    throwIfInterrupted(options.signal);
  }
  try {
    return await work();
  } finally {
    await file.unlock();
  }
}
