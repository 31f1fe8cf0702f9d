/** All pages have one style, inline, so that a saved page is whole. Colours have a contrast of 4.5 or more on both grounds. */
export const STYLE = `
:root{color-scheme:light dark;--ground:#fff;--text:#1b1f24;--quiet:#57606a;--line:#d0d7de;--soft:#f6f8fa;--good:#1a7f37;--bad:#c4232c;--attention:#8a5a00;--link:#0550ae;--band:#fdeaea;--wait:#8c959f}
@media (prefers-color-scheme:dark){:root{--ground:#0d1117;--text:#e6edf3;--quiet:#9aa4af;--line:#30363d;--soft:#161b22;--good:#3fb950;--bad:#ff7b72;--attention:#d29922;--link:#6cb6ff;--band:#2c1618;--wait:#6e7681}}
*{box-sizing:border-box}
body{margin:0;background:var(--ground);color:var(--text);font:16px/1.5 system-ui,sans-serif}
header,main,footer{max-width:72rem;margin:0 auto;padding:.75rem 1rem}
header{display:flex;gap:1rem;align-items:baseline;flex-wrap:wrap;border-bottom:1px solid var(--line)}
header strong{font-size:1.1rem}
nav{display:flex;gap:1rem;flex-wrap:wrap}
a{color:var(--link)}
h1{font-size:1.5rem;margin:.5rem 0}
h2{font-size:1.2rem;margin:1.5rem 0 .5rem}
h3{font-size:1rem;margin:1rem 0 .25rem}
.quiet{color:var(--quiet)}
.good{color:var(--good)}.bad{color:var(--bad)}.attention{color:var(--attention)}
.tag{display:inline-block;border:1px solid currentColor;border-radius:1rem;padding:0 .6rem;font-size:.85rem}
dl.facts,div.facts{display:grid;grid-template-columns:repeat(auto-fit,minmax(12rem,1fr));gap:.5rem 1rem;margin:.5rem 0}
dl.facts dt{color:var(--quiet);font-size:.85rem}dl.facts dd{margin:0}
.scroll{overflow-x:auto}
table{border-collapse:collapse;width:100%}
th,td{text-align:left;vertical-align:top;padding:.35rem .6rem .35rem 0;border-bottom:1px solid var(--line)}
th{color:var(--quiet);font-weight:600;font-size:.85rem}
td.number,th.number{text-align:right;font-variant-numeric:tabular-nums}
time,td.number{white-space:nowrap}
time,code,.mono{font-family:ui-monospace,monospace;font-size:.85em}
tr:target{background:var(--soft);outline:2px solid var(--link)}
details>summary{cursor:pointer;color:var(--quiet)}
ul.why{margin:.25rem 0 0;padding-left:1.1rem;color:var(--quiet);font-size:.9rem}
form.inline{display:inline-flex;gap:.4rem;flex-wrap:wrap;align-items:center;margin:.25rem .75rem .25rem 0}
input,select,button,textarea{font:inherit;color:inherit;background:var(--ground);border:1px solid var(--wait);border-radius:.3rem;padding:.3rem .6rem}
button{background:var(--soft);cursor:pointer}
button.primary{background:var(--link);border-color:var(--link);color:var(--ground)}
button.danger{border-color:var(--bad);color:var(--bad)}
:focus-visible{outline:3px solid var(--link);outline-offset:2px}
.panel{border:1px solid var(--line);border-radius:.4rem;padding:.75rem 1rem;margin:.75rem 0;background:var(--soft)}
.notice{border-left:4px solid var(--link);padding:.5rem .75rem;background:var(--soft)}
.skip{position:absolute;left:-99rem}.skip:focus{left:1rem;top:.5rem;background:var(--ground);padding:.5rem}
svg{display:block;width:100%;height:auto;font:12px system-ui,sans-serif}
svg text{fill:var(--text)}svg .axis{stroke:var(--line)}svg .label{fill:var(--quiet)}
svg .band{fill:var(--band)}svg .done{fill:var(--good)}svg .failed{fill:var(--bad)}svg .doubt{fill:var(--attention)}svg .pass{fill:var(--wait)}svg .wait{fill:url(#hatch)}svg .ask{fill:var(--link)}svg .hatch{stroke:var(--wait)}
svg .curve{fill:none;stroke:var(--link);stroke-width:2}svg .threshold{stroke:var(--bad);stroke-dasharray:4 3}svg .mark{stroke:var(--good);stroke-dasharray:2 2}
footer{color:var(--quiet);font-size:.85rem;border-top:1px solid var(--line);margin-top:2rem}
@media print{header nav,form,.controls,footer .controls{display:none}body{font-size:11pt}a{color:inherit}details{display:block}tr{break-inside:avoid}}
@media (max-width:40rem){body{font-size:15px}}
`
