import { assertRejects } from "@std/assert";
import { KerfError } from "../../core/error.ts";
import { roofline } from "./roofline.ts";

Deno.test("what a roofline cannot take together is refused before a model is opened", async () => {
  const refused = (values: Parameters<typeof roofline>[0], message: string) =>
    assertRejects(() => roofline({ m: "there is none", ...values }), KerfError, message);
  await refused({ p: [16, 32] }, "Cannot take prompts of 16 and 32 tokens in one roofline");
  await refused({ r: 0 }, "Cannot repeat 0 times");
  await refused({ device: "webgpu" }, "Cannot time the kernels of webgpu one by one");
});
