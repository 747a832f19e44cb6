import { assertThrows } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { KerfError } from "../core/error.ts";
import { openLibrary } from "./library.ts";

Deno.test("a file that is no library is an error with its path", () => {
  const path = fromFileUrl(import.meta.url);
  assertThrows(() => openLibrary(path, {}), KerfError, `Cannot load the library "${path}"`);
});
