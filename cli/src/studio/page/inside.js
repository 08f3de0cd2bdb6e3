// A network from inside: its layers, what they make of a picture, and the tape of a step.
import { el, field, choice, fill, speaker, facts, short, grouped, onceAFrame } from "./build.js";
import { chart } from "./chart.js";
import { ask, newest } from "./ask.js";
import { bytes, draw } from "./pixels.js";

export const title = "Inside";

const size = (n) => (n >= 1 << 20 ? `${short(n / (1 << 20), 3)} MiB` : n >= 1024 ? `${short(n / 1024, 3)} KiB` : `${n} B`);
const work = (n) => (n >= 1e9 ? `${short(n / 1e9, 3)} G` : n >= 1e6 ? `${short(n / 1e6, 3)} M` : n ? `${short(n / 1e3, 3)} k` : "–");
const shape = (of) => of.join(" × ") || "1";

export function build() {
  const said = speaker(), opened = newest(), looked = newest();
  let inside = null, layer = 0, at = 0;

  // What is asked.
  const models = choice([], "", () => open(models.value));
  const t = el("input", { type: "range", min: 1, max: 1000, value: 300, oninput: lookSoon });
  const seed = el("input", { type: "number", min: 0, value: 0, onchange: look }), seedField = field("Seed of the picture", seed);
  const klass = choice([], "", look), klassField = field("Class", klass), caption = el("input", { onchange: look, autocomplete: "off", placeholder: "red circle above blue square" }), captionField = field("Caption", caption);
  const form = el("form", { class: "card", onsubmit: (event) => event.preventDefault() }, field("Model", models), field("t", t), klassField, captionField, seedField, said.node);

  // Layers.
  const figures = el("div"), rows = el("tbody", { onkeydown: (event) => {
    const by = { ArrowUp: -1, ArrowDown: 1 }[event.key], to = rows.children[layer + by];
    if (!to) return;
    event.preventDefault();
    choose(layer + by);
    to.firstChild.firstChild.focus();
  } });
  const table = el("div", { class: "card" }, el("h2", {}, "Layers, in the order of the forward pass"), figures, el("p", { class: "hint" }, "Choose one, with ↑ and ↓ too, to see what it makes of the picture below."),
    el("div", { class: "scroll tall", tabIndex: 0, role: "region", "aria-label": "The layers" }, el("table", {}, el("thead", {}, el("tr", {}, ["Layer", "Kind", "Result", "Parameters", "FLOPs", "Kept for backward"].map((text, i) => el("th", { class: i < 2 ? "left" : "" }, text)))), rows)));

  // What a layer makes of a picture, or of the plane.
  const canvases = { picture: el("canvas", { "aria-label": "The picture" }), noisy: el("canvas", { "aria-label": "The picture at time t" }), channels: el("canvas", { "aria-label": "The layer's channels" }), looks: el("canvas", { "aria-label": "Where attention looks" }) };
  const viewsTitle = el("span"), channelsText = el("figcaption"), looksText = el("figcaption"), looksBox = el("figure", {}, looksText, canvases.looks);
  const pictureBox = el("figure", {}, el("figcaption", {}, "a painted picture, and at time t"), el("div", { class: "row" }, canvases.picture, canvases.noisy));
  const views = el("div", { class: "card stack" }, el("h2", {}, viewsTitle), el("div", { class: "three" }, pictureBox, el("figure", {}, channelsText, canvases.channels), looksBox));

  // The tape.
  const step = el("input", { type: "range", min: 0, max: 0, value: 0, oninput: () => go(Number(step.value)) });
  const kept = chart({ title: "memory that the tape holds", across: "operations done: forward, then back" });
  const node = el("div", { class: "walk" });
  const walk = el("div", { class: "card stack" }, el("h2", {}, "The tape of one step"),
    el("p", { class: "hint" }, "Every operation stands after its operands, so that backward is a walk from the end. With the focus on a node: ↑ ↓ along the tape, ← to its first operand, → to what first reads it."),
    field("Place on the tape", step), el("div", { class: "grid" }, node, kept.node));

  const section = el("section", {}, el("header", {}, el("h1", {}, "A network from inside"), el("p", { class: "soft" }, "Its own code runs once on tensors without numbers, and the tape tells what it did.")),
    el("div", { class: "bench" }, form, el("div", { class: "stack" }, table, views, walk)));

  async function list(wanted) {
    try {
      const { items } = await ask("shelf");
      const there = items.filter((item) => item.paints);
      fill(models, there.map((item) => item.name));
      if (!there.length) { said.say("No model yet: train one first."); return; }
      if (wanted) models.value = wanted;
      if (models.value !== inside?.name) open(models.value);
    } catch (error) { said.fail(error); }
  }

  function open(name) {
    opened.run(async (signal) => {
      said.say("opening …");
      // One after the other: the second finds the model open.
      const about = await ask("model", { name }, signal), found = await ask("inside", { name }, signal);
      inside = { ...found, name, about };
      said.say();
      fill(klass, (about.classes ?? []).map((one) => [one, one]), about.classes?.[0]);
      klassField.hidden = !about.classes;
      captionField.hidden = !about.words;
      seedField.hidden = about.shape[0] === 2;
      t.max = found.timesteps;
      t.value = Math.round(found.timesteps * 0.3);
      t.show();
      showLayers();
      showTape();
      const { layers } = found.trace, kinds = layers.map((one) => one.kind);
      // Where nothing attends, the middle is worth seeing.
      choose(["attention", "token_attention"].map((kind) => kinds.indexOf(kind)).find((i) => i >= 0) ?? Math.floor(layers.length / 2));
    }, (error) => { inside = null; rows.replaceChildren(); said.fail(error); });
  }

  function showLayers() {
    const { trace } = inside;
    figures.replaceChildren(facts([[grouped(trace.parameters), "parameters"], [work(trace.flops), "FLOPs, one picture forward"], [size(trace.saved_bytes), "kept for backward, a picture"], [trace.layers.length, "layers"]]));
    rows.replaceChildren(...trace.layers.map((one, i) => el("tr", {},
      el("td", { class: "left" }, el("button", { type: "button", class: "plain", onclick: () => choose(i) }, one.name || "–")), el("td", { class: "left" }, one.kind), el("td", {}, shape(one.output)),
      el("td", {}, one.parameters ? grouped(one.parameters) : "–"), el("td", {}, work(one.flops)), el("td", {}, one.saved_bytes ? size(one.saved_bytes) : "–"))));
  }

  function choose(i) {
    layer = i;
    [...rows.children].forEach((row, j) => {
      const button = row.firstChild.firstChild;
      button.setAttribute("aria-pressed", i === j);
      // One stop of the Tab key for the whole list.
      button.tabIndex = i === j ? 0 : -1;
    });
    look();
  }

  const lookLater = onceAFrame(look);
  function lookSoon() { lookLater(); }
  function look() {
    if (!inside) return;
    const one = inside.trace.layers[layer];
    looked.run(async (signal) => {
      const seen = await ask("activations", { name: inside.name, node: one.node, t: Number(t.value), seed: Number(seed.value) || 0, class: klass.value || "", caption: inside.about.words ? caption.value : "" }, signal);
      viewsTitle.textContent = `${one.name} (${one.kind}) at t = ${t.value}`;
      const planes = (canvas, { bytes: text, sides, count }) => {
        draw(canvas, bytes(text), [1, ...sides], count);
        // Numbers in a row would be a line of a pixel.
        canvas.style.height = sides[0] === 1 ? `${canvas.height}rem` : "";
      };
      pictureBox.hidden = !seen.pictures;
      seen.pictures?.forEach((text, i) => {
        const canvas = [canvases.picture, canvases.noisy][i];
        draw(canvas, bytes(text), inside.about.shape);
        canvas.style.width = "47%";
      });
      channelsText.textContent = `channels${seen.pictures ? "" : " all over the plane"}, each from its least to its largest value`;
      planes(canvases.channels, seen.channels);
      looksBox.hidden = !seen.looks;
      if (seen.looks) {
        looksText.textContent = seen.looks.of === "words" ? "where each word of the caption is looked for: the mean over heads" : "where nine places look: the mean over heads, each place's own map";
        planes(canvases.looks, seen.looks.maps);
      }
      said.say();
    }, said.fail);
  }

  // What is read by whom, and how much the tape holds after each operation.
  function showTape() {
    const { tape } = inside, readers = tape.map(() => []), held = new Set();
    tape.forEach((one, i) => one.operands.forEach((from) => from !== null && readers[from].push(i)));
    const operations = tape.map((one, i) => i).filter((i) => tape[i].op), sums = [];
    let sum = 0;
    const added = operations.map((i) => {
      let more = 0;
      for (const saved of tape[i].saved) if (!saved.is_weight && !held.has(saved.identity)) { held.add(saved.identity); more += saved.bytes; }
      sum += more;
      sums.push(sum);
      return more;
    });
    for (let i = operations.length - 1; i >= 0; i--) { sum -= added[i]; sums.push(sum); }
    Object.assign(inside, { readers, operations });
    kept.draw({ series: [{ name: "MiB", x: sums.map((_, i) => i + 1), y: sums.map((v) => v / (1 << 20)) }] });
    step.max = tape.length - 1;
    go(operations.at(-1) ?? 0);
  }

  const called = (i) => { const one = inside.tape[i]; return one.op ? one.op : one.parameter ?? "input"; };
  const link = (i) => el("button", { type: "button", class: "plain", onclick: () => go(i) }, `${i} · ${called(i)}`);

  function go(i) {
    at = Math.max(0, Math.min(inside.tape.length - 1, i));
    const one = inside.tape[at], place = inside.operations.indexOf(at);
    step.value = at;
    step.show();
    const focused = node.contains(document.activeElement);
    const middle = el("div", { class: "node", tabIndex: 0, role: "group", "aria-label": `Node ${at}: ${called(at)}`, onkeydown: keys },
      el("h3", {}, called(at)), el("p", {}, `${at} of ${inside.tape.length - 1}: ${shape(one.shape)}`), one.flops ? el("p", { class: "hint" }, `${work(one.flops)} FLOPs`) : null,
      one.op ? el("p", { class: "hint" }, one.saved.length ? `saves ${one.saved.map((s) => `${shape(s.shape)} (${s.is_weight ? "a weight" : size(s.bytes)})`).join(", ")}` : "saves nothing") : el("p", { class: "hint" }, one.parameter ? "a parameter: its gradient is final when backward comes here" : "from outside"));
    const operands = one.operands.filter((from) => from !== null), readers = inside.readers[at];
    node.replaceChildren(
      el("div", {}, el("h3", {}, "reads"), operands.length ? el("ul", {}, operands.map((from) => el("li", {}, link(from)))) : el("p", { class: "hint" }, "nothing on the tape")),
      middle, el("div", {}, el("h3", {}, "is read by"), readers.length ? el("ul", {}, readers.slice(0, 12).map((to) => el("li", {}, link(to)))) : el("p", { class: "hint" }, "nobody: the pass ends here")));
    if (focused) middle.focus();
    if (place >= 0) kept.point(place + 1);
  }

  function keys(event) {
    const one = inside.tape[at];
    const to = { ArrowUp: at - 1, ArrowDown: at + 1, ArrowLeft: one.operands.find((from) => from !== null), ArrowRight: inside.readers[at][0], Home: 0, End: inside.tape.length - 1 }[event.key];
    if (to === undefined) return;
    event.preventDefault();
    go(to);
  }

  list();
  return { node: section, enter: () => list(), show: (wanted) => { if (wanted) list(wanted); } };
}
