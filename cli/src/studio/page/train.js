// Training: runs as they go, begun, stopped and resumed.
import { el, field, choice, fill, speaker, facts, short, grouped, time, onceAFrame } from "./build.js";
import { chart, smooth } from "./chart.js";
import { ask, lines, newest } from "./ask.js";
import { grids } from "./grids.js";

export const title = "Train";

/** The status of a process that was asked to stop, and has saved. */
const INTERRUPTED = 130;
const DATA = [["glyphs", "glyphs: digits, drawn by the program"], ["shapes", "shapes: small colour pictures"], ["scenes", "scenes: pictures with captions"],
  ["moons", "moons: points of the plane"], ["dino", "dino: points of the plane"], ["", "a folder of this machine …"]];
const PRESETS = [["", "the one that suits the data"], ["digits", "digits"], ["pictures", "pictures"], ["transformer", "transformer"], ["captions", "captions"], ["small", "small"], ["cifar", "cifar"]];
const TIMES = [["30s", "30 seconds"], ["1m", "1 minute"], ["3m", "3 minutes"], ["10m", "10 minutes"], ["15m", "15 minutes"], ["1h", "1 hour"], ["8h", "8 hours"]];

export function build() {
  const said = speaker(), follower = newest();
  let chosen = null, run = null, again = null;

  // What is asked.
  const runs = el("select", { size: 8, onchange: () => choose(runs.value) });
  const stop = el("button", { type: "button", onclick: () => act("run/stop", { name: chosen }, "it saves a checkpoint, and stops") }, "Stop after saving");
  const more = choice(TIMES, "3m");
  const resume = el("button", { type: "button", onclick: () => act("run/resume", { name: chosen, time_budget: longer(more.value) }, "it goes on") }, "Resume");
  let typed = false;
  const name = el("input", { value: "", required: true, oninput: () => { typed = true; }, pattern: "[A-Za-z0-9_][A-Za-z0-9_.\\-]*", autocomplete: "off", spellcheck: false });
  const folder = el("input", { placeholder: "path to a folder of pictures", autocomplete: "off", spellcheck: false });
  const folderField = field("Folder", folder);
  const data = choice(DATA, "glyphs", () => { typed = false; suggest(); folderField.hidden = data.value !== ""; });
  const budget = choice(TIMES, "3m");
  const seed = el("input", { type: "number", min: 0, step: 1, value: 0 });
  const preset = choice(PRESETS, ""), batch = el("input", { type: "number", min: 1, placeholder: "the preset's" }), side = el("input", { type: "number", min: 1, placeholder: "as they are" });
  const begin = el("form", { class: "card", onsubmit: start },
    el("h2", {}, "New run"), field("Learn from", data), folderField, field("Name", name), field("For", budget), 
    el("details", {}, el("summary", {}, "More"), el("div", { class: "stack" }, field("Preset", preset), field("Batch", batch), field("Image size", side), field("Seed", seed))),
    el("button", { class: "main" }, "Train"));
  folderField.hidden = true;

  // What is seen.
  const heading = el("h2", {}, "No run yet"), state = el("p", { class: "soft" }), figures = el("div");
  const charts = {
    loss: chart({ title: "loss", across: "step", log: true }),
    decile: chart({ title: "squared error by tenth of t", across: "t / T", log: true }),
    norm: chart({ title: "gradient norm", across: "step", log: true }),
    pace: chart({ title: "pictures a second", across: "step" }),
  };
  const samples = grids();
  const log = el("pre", { class: "scroll mono", tabIndex: 0 }), logBox = el("details", { class: "card" }, el("summary", {}, "What the process says"), log);
  logBox.hidden = true;
  const config = el("pre", { class: "scroll mono", tabIndex: 0 });
  const redraw = onceAFrame(drawAll);

  const node = el("section", {},
    el("header", {}, el("h1", {}, "Train, and watch"), el("p", { class: "soft" }, "A run is a process of its own: it goes on when this page is closed, and is saved when the studio is.")),
    el("div", { class: "bench" },
      el("div", { class: "stack" },
        el("div", { class: "card stack" }, field("Runs", runs), el("div", { class: "row" }, stop), el("div", { class: "row" }, resume, field("for another", more)), said.node),
        begin),
      el("div", { class: "stack" },
        el("div", { class: "card" }, heading, state, figures),
        el("div", { class: "grid" }, charts.loss.node, samples.node, charts.decile.node, charts.norm.node, charts.pace.node),
        logBox, el("details", { class: "card" }, el("summary", {}, "Configuration"), config))));

  /** The time that a run has taken and as much again: a budget counts the whole run. */
  function longer(text) {
    const unit = { s: 1, m: 60, h: 3600 }[text.at(-1)], taken = run?.lines.at(-1)?.seconds ?? 0;
    return `${Math.ceil(taken + Number.parseFloat(text) * unit)}s`;
  }

  let names = new Set(), listed = "";
  function suggest() {
    if (typed) return;
    const base = data.value || "mine";
    let free = base;
    for (let i = 2; names.has(free); i++) free = `${base}-${i}`;
    name.value = free;
  }

  async function list(keep) {
    try {
      const { items } = await ask("shelf");
      const found = items.filter((item) => item.kind === "run");
      const fresh = names.size !== items.length;
      names = new Set(items.map((item) => item.name));
      const options = found.map((item) => [item.name, item.training ? `${item.name} · training` : item.name]);
      // A list that is filled anew loses its place.
      if (JSON.stringify(options) !== listed) { listed = JSON.stringify(options); fill(runs, options); }
      if (fresh && document.activeElement !== name) suggest();
      if (keep) { runs.value = keep; choose(keep); }
      else if (!chosen && found.length) { runs.value = found[0].name; choose(found[0].name); }
      else if (chosen) runs.value = chosen;
    } catch (error) { said.fail(error); }
  }

  async function act(what, body, words) {
    try { await ask(what, body); said.say(words); if (what === "run/resume") choose(body.name); } catch (error) { said.fail(error); }
    setTimeout(list, 1500);
  }

  async function start(event) {
    event.preventDefault();
    const from = data.value || folder.value.trim();
    if (!from) { said.fail({ what: "no folder", place: "Folder", remedy: "give its path" }); return; }
    try {
      const asked = { name: name.value, data: from, time_budget: budget.value, seed: Number(seed.value) || 0 };
      if (preset.value) asked.preset = preset.value;
      if (batch.value) asked.batch = Number(batch.value);
      if (side.value) asked.image_size = Number(side.value);
      const begun = await ask("run/begin", asked);
      said.say("training begins; the first figures come in some seconds");
      await list(begun);
      choose(begun);
    } catch (error) { said.fail(error); }
  }

  function choose(of) {
    chosen = of;
    run = { lines: [], owner: null, process: null };
    heading.textContent = of;
    samples.of(of);
    config.textContent = "";
    redraw();
    follower.run((signal) => lines("run/follow", { name: of }, take, signal), (error) => {
      said.fail(error);
      again = setTimeout(() => { if (!node.hidden && chosen === of) choose(of); }, 5000);
    });
  }

  function take(line) {
    if (line.line === "begin") { run.lines = []; config.textContent = line.config; }
    if (line.line === "metrics") run.lines.push(...line.lines);
    if (line.line === "grids") samples.take(line.steps);
    if (line.line === "standing") Object.assign(run, { owner: line.owner, process: line.process });
    redraw();
  }

  function drawAll() {
    const all = run?.lines ?? [], last = all.at(-1), ended = run?.process?.ended, failed = ended && ended !== INTERRUPTED;
    stop.disabled = !run?.owner;
    resume.disabled = !chosen || !!run?.owner;
    state.className = failed ? "bad" : "soft";
    state.textContent = run?.owner ? `trains now, as process ${run.owner.pid}`
      : failed ? `its process has ended with status ${ended}: ${run.process.said.at(-1) ?? ""}`
      : run?.process && ended === null ? "begins …" : last ? "stands still" : "Begin a run on the left: three minutes make digits.";
    logBox.hidden = !run?.process;
    log.textContent = run?.process?.said.join("\n") ?? "";
    figures.replaceChildren(...(last ? [facts([
      [grouped(last.step), "steps"], [short(last.loss), "loss, lately"], [short(all.findLast((l) => l.validation != null)?.validation), "on pictures held out"],
      [short(last.images_per_second, 3), "pictures a second"], [short(last.grad_norm, 3), "gradient norm"], [grouped(last.rss_mib), "MiB of memory"], [time(last.seconds), "of training"],
    ])] : []));
    const x = all.map((l) => l.step), over = (f) => all.map(f), held = all.filter((l) => l.validation != null);
    charts.loss.draw({ series: [
      { x, y: over((l) => l.loss), faint: true, colour: 0 }, { name: "training", x, y: smooth(over((l) => l.loss)), colour: 0 },
      { name: "held out", x: held.map((l) => l.step), y: held.map((l) => l.validation), colour: 1 }] });
    const tenths = [...Array(10)].map((_, i) => (i + 0.5) / 10), lately = all.slice(-Math.ceil(all.length / 10));
    const mean = (values) => { const there = values.filter((v) => v != null); return there.length ? there.reduce((a, b) => a + b) / there.length : NaN; };
    charts.decile.draw({ series: !last ? [] : [
      { name: "training, lately", x: tenths, y: tenths.map((_, i) => mean(lately.map((l) => l.loss_by_decile[i]))) },
      { name: "held out", x: tenths, y: tenths.map((_, i) => all.findLast((l) => l.validation_by_decile)?.validation_by_decile[i] ?? NaN) }] });
    charts.norm.draw({ series: [{ x, y: over((l) => l.grad_norm), faint: true, colour: 0 }, { name: "norm", x, y: smooth(over((l) => l.grad_norm)), colour: 0 }] });
    charts.pace.draw({ series: [{ name: "pictures a second", x, y: over((l) => l.images_per_second) }] });
  }

  let timer = null;
  const enter = () => { clearInterval(timer); list(); if (chosen) choose(chosen); timer = setInterval(() => list(), 4000); };
  // A browser has few connections to a host, and hidden pages would take them all.
  document.addEventListener("visibilitychange", () => {
    if (node.hidden) return;
    if (document.hidden) leave();
    else enter();
  });
  const leave = () => { follower.end(); clearInterval(timer); clearTimeout(again); };
  suggest();
  drawAll();
  enter();
  return { node, enter, leave };
}
