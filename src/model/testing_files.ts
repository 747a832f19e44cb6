/** Files and folders that live as long as one test. */

import { join } from "@std/path";

/** A folder that is removed when it goes out of scope. */
export interface TestFolder extends AsyncDisposable {
  readonly path: string;
  /** Writes a file into it and returns its path. */
  write(name: string, content: Uint8Array | string): Promise<string>;
}

/** Makes an empty folder for a test: `await using folder = await testFolder();` */
export async function testFolder(): Promise<TestFolder> {
  const path = await Deno.makeTempDir({ prefix: "kerf-test-" });
  return {
    path,
    write: async (name, content) => {
      const file = join(path, name);
      if (typeof content === "string") await Deno.writeTextFile(file, content);
      else await Deno.writeFile(file, content);
      return file;
    },
    [Symbol.asyncDispose]: () => Deno.remove(path, { recursive: true }),
  };
}
