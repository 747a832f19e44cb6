/** Nunjucks' own throwOnUndefined lets the first four of these through. */

import { assertEquals, assertThrows } from "@std/assert";
import { openTemplates } from "./environment.ts";

const folder = Deno.makeTempDirSync();
addEventListener("unload", () => Deno.removeSync(folder, { recursive: true }));

function render(template: string, context: object): string {
  const name = `${crypto.randomUUID()}.njk`;
  Deno.writeTextFileSync(`${folder}/${name}`, template);
  return openTemplates(folder).render(name, context);
}

for (
  const template of [
    "{% if missing %}a{% endif %}",
    "{% for x in missing %}a{% endfor %}",
    "{{ missing | upper }}",
    "{{ missing + 1 }}",
    "{{ missing }}",
    "{{ given.missing }}",
    "{% if given.missing %}a{% endif %}",
    "{% for x in list %}{{ x.missing }}{% endfor %}",
  ]
) {
  Deno.test(`a template cannot read what is not given: ${template}`, () => {
    const context = { given: { x: 1 }, list: [{ x: 1 }] };
    assertThrows(() => render(template, context), Error, 'Cannot read "missing" in a template');
  });
}

Deno.test("text is not escaped, and given names work in every place", () => {
  const template = "{% for x in list %}\n{{ x.name }}{{ '' if loop.last else ', ' }}\n{% endfor %}";
  assertEquals(render(template, { list: [{ name: "a < b" }, { name: "c" }] }), "a < b, \nc\n");
  assertEquals(
    render("{% if no %}a{% else %}b{% endif %}{{ zero }}", { no: false, zero: "" }),
    "b",
  );
});
