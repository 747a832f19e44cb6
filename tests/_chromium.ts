/** Headless Chromium for tests: opens a page of this process and waits for what it posts to /results. */

/** Programs by which systems know it. */
const PROGRAMS = ["chromium", "chromium-browser", "google-chrome"];

const FLAGS = [
  ...["--headless=new", "--no-sandbox", "--no-first-run", "--disable-background-networking"],
];

/** Starting Chromium takes a second or two and pages a few more; a hang is not waited for. */
const TIMEOUT_MS = 180_000;

/** What to do when no Chromium is here. */
export const INSTALL_CHROMIUM = "Debian: apt-get install chromium";

/** What a page answers: its results, or why there are none. */
interface Answer<T> {
  readonly results?: T;
  readonly problem?: string;
}

/** What a browser is to do. */
export interface ChromiumPage {
  readonly program: string;
  readonly flags: readonly string[];
  /** Answers a path of this process; what it leaves is not found. */
  readonly serve: (path: string) => Response | undefined;
}

/** What a page posted, and what the browser wrote of its console. */
export interface ChromiumAnswer<T> {
  readonly results: T;
  /** What pages wrote, or were found to do wrong, one a line. */
  readonly console: readonly string[];
  /** Paths that were asked for and not found. */
  readonly notFound: readonly string[];
}

/** The first program that runs; some systems have a script by its name that says where to get it. */
export async function findChromium(): Promise<string | undefined> {
  for (const program of PROGRAMS) {
    try {
      const { success } = await new Deno.Command(program, { args: ["--version"] }).output();
      if (success) return program;
    } catch (error) {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    }
  }
  return undefined;
}

/** Opens `/` and waits for its results. @throws {Error} it has a problem, or does not answer in time */
export async function askChromium<T>(
  { program, flags, serve }: ChromiumPage,
): Promise<ChromiumAnswer<T>> {
  const answer = Promise.withResolvers<Answer<T>>();
  const notFound: string[] = [];
  const server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, async (request) => {
    const { pathname } = new URL(request.url);
    if (pathname === "/results") {
      answer.resolve(await request.json());
      return new Response();
    }
    const response = serve(pathname);
    if (response !== undefined) return response;
    notFound.push(pathname);
    return new Response(null, { status: 404 });
  });
  const profile = await Deno.makeTempDir();
  // Its own file: children of the browser hold a pipe open for as long as they please.
  const log = `${profile}/console.log`;
  const logging = ["--enable-logging", `--log-file=${log}`, `--user-data-dir=${profile}`];
  const browser = new Deno.Command(program, {
    args: [...FLAGS, ...flags, ...logging, `http://127.0.0.1:${server.addr.port}/`],
    stdout: "null",
    stderr: "null",
  }).spawn();
  const timer = setTimeout(
    () => answer.resolve({ problem: `no answer within ${TIMEOUT_MS / 1000} s` }),
    TIMEOUT_MS,
  );
  try {
    const { results, problem } = await answer.promise;
    if (results === undefined) throw new Error(`${program}: ${problem}`);
    const lines = (await Deno.readTextFile(log)).split("\n");
    return { results, console: lines.filter((line) => line.includes(":CONSOLE")), notFound };
  } finally {
    clearTimeout(timer);
    browser.kill();
    await browser.status;
    await server.shutdown();
    await removeProfile(profile);
  }
}

/** Processes of the browser outlive it for a moment, and still write there. */
async function removeProfile(path: string): Promise<void> {
  for (let left = 100;; left--) {
    try {
      return await Deno.remove(path, { recursive: true });
    } catch (error) {
      if (left === 0) throw error;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}

/** A page of tests/chromium/. */
export async function chromiumPage(name: string): Promise<Response> {
  const text = await Deno.readTextFile(new URL(`chromium/${name}`, import.meta.url));
  return htmlResponse(text);
}

/** HTML to serve. */
export const htmlResponse = (text: string): Response =>
  new Response(text, { headers: { "content-type": "text/html" } });
