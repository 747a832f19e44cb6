/** The head of a report: the verdict, the targets, the table of kernels. */

import { placeText, shareText, shortNumber } from "../outcome.ts";
import type { Outcome } from "../outcome.ts";
import type { Check } from "../result.ts";
import { html } from "./html.ts";
import type { Html } from "./html.ts";

/** Verdict and targets. */
export function verdict({ passed, checks, targets, missing, seconds }: Outcome): Html {
  const variants = new Set(checks.map(({ kind, variant }) => `${kind} ${variant}`)).size;
  const off = checks.filter(({ failures }) => failures.length > 0).length;
  const title = passed
    ? html`<span class="good">All ${checks.length} kernels agree</span> with their authors’ functions`
    : html`<span class="bad">${off} of ${checks.length} kernels are off</span>`;
  return html`
    <h1>${title}</h1>
    <p
      class="lead">${variants} ${variants === 1 ? "variant" : "variants"}, ${targets.map((
        { label },
      ) => label).join(", ")}; ${seconds.toFixed(
        0,
      )} s. The reference is the author’s TypeScript in f64; every number has a bound of its own, from the rounding of f32.</p>
    <ul class="targets">${targets.map(({ label, device }) =>
      html`<li><b>${label}</b> ${device}</li>`
    )}${missing.map(({ target, because, fix }) =>
      html`<li><b class="bad">${target} was not verified</b> ${because}: ${
        fix.map((hint, i) => html`${i > 0 ? " · " : ""}<code>${hint}</code>`)
      }</li>`
    )}</ul>
  `;
}

/** One row per variant, kernel and target. */
export function summaryTable(checks: readonly Check[]): Html {
  const heads = ["cases", "max abs", "max rel", "of bound"]
    .map((name) => html`<th class="n">${name}</th>`);
  return html`
    <div class="scroll">
      <table>
        <thead>
          <tr><th>variant</th><th>kernel</th><th>target</th>${heads}<th></th><th>where it is worst</th></tr>
        </thead>
        <tbody>${checks.map((check, i) => row(check, checks[i - 1]))}</tbody>
      </table>
    </div>
    <p
      class="note">max rel: relative to the largest number of the same row and head. of bound: the largest error as a share of what rounding explains.</p>
  `;
}

function row(check: Check, above: Check | undefined): Html {
  const sameVariant = above?.variant === check.variant && above.kind === check.kind;
  const sameKernel = sameVariant && above.kernel === check.kernel;
  const good = check.failures.length === 0;
  const variant = sameVariant ? html`` : html`<a href="#${anchorOf(check)}">${check.variant}</a>`;
  const numbers = [String(check.cases), shortNumber(check.maxAbs), shortNumber(check.maxRel)];
  const cells = [...numbers, shareText(check.maxShare)].map((text) =>
    html`<td class="n">${text}</td>`
  );
  const where = check.maxShare === 0 || !check.worst
    ? ""
    : `${placeText(check.worst.at)} (${check.worst.case})`;
  const verdict = html`<td class="verdict ${good ? "good" : "bad"}">${good ? "pass" : "FAIL"}</td>`;
  return html`<tr${
    sameKernel
      ? html`
        class="same"
      `
      : html``
  }><td>${variant}</td><td>${
    sameKernel ? "" : check.kernel
  }</td><td>${check.label}</td>${cells}${verdict}<td class="where">${where}</td></tr>`;
}

/** Where a variant's section is. */
export const anchorOf = ({ kind, variant }: Pick<Check, "kind" | "variant">): string =>
  `${kind}-${variant}`;
