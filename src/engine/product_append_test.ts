/** Which caches the product of q, k and v appends to, and where it finds their rows. */

import { assertEquals } from "@std/assert";
import { parseLayoutName } from "../layout/name.ts";
import { productAppend } from "./product_append.ts";

const appended = (layout: string, headDim = 64, readsQueries = false) =>
  productAppend(parseLayoutName(layout), { headDim, readsQueries });

Deno.test("a product appends to the last segments, whatever lies before them", () => {
  const none = { window: 0, second_window: 0, second_ring: 0 };
  assertEquals(appended("k_f16t16_v_f16t1"), {
    layoutName: "k_f16t16_v_f16t1",
    constants: { head_fields: 4, key_field: 0, value_field: 2, value_start: 0, ...none },
  });
  assertEquals(appended("k_list_f32t16_f32t16_v_f16t1_evicted"), {
    layoutName: "k_f32t16_v_f16t1",
    constants: { head_fields: 6, key_field: 2, value_field: 4, value_start: 512, ...none },
  });
  assertEquals(appended("k_q4r32t16_f16t16_v_q4c32t1_f16t1_evicted_summed"), {
    layoutName: "k_f16t16_v_f16t1",
    constants: { head_fields: 8, key_field: 2, value_field: 6, value_start: 1024, ...none },
  });
});

Deno.test("other bases, places and heads have an append of their own", () => {
  assertEquals(appended("k_basis_f16t16_v_f16t1"), null);
  assertEquals(appended("k_f16t16_v_basis_f16t1"), null);
  assertEquals(appended("k_f16t16_v_f16t1_cached_evicted"), null);
  assertEquals(appended("k_f16t16_v_f16t1", 64, true), null);
  for (const headDim of [16, 48, 80]) assertEquals(appended("k_f16t16_v_f16t1", headDim), null);
  assertEquals(appended("k_f16t16_v_f16t1", 96)?.layoutName, "k_f16t16_v_f16t1");
});
