/** How both pages look. The renderer has its own; it knows no dark mode. */
export const styles = `
:root {
  --ink: #1b2220;
  --muted: #5f6865;
  --line: #d4d2ca;
  --paper: #fffefc;
  --card: #fbfaf6;
  --field: #fff;
  --accent: #0f766e;
  --on-accent: #fff;
  --focus: #0c5d57;
  --wrong: #b3261e;

  color-scheme: light;
  font: 400 100%/1.5 Inter, system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", sans-serif;
  color: var(--ink);
  background: var(--paper);
}

@media (prefers-color-scheme: dark) {
  :root.try {
    --ink: #e7ebe9;
    --muted: #99a5a1;
    --line: #3a423f;
    --paper: #191d1c;
    --card: #1d2221;
    --field: #202524;
    --accent: #117f76;
    --focus: #74d8cb;
    --wrong: #ff9d92;
    color-scheme: dark;
  }
}

*, ::before, ::after { box-sizing: border-box; }
body { margin: 0; }
[hidden] { display: none !important; }
a { color: var(--focus); }
:focus-visible { outline: 2px solid var(--focus); outline-offset: 2px; }
.wait { max-width: 36rem; margin: 3rem auto; padding: 0 1.25rem; color: var(--muted); }

.bar {
  display: flex;
  flex-wrap: wrap;
  align-items: center;
  gap: .25rem 1.25rem;
  min-height: 3.25rem;
  padding: .5rem 1.25rem;
  color: var(--ink);
  background: var(--paper);
  border-bottom: 1px solid var(--line);
}
.bar strong { margin-right: auto; font-weight: 600; }
.bar nav { display: flex; align-items: center; gap: 1.25rem; }
.bar .call { padding: .25rem .9rem; color: var(--on-accent); text-decoration: none; background: var(--accent); border-radius: .4rem; }

.try main {
  display: grid;
  grid-template-columns: minmax(0, 26rem) minmax(0, 1fr);
  gap: 1.25rem;
  max-width: 84rem;
  margin: 0 auto;
  padding: 1.25rem;
}
.try main:has(> .wait) { display: block; }
.writing { display: grid; gap: 1.25rem; align-content: start; }
.card { min-width: 0; padding: 1rem 1.25rem 1.25rem; background: var(--card); border: 1px solid var(--line); border-radius: .6rem; }
.card h2 { margin: 0 0 .5rem; font-size: 1rem; font-weight: 600; }
.row { display: flex; align-items: center; gap: .9rem; margin-top: 1rem; }

.field { margin: .7rem 0; }
label, legend { display: block; padding: 0; font-size: .875rem; font-weight: 500; }
label small, legend small { margin-left: .4rem; font-weight: 400; color: var(--muted); }
abbr { margin-left: .2rem; color: var(--wrong); text-decoration: none; }
input, select, textarea, button { font: inherit; }
input, select, textarea {
  width: 100%;
  min-height: 2.4rem;
  margin-top: .2rem;
  padding: .35rem .6rem;
  color: inherit;
  background: var(--field);
  border: 1px solid var(--line);
  border-radius: .4rem;
}
textarea { resize: vertical; }
.json, pre { font: .8125rem/1.5 ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; }
[aria-invalid="true"] { border-color: var(--wrong); }
.hint, .error { margin: .25rem 0 0; font-size: .8125rem; }
.hint { color: var(--muted); white-space: pre-line; overflow-wrap: anywhere; }
.error { color: var(--wrong); white-space: pre-line; overflow-wrap: anywhere; }
.error:empty, .hint:empty { display: none; }
fieldset { min-width: 0; margin: .9rem 0; padding: 0 0 0 .9rem; border: 0; border-left: 2px solid var(--line); }
fieldset.invalid { border-color: var(--wrong); }
fieldset:has(> .body[hidden]) { padding-left: 0; border-left-width: 0; }
.whole { margin: 0; padding: 0; border: 0; }
.whole > legend { display: none; }
.whole > .hint { display: none; }
.presence { width: auto; min-height: 0; margin: 0 0 0 .6rem; padding: .05rem .3rem; font-size: .8125rem; font-weight: 400; }
.connector, .parts { display: grid; gap: .7rem; min-width: 0; }
.connector > *, .parts > * { min-width: 0; margin: 0; }
.connector { margin: .7rem 0; }
.items { margin: 0; padding: 0; list-style: none; }
.items > li { display: grid; grid-template-columns: minmax(0, 1fr) auto; gap: .5rem; align-items: end; }
.items > li > .field { margin: 0; }
.items > li + li { margin-top: .5rem; }
.items + .quiet { margin-top: .5rem; }
.items > li:has(> fieldset) { align-items: start; }
.items > li > .field > label > abbr, .items > li > fieldset > legend > abbr { display: none; }
.items > .entry { grid-template-columns: minmax(0, 2fr) minmax(0, 3fr) auto; }
.union > select { margin-bottom: .2rem; }
.union fieldset { margin: .2rem 0; }
.union > div > fieldset > legend { display: none; }
.composer { display: grid; }
.composer > .quiet { justify-self: start; margin: .5rem 0 .7rem; }
.composer > .field { margin-top: 0; }
details { margin: .7rem 0; }
summary { font-size: .875rem; color: var(--muted); cursor: pointer; }

button { min-height: 2.4rem; padding: .3rem 1.1rem; color: var(--on-accent); background: var(--accent); border: 1px solid transparent; border-radius: .4rem; cursor: pointer; }
button:disabled { color: var(--muted); background: transparent; border-color: var(--line); cursor: not-allowed; }
.quiet { min-height: 2rem; padding: .1rem .6rem; font-size: .8125rem; color: var(--focus); background: transparent; border-color: var(--line); }
.state { display: inline-flex; align-items: center; gap: .45rem; font-size: .875rem; color: var(--muted); }
.state::before { width: .6rem; height: .6rem; content: ""; background: var(--line); border-radius: 50%; }
.state[data-state="open"]::before { background: #17a673; }
.state[data-state="connecting"]::before { background: #d99000; }

.log { display: flex; flex-direction: column; position: sticky; top: 1.25rem; height: calc(100vh - 5.75rem); min-height: 20rem; }
.head { display: flex; align-items: center; justify-content: space-between; margin-bottom: .5rem; }
.head h2 { margin: 0; }
.scroller { flex: 1; min-height: 0; overflow-y: auto; }
.scroller:has(> .entries:empty)::after { font-size: .875rem; color: var(--muted); content: "Nothing yet: connect, and send a message."; }
.entries { margin: 0; padding: 0; list-style: none; }
.entries .entry { padding: .5rem 0; border-top: 1px solid var(--line); }
.entries .entry:first-child { border-top: 0; }
.line { display: flex; flex-wrap: wrap; align-items: baseline; gap: .1rem .6rem; margin: 0; font-size: .875rem; }
.line time, .fact { font-size: .8125rem; color: var(--muted); font-variant-numeric: tabular-nums; }
.fact { overflow-wrap: anywhere; }
.arrow { width: 1ch; font-weight: 700; color: var(--muted); }
.sent .arrow { color: #b26a00; }
.received .arrow { color: #17a673; }
.wrong .line strong, .wrong .arrow { color: var(--wrong); }
.entry pre { max-height: 22rem; margin: .4rem 0 0; padding: .5rem .7rem; overflow: auto; white-space: pre-wrap; overflow-wrap: anywhere; background: var(--field); border: 1px solid var(--line); border-radius: .4rem; }
.wrong pre { border-color: var(--wrong); }
.unseen { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }

@media (max-width: 52rem) {
  .try main { grid-template-columns: minmax(0, 1fr); gap: .9rem; padding: .9rem; }
  .log { position: static; height: auto; min-height: 12rem; max-height: 80vh; }
  .bar { padding: .5rem .9rem; }
}
`
