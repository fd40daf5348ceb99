"""Style of the pages: one column, light or dark as the reader's system is, legible on a phone."""

STYLE = """
:root { color-scheme: light dark; --paper: #ffffff; --ink: #1b1f24; --faint: #57606a; --line: #d0d7de; --panel: #f6f8fa;
  --link: #0a58ca; --alarm: #a40e26; --alarm-paper: #fff0f0; }
@media (prefers-color-scheme: dark) { :root { --paper: #14181d; --ink: #e6e9ed; --faint: #a3adb8; --line: #3a434d;
  --panel: #1d232a; --link: #7ab7ff; --alarm: #ffb3ba; --alarm-paper: #3a1a1e; } }
* { box-sizing: border-box; }
html { font: 16px/1.5 system-ui, sans-serif; background: var(--paper); color: var(--ink);
  -webkit-text-size-adjust: 100%; }
body { margin: 0 auto; max-width: 60rem; padding: 1rem; overflow-wrap: break-word; }
a { color: var(--link); }
:focus-visible { outline: 3px solid var(--link); outline-offset: 2px; }
h1 { font-size: 1.6rem; line-height: 1.2; margin: .5rem 0; }
h2 { font-size: 1.25rem; margin: 2rem 0 .5rem; padding-top: .5rem; border-top: 1px solid var(--line); }
h3 { font-size: 1.05rem; margin: 1rem 0 .25rem; }
nav ul { display: flex; flex-wrap: wrap; gap: .25rem 1rem; list-style: none; margin: .5rem 0; padding: 0; }
.skip { position: absolute; left: -999rem; } .skip:focus { left: 1rem; }
.alarm { border-left: 4px solid var(--alarm); background: var(--alarm-paper); padding: .5rem .75rem; }
.note { color: var(--faint); }
.scroll { overflow-x: auto; margin: .5rem 0 1rem; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
caption { min-width: 16rem; text-align: left; color: var(--faint); padding: .25rem 0; }
th, td { text-align: left; vertical-align: top; padding: .25rem .75rem .25rem 0; border-bottom: 1px solid var(--line);
  font-weight: normal; }
thead th { font-weight: 600; } .number { text-align: right; white-space: nowrap; }
pre, code { font-family: ui-monospace, monospace; font-size: .875rem; }
pre { background: var(--panel); border: 1px solid var(--line); border-radius: 6px; padding: .75rem;
  white-space: pre-wrap; overflow-wrap: anywhere; }
figure { margin: 0 0 1rem; } figcaption { color: var(--faint); }
figure img { max-width: 100%; height: auto; background: #ffffff; border-radius: 6px; }
input[type=range] { width: 100%; height: 2rem; }
.chart { min-height: 320px; border: 1px solid var(--line);
  border-radius: 6px; background: var(--panel); padding: .25rem; }
.charts { display: grid; gap: 1rem; grid-template-columns: repeat(auto-fit, minmax(min(100%, 26rem), 1fr)); }
.charts > div { min-width: 0; }
label { display: inline-block; min-height: 1.75rem; }
details { margin: .5rem 0; } summary { cursor: pointer; min-height: 1.75rem; }
svg text { fill: var(--ink); font: 12px ui-monospace, monospace; }
svg rect { fill: var(--panel); stroke: var(--faint); }
svg path { fill: none; stroke: var(--faint); }
"""
