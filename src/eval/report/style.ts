/** The look of an evaluation's page: light and dark by the reader's setting, light on paper. */

import { TOKEN_STEPS } from "./token_map.ts";

/** Grounds of tokens, from none of the heads to all of them. */
const tokens = [0, 15, 35, 55, 100].slice(0, TOKEN_STEPS).map((percent, step) =>
  `.t${step}{background:color-mix(in srgb,var(--mark) ${percent}%,transparent)}`
).join("");

/** The style sheet. */
export const STYLE = `
:root{color-scheme:light dark;--page:#fbfbfa;--card:#fff;--ink:#1d2126;--dim:#5f6772;--line:#dfe2e6;
--mark:#1f5fae;--head:#f3f4f5}
@media screen and (prefers-color-scheme:dark){:root{--page:#15181c;--card:#1c2025;--ink:#e3e6ea;
--dim:#9aa3af;--line:#363c45;--mark:#6aa5ea;--head:#23282e}}
*{box-sizing:border-box}
body{margin:0 auto;max-width:1320px;padding:28px 32px 60px;background:var(--page);color:var(--ink);
font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif}
h1{font-size:26px;margin:0 0 4px;line-height:1.25}
h2{font-size:21px;margin:44px 0 2px;padding-top:18px;border-top:1px solid var(--line)}
h3{font-size:15px;margin:0 0 4px}
p{margin:6px 0;max-width:90ch}
.lead,.note{color:var(--dim)}.note,.said{font-size:13.5px}
code,pre{font-family:ui-monospace,"SF Mono",Menlo,Consolas,"DejaVu Sans Mono",monospace;font-size:.92em;
overflow-wrap:anywhere}
.key{columns:2 360px;margin:14px 0;padding:0;list-style:none;font-size:13.5px}
.key li{display:flex;gap:.7em;break-inside:avoid;padding:1px 0}
.key b,.name b{min-width:1.5em;text-align:right;font-variant-numeric:tabular-nums}
.key span{margin-left:auto;color:var(--dim);white-space:nowrap;font-variant-numeric:tabular-nums}
.columns{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,600px),1fr));gap:16px;margin:14px 0}
.small{display:grid;grid-template-columns:repeat(auto-fill,minmax(min(100%,290px),1fr));gap:12px;margin:14px 0}
.card{margin:0;padding:14px 16px;border:1px solid var(--line);border-radius:8px;background:var(--card);
min-width:0;break-inside:avoid}
.name{display:flex;gap:.6em;margin:0 0 6px;font-size:12.5px;line-height:1.35}
.chart svg{display:block;max-width:100%;height:auto}
.wide,.narrow{display:none}
.scroll{overflow-x:auto;border:1px solid var(--line);border-radius:8px;background:var(--card);margin:12px 0}
table{border-collapse:collapse;width:100%;font-size:13.5px;font-variant-numeric:tabular-nums}
th,td{text-align:right;padding:5px 12px;white-space:nowrap}
th{background:var(--head);font-weight:600}
th:nth-child(-n+2),td:nth-child(-n+2){text-align:left}
tbody tr{border-top:1px solid var(--line)}
td small{display:block;color:var(--dim)}
details{margin:12px 0}summary{cursor:pointer;color:var(--dim)}
pre{overflow-x:auto;white-space:pre;padding:10px 14px;border:1px solid var(--line);border-radius:8px;
background:var(--card);user-select:all;font-size:12px}
.tokens{max-height:22em;overflow-y:auto;margin:0;font-size:13px;line-height:1.6;white-space:pre-wrap;
overflow-wrap:anywhere}
.t0{color:var(--dim)}${tokens}
.t4{color:var(--card)}
.steps{color:var(--ink)}.steps span{padding:1px 6px}
@media (max-width:680px){body{padding:16px}th,td{padding:5px 8px}.card{padding:12px}
td:nth-child(2){white-space:normal;min-width:10em}
.narrow{display:block}}
@media (min-width:680.02px){.wide{display:block}}
@media print{:root{color-scheme:light;--page:#fff}body{padding:0;max-width:none;font-size:11px}
h1{font-size:20px}h2{font-size:16px;margin-top:22px;padding-top:10px}.lead,.note,.said,.key{font-size:10.5px}
.narrow{display:block}.wide,details{display:none}.card{padding:8px 10px}
.small{grid-template-columns:repeat(3,minmax(0,1fr))}
.columns{grid-template-columns:repeat(2,minmax(0,1fr))}
.scroll{overflow:visible;border:0}.tokens{max-height:none;font-size:8px}table{font-size:7.5px}th,td{padding:2px 4px;white-space:normal}
tr{break-inside:avoid}h2,h3,h2+.note{break-after:avoid}.card:has(.tokens){break-inside:auto}
*{-webkit-print-color-adjust:exact;print-color-adjust:exact}}
`;
