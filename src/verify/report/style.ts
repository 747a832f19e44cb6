/** The look of a report: light and dark by the reader's setting, readable on paper. */

import { HEAT_STEPS } from "./heat_map.ts";

/** Small errors to large ones: dark blue over violet to yellow, of even steps in lightness. */
const HEAT = [
  ...["#1b1464", "#2d1a7d", "#47209a", "#6424ab", "#832aa9", "#a1359b"],
  ...["#bd4687", "#d45b70", "#e7755a", "#f39445", "#fab736", "#f9e04c"],
];

const heat = HEAT.slice(0, HEAT_STEPS).map((colour, i) => `.h${i}{fill:${colour}}`).join("");

/** The style sheet. */
export const STYLE = `
:root{color-scheme:light dark;--page:#fbfbfa;--card:#fff;--ink:#1d2126;--dim:#69717c;--line:#dfe2e6;
--own:#fff1c7;--mark:#c27c00;--good:#1a7f45;--bad:#c4262e;--none:#eceef0;--s0:#3d6fb6;--s1:#86aede;
--head:#f3f4f5}
@media screen and (prefers-color-scheme:dark){:root{--page:#15181c;--card:#1c2025;--ink:#e3e6ea;--dim:#939ca8;
--line:#31373f;--own:#453a17;--mark:#e0a83a;--good:#57c785;--bad:#ff7a76;--none:#262b31;--s0:#5b8fd8;
--s1:#38577f;--head:#23282e}}
*{box-sizing:border-box}
body{margin:0 auto;max-width:1480px;padding:28px 32px 60px;background:var(--page);color:var(--ink);
font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif}
h1{font-size:26px;margin:0 0 4px;line-height:1.25}
h2{font-size:21px;margin:52px 0 2px;padding-top:18px;border-top:1px solid var(--line)}
h2 small{font-weight:400;color:var(--dim);font-size:15px;margin-left:8px}
h3{font-size:16px;margin:26px 0 8px}
p{margin:6px 0;max-width:90ch}
.lead,.note{color:var(--dim)}
a{color:inherit}
code,pre,.path{font-family:ui-monospace,"SF Mono",Menlo,Consolas,"DejaVu Sans Mono",monospace}
code{font-size:.92em}
.good{color:var(--good)}.bad{color:var(--bad)}
.verdict{font-weight:600}
td.where b{color:var(--ink);font-weight:500;margin-right:.6em}
.scroll{overflow-x:auto;border:1px solid var(--line);border-radius:8px;background:var(--card)}
table{border-collapse:collapse;width:100%;font-size:13.5px;font-variant-numeric:tabular-nums}
th,td{text-align:left;padding:5px 12px;white-space:nowrap;vertical-align:top}
th{background:var(--head);font-weight:600;position:sticky;top:0}
tbody tr{border-top:1px solid var(--line)}
tbody tr.same{border-top-color:transparent}
td.n,th.n{text-align:right}
td.where{white-space:normal;min-width:30em;color:var(--dim);font-size:12.5px}
.targets{margin:14px 0;padding:0;list-style:none}
.targets li{margin:2px 0}
.sources{display:grid;grid-template-columns:repeat(4,minmax(0,1fr));gap:12px}
.pane{margin:0;border:1px solid var(--line);border-radius:8px;background:var(--card);overflow:hidden;
display:flex;flex-direction:column;min-width:0}
.pane figcaption{padding:6px 10px;border-bottom:1px solid var(--line);background:var(--head);
font-size:12.5px;white-space:nowrap;overflow:hidden;text-overflow:ellipsis}
.pane figcaption span{color:var(--dim);margin-left:6px}
.pane pre{margin:0;padding:6px 0;overflow:auto;height:440px;font-size:11.5px;line-height:1.5}
.l{display:block;width:max-content;min-width:100%;padding-right:12px}
.l i{display:inline-block;width:3.6em;padding-right:1em;text-align:right;color:var(--dim);
font-style:normal;opacity:.6;user-select:none}
.l.dim{color:var(--dim)}
.l.own{width:auto;min-width:0;white-space:pre-wrap;overflow-wrap:anywhere;padding-left:3.6em;text-indent:-3.6em;
background:var(--own);box-shadow:inset 3px 0 var(--mark)}
.l.own i{text-indent:0}
.l.lit{outline:1.5px solid var(--mark);outline-offset:-1px}
.layouts{display:flex;flex-wrap:wrap;gap:14px 40px}
.maps{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,380px),1fr));gap:16px 24px}
.layout,.map{margin:0;min-width:0}
.map{width:min-content;min-width:8.5em}.map svg{max-width:none}
.map figcaption,.case{font-size:12px;color:var(--dim)}
.case{margin:2px 0}
.layout figcaption{font-size:13px;color:var(--dim);margin-bottom:4px}
svg{max-width:100%;height:auto;font:10.5px system-ui,sans-serif;fill:var(--ink)}
svg text{fill:var(--dim)}
svg .title,svg .name{fill:var(--ink);font-size:11.5px}
svg .name{font-family:ui-monospace,Menlo,Consolas,"DejaVu Sans Mono",monospace}
.dropped{fill:var(--none)}.stored{fill:var(--s0)}.stored.s1{fill:var(--s1)}
.none{fill:var(--none)}
.row.kept{fill:var(--s1)}.row.protected{fill:var(--s0)}.row.evicted{fill:var(--none)}
.beyond{fill:none;stroke:var(--bad);stroke-width:1.6}
.kernel{border:1px solid var(--line);border-radius:8px;background:var(--card);padding:12px 16px;
margin:10px 0}
.kernel h4{margin:0 0 8px;font-size:14px}
.kernel h4 small{font-weight:400;color:var(--dim);margin-left:8px}
.target{min-width:0}
.target>b{font-size:12.5px;display:block;margin-bottom:4px}
.target>b span{font-weight:400;color:var(--dim);margin-left:6px}
.target .pair{display:flex;gap:4px 10px;flex-wrap:wrap}
.legend{display:block;margin-top:8px}
${heat}
@media (max-width:1100px){.sources{grid-template-columns:repeat(2,minmax(0,1fr))}}
@media (max-width:640px){body{padding:16px}.sources{grid-template-columns:minmax(0,1fr)}
th,td{padding:5px 8px}td.where{white-space:nowrap}}
@media print{:root{color-scheme:light}body{padding:0;max-width:none;font-size:11px}
.sources{grid-template-columns:repeat(2,minmax(0,1fr))}
.pane pre{height:auto;white-space:pre-wrap;font-size:8px}.l{width:auto}
.pane:not(:first-child) .l:not(.near){display:none}
table{font-size:8px}th,td{padding:2px 5px}th{position:static}td.where{font-size:7.5px;min-width:18em}
.maps{grid-template-columns:repeat(3,minmax(0,1fr))}.map svg{max-width:100%}.map{width:auto}
.kernel,.pane,.layout{break-inside:avoid}h2{break-after:avoid;margin-top:24px}h3{break-after:avoid}
*{-webkit-print-color-adjust:exact;print-color-adjust:exact}}
`;

/** Brings marked lines into view, and lights up what belongs together. */
export const SCRIPT = `
for (const pre of document.querySelectorAll("pre")) {
  const own = pre.querySelector(".own");
  if (own) pre.scrollTop = own.offsetTop - pre.offsetTop - pre.clientHeight / 3;
}
for (const sources of document.querySelectorAll(".sources")) {
  const light = (event, on) => {
    const from = event.target.closest?.("[data-from]")?.dataset.from;
    if (from === undefined) return;
    for (const line of sources.querySelectorAll('[data-from="' + from + '"]')) {
      line.classList.toggle("lit", on);
    }
  };
  sources.addEventListener("mouseover", (event) => light(event, true));
  sources.addEventListener("mouseout", (event) => light(event, false));
}
`;
