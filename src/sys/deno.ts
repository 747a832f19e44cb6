/** Starts Deno itself again: commands in a process of their own, the test runner. */

/** Environment and folder of the new process; its streams are this process's. */
export interface DenoProcessOptions {
  readonly cwd: string;
  readonly env?: Readonly<Record<string, string>>;
}

/**
 * Runs this Deno with `args` to its end, passing SIGINT and SIGTERM on.
 *
 * @returns its exit code; 130 when it was interrupted
 */
export async function runDeno(args: readonly string[], options: DenoProcessOptions) {
  const child = new Deno.Command(Deno.execPath(), {
    args: [...args],
    cwd: options.cwd,
    env: { ...options.env },
    stdin: "inherit",
    stdout: "inherit",
    stderr: "inherit",
  }).spawn();
  const pass = (signal: Deno.Signal) => () => {
    try {
      child.kill(signal);
    } catch {
      // It ended by itself in between.
    }
  };
  // A terminal sends Ctrl-C to the whole group: the child gets it twice and must take that for once.
  const onInterrupt = pass("SIGINT");
  const onTerminate = pass("SIGTERM");
  Deno.addSignalListener("SIGINT", onInterrupt);
  Deno.addSignalListener("SIGTERM", onTerminate);
  const status = await child.status;
  Deno.removeSignalListener("SIGINT", onInterrupt);
  Deno.removeSignalListener("SIGTERM", onTerminate);
  return status.signal === "SIGINT" ? 130 : status.code;
}

/** How a Deno process ended whose output was kept. */
export interface DenoOutput {
  readonly code: number;
  /** What it printed on standard output, then on standard error. */
  readonly output: string;
  /** Whether it was stopped because its time was over. */
  readonly stuck: boolean;
}

/**
 * Runs this Deno with `args` to its end and keeps what it prints.
 *
 * @param options.stopAfterMs it is killed when it has not ended by then
 */
export async function captureDeno(
  args: readonly string[],
  { cwd, stopAfterMs }: { readonly cwd: string; readonly stopAfterMs: number },
): Promise<DenoOutput> {
  const child = new Deno.Command(Deno.execPath(), {
    args: [...args],
    cwd,
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  let stuck = false;
  const timer = setTimeout(() => {
    stuck = true;
    child.kill("SIGKILL");
  }, stopAfterMs);
  try {
    const { code, stdout, stderr } = await child.output();
    const decoder = new TextDecoder();
    return { code, output: decoder.decode(stdout) + decoder.decode(stderr), stuck };
  } finally {
    clearTimeout(timer);
  }
}
