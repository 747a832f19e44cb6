/**
 * Processes that never sleep, one for each processor: what a step loses beside them says how its threads wait for
 * each other. Two threads for a processor halve each other's time; more than that is lost by waiting. They are
 * Denos, since that is the one program that `bench` may always start.
 */

import { KerfError } from "../../core/error.ts";
import { runCommand } from "../../sys/command.ts";

/** Far longer than a Deno takes until it spins. */
const STARTING_MS = 300;

/**
 * Works beside `n` busy processes, which end with the work.
 *
 * @param options.startingMs until the work begins; default: until they spin
 * @param options.script what they run; default: what never ends
 * @throws {KerfError} one of them ended before
 */
export async function besideBusy<T>(
  n: number,
  work: () => Promise<T>,
  { startingMs = STARTING_MS, script = "for (;;);" }: {
    readonly startingMs?: number;
    readonly script?: string;
  } = {},
): Promise<T> {
  const end = new AbortController();
  const program = Deno.execPath();
  const spinning = Array.from({ length: n }, async (): Promise<never> => {
    const { code } = await runCommand(program, ["eval", script], { signal: end.signal });
    throw new KerfError(`Cannot keep a processor busy: "${program}" ended with code ${code}`, {
      hint: `${program} eval "${script}" # says why`,
    });
  });
  const started = new Promise((resolve) => setTimeout(resolve, startingMs));
  try {
    return await Promise.race([started.then(work), ...spinning]);
  } finally {
    end.abort();
    await Promise.allSettled(spinning);
  }
}
