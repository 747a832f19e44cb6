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
