/**
 * What a machine must have for its tests to count: `KERF_REQUIRE=webgpu,nvrtc` makes tests fail that would
 * else be left out. Says nothing of what is there.
 */

/** What can be required. */
const NAMES = ["webgpu", "nvrtc", "chromium"] as const;

/**
 * Whether `$KERF_REQUIRE` names something.
 *
 * @throws {TypeError} it names what nothing asks for, so that a slip does not require nothing
 *
 * @example
 * ```ts
 * import { isRequired } from "./required_testing.ts";
 * if (!isRequired("nvrtc", "webgpu,nvrtc") || isRequired("nvrtc", "")) throw new Error();
 * ```
 */
export function isRequired(
  name: typeof NAMES[number],
  given: string = Deno.env.get("KERF_REQUIRE") ?? "",
): boolean {
  const named = given.split(",").filter((word) => word !== "");
  const unknown = named.find((word) => !(NAMES as readonly string[]).includes(word));
  if (unknown === undefined) return named.includes(name);
  throw new TypeError(`Cannot require "${unknown}": KERF_REQUIRE knows ${NAMES.join(", ")}`);
}
