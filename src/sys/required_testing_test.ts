import { assertEquals, assertThrows } from "@std/assert";
import { isRequired } from "./required_testing.ts";

Deno.test("what is named is required, and nothing else", () => {
  assertEquals(isRequired("chromium", "webgpu,nvrtc"), false);
  assertEquals(isRequired("nvrtc", "webgpu,nvrtc"), true);
  assertEquals(isRequired("webgpu", ""), false);
  assertThrows(() => isRequired("webgpu", "webgup"), TypeError, 'Cannot require "webgup"');
});
