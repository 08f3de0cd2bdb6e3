// The playground: what a sampler does, step by step.
import { el, field, check, choice, fill, speaker, facts, short, grouped, onceAFrame } from "./build.js";
import { ask, lines, newest } from "./ask.js";
import { text, fromFile } from "./pixels.js";
import { stage, comparison } from "./stage.js";
import { painter } from "./mask.js";
import { morph } from "./morph.js";

export const title = "Play";

/** How many points are painted where nobody says: enough to show where they are dense. */
const POINTS = 400;

export function build() {
  const said = speaker(), job = newest(), opening = newest();
  let model = null, showing = 0, held = false;

  // What is asked.
  const models = choice([], "", () => open(models.value));
  const about = el("p", { class: "hint" });
  const sampler = choice([], "", settings), other = choice([], "", settings);
  const steps = el("input", { type: "number", min: 1, max: 1000, value: 20 });
  const eta = el("input", { type: "range", min: 0, max: 1, step: 0.05, value: 0 });
  const guidance = el("input", { type: "range", min: 0, max: 8, step: 0.25, value: 1.5 });
  const klass = choice([], ""), caption = el("input", { placeholder: "red circle above blue square", autocomplete: "off" });
  const n = el("input", { type: "number", min: 1, max: 25, value: 1 }), seed = el("input", { type: "number", min: 0, step: 1, value: 0 });
  const two = el("input", { type: "checkbox", onchange: settings });
  const count = field("Pictures", n);
  const fields = { eta: field("η", eta), guidance: field("Guidance", guidance, "1 is none"), class: field("Class", klass), caption: field("Caption", caption), other: field("Second sampler", other) };
  const go = el("button", { class: "main" }, "Paint"), cancel = el("button", { type: "button", disabled: true, onclick: () => job.end() }, "Cancel");
  const dice = el("button", { type: "button", onclick: () => { seed.value = Math.floor(Math.random() * 1e6); form.requestSubmit(); } }, "Another seed");
  const form = el("form", { class: "card", onsubmit: (event) => { event.preventDefault(); paint({}); } },
    field("Model", models), about, field("Sampler", sampler), field("Steps", steps), fields.eta, fields.guidance, fields.class, fields.caption,
    el("div", { class: "pair" }, count, field("Seed", seed)), check("Beside another sampler, from the same noise", two), fields.other,
    el("div", { class: "row" }, go, cancel, dice), said.node);

  // What is seen.
  const first = stage("First"), second = stage("Second");
  const slider = el("input", { type: "range", min: 0, max: 0, value: 0, disabled: true, oninput: () => { held = true; showing = Number(slider.value); show(); } });
  slider.shown = () => { const step = first.at(showing); return step ? `t = ${short(step.t, 4)}` : ""; };
  const sliderField = field("Step", slider), bar = el("progress", { max: 1, value: 0, "aria-label": "Painted" }), result = el("div");
  const apart = comparison();

  const board = painter(() => { fillIt.disabled = !board.any || !model; });
  const brush = el("input", { type: "range", min: 1, max: 12, value: 5, oninput: () => board.size(Number(brush.value)) });
  const resamplings = el("input", { type: "number", min: 1, max: 50, value: 5 });
  const file = el("input", { type: "file", accept: "image/*", onchange: async () => {
    try { if (file.files[0] && model) board.take(await fromFile(file.files[0], model.shape), model.shape); }
    catch { said.fail({ what: "no picture that this browser reads", place: file.files[0].name, remedy: "choose a PNG or JPEG" }); }
  } });
  const fillIt = el("button", { type: "button", class: "main", disabled: true, onclick: () => {
    paint({ n: 1, fill: { picture: text(board.picture), mask: text(board.mask), resamplings: Number(resamplings.value) } });
  } }, "Fill the mask");
  const filler = el("div", { class: "card" }, el("h2", {}, "Repaint a part"),
    el("p", { class: "hint" }, "Draw on the picture what is to be painted anew: with the pointer (Shift erases), or with the arrows and Space (Shift and arrows draw, Backspace erases)."),
    el("div", { class: "pair" }, board.canvas, el("div", { class: "stack" }, field("Brush", brush), field("Resamplings", resamplings, "how often each step is taken; more agree better with the rest"),
      field("A picture of your own", file), el("div", { class: "row" }, fillIt, el("button", { type: "button", onclick: () => board.clear() }, "Clear the mask")))));
  board.size(5);

  const morpher = morph(paint);

  const node = el("section", {},
    el("header", {}, el("h1", {}, "Paint, step by step"), el("p", { class: "soft" }, "Noise at the noisiest time becomes a picture. Every step is shown as it is computed.")),
    el("div", { class: "bench" }, form, el("div", { class: "stack" },
      el("div", { class: "card stack" }, bar, sliderField, result), first.node, second.node, apart.node, filler, morpher.node)));

  const redraw = onceAFrame(show);

  function settings() {
    const reads = (name) => model?.samplers.find((s) => s.name === name);
    fields.eta.hidden = !reads(sampler.value)?.eta;
    fields.guidance.hidden = !model?.guided;
    fields.class.hidden = !model?.classes;
    fields.caption.hidden = !model?.words;
    fields.other.hidden = !two.checked;
    second.node.hidden = apart.node.hidden = !two.checked;
    go.disabled = !model;
  }

  async function list(wanted) {
    try {
      const { items } = await ask("shelf");
      const painting = items.filter((item) => item.paints);
      fill(models, painting.map((item) => [item.name, item.training ? `${item.name} · training` : item.name]));
      if (!painting.length) { said.say("No model yet: train one first, three minutes make digits."); return; }
      if (wanted && painting.some((item) => item.name === wanted)) models.value = wanted;
      if (models.value !== model?.name) await open(models.value);
    } catch (error) { said.fail(error); }
  }

  async function open(name) {
    model = null;
    settings();
    about.textContent = "opening …";
    await opening.run(async (signal) => {
      model = await ask("model", { name }, signal);
      const [c, h, w] = model.shape, ofPoints = c === 2;
      about.textContent = [`${grouped(model.parameters)} parameters, ${ofPoints ? "points of the plane: they have no frequencies, and no part to repaint" : `pictures of ${c} × ${h} × ${w}`}.`, ...model.notes].join(" ");
      count.querySelector("label").textContent = ofPoints ? "Points" : "Pictures";
      filler.hidden = ofPoints;
      for (const one of [first, second]) one.of(ofPoints);
      if (Number(n.max) !== model.most) Object.assign(n, { max: model.most, value: ofPoints ? POINTS : 1 });
      const listed = model.samplers.map((s) => [s.name, s.title, s.about]);
      fill(sampler, listed, model.sampler);
      fill(other, listed, listed.some(([name]) => name === "ddpm") ? "ddpm" : undefined);
      steps.value = Math.min(model.steps, 20);
      guidance.value = model.guidance;
      guidance.show();
      fill(klass, [["", "each in turn"], ...(model.classes ?? []).map((name) => [name, name])], "");
      caption.value = model.words ? caption.value : "";
      said.say();
    }, (error) => { about.textContent = ""; said.fail(error); });
    settings();
    fillIt.disabled = !board.any || !model;
  }

  function request(of, changed) {
    const asked = { model: model.name, n: Number(n.value), sampler: of, steps: Number(steps.value), seed: Number(seed.value) || 0, ...changed };
    if (!fields.eta.hidden) asked.eta = Number(eta.value);
    if (model.guided) asked.guidance = Number(guidance.value);
    // Between two seeds the class stays.
    if (model.classes) asked.class = klass.value || (changed.to_seed === undefined ? "" : model.classes[0]);
    if (model.words) asked.caption = caption.value;
    return asked;
  }

  function paint(changed) {
    if (!model) return;
    const both = two.checked && !changed.fill && changed.to_seed === undefined;
    held = false;
    [first, second].forEach((one) => one.reset());
    const total = Number(steps.value) * (both ? 2 : 1);
    let done = 0;
    const take = (one) => (line) => {
      if (line.waiting) said.say("waits for another page's painting …");
      if (line.line === "begin") said.say("paints …");
      one.take(line);
      if (line.line === "step") {
        // Resampling takes steps more than once, so that its end is known only there.
        bar.value = Math.min(1, ++done / total);
        if (!held) showing = first.length - 1;
      }
      redraw();
    };
    bar.value = 0;
    cancel.disabled = false;
    result.replaceChildren();
    const shape = model.shape;
    job.run(async (signal) => {
      const asked = [lines("paint", request(sampler.value, changed), take(first), signal)];
      if (both) asked.push(lines("paint", request(other.value, changed), take(second), signal));
      await Promise.all(asked);
      cancel.disabled = true;
      const end = first.end;
      bar.value = 1;
      said.say(`painted in ${short(end.seconds, 3)} s`);
      result.replaceChildren(facts([[`${short(end.seconds, 3)} s`, "in all"], [grouped(first.length), "steps"]]),
        el("p", { class: "hint mono", title: "SHA-256 over the numbers of the pictures: the same on every machine" }, `digest ${end.digest}`));
      if (changed.to_seed !== undefined) morpher.take(first.begin, end);
      else if (!first.begin.square) board.take(end.pictures.slice(0, shape.reduce((a, b) => a * b)), shape);
    }, (error) => { cancel.disabled = true; said.fail(error); });
    job_ended(cancel);
  }

  // A job that is cancelled says so.
  function job_ended(button) {
    button.onclick = () => { job.end(); button.disabled = true; said.say("cancelled"); };
  }

  function show() {
    const length = Math.max(first.length, 1);
    Object.assign(slider, { max: length - 1, disabled: first.length < 2, value: showing });
    slider.show();
    first.show(showing);
    if (second.node.hidden) return;
    second.show(showing);
    apart.show(first.at(showing), second.at(showing), first.begin);
  }

  settings();
  show();
  list();
  return { node, enter: () => list(), show: (wanted) => { if (wanted) list(wanted); } };
}
