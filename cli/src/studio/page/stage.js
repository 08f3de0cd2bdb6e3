// A sampler on its way: pictures or points after each step, and how far two samplers are apart.
import { el, short } from "./build.js";
import { chart } from "./chart.js";
import { bytes, draw, difference } from "./pixels.js";
import { distance, numbers, scatter } from "./points.js";

/** One run of a sampler: x, x̂_0, and the spectra of both where they are pictures. */
export function stage(name) {
  const x = el("canvas"), x0 = el("canvas");
  const caption = el("span"), spectrum = chart({ title: "power by frequency", across: "cycles a pixel", log: true, narrow: true });
  const node = el("div", { class: "stack" }, el("h3", {}, caption), el("div", { class: "three" },
    el("figure", {}, el("figcaption", {}, "x after the step"), x), el("figure", {}, el("figcaption", {}, "x̂₀: what the network sees in it"), x0), spectrum.node));
  let begin = null, steps = [], end = null;

  /** Prepares it for points, or for pictures. */
  function of(points) {
    const one = points ? "points" : "picture";
    x.setAttribute("aria-label", `${name}: the noisy ${one} x`);
    x0.setAttribute("aria-label", `${name}: the predicted clean ${one}`);
    spectrum.node.hidden = points;
  }
  of(false);

  return {
    node,
    of,
    reset() { begin = null; steps = []; end = null; },
    take(line) {
      const read = begin?.square ? numbers : bytes;
      if (line.line === "begin") begin = line;
      if (line.line === "step") steps.push({ ...line, x: read(line.x), x0: read(line.x0) });
      if (line.line === "end") end = { ...line, pictures: read(line.pictures) };
    },
    get begin() { return begin; },
    get end() { return end; },
    get length() { return steps.length; },
    at(i) { return steps[Math.min(i, steps.length - 1)]; },
    show(i) {
      const step = this.at(i);
      if (!begin) { caption.textContent = name; return; }
      caption.textContent = `${begin.sampler}: ${step ? `step ${step.step + 1} of ${begin.steps}, left t = ${short(step.t, 4)}` : "…"}`;
      of(!!begin.square);
      if (!step) return;
      if (begin.square) {
        scatter(x, { square: step.square, points: step.x, ways: steps.slice(0, i + 1).map(({ x, square }) => ({ points: x, half: square.half })) });
        scatter(x0, { square: begin.square, points: step.x0 });
        return;
      }
      draw(x, step.x, begin.shape, begin.n);
      draw(x0, step.x0, begin.shape, begin.n);
      const f = begin.frequencies.slice(1);
      spectrum.draw({ series: [
        { name: "x", x: f, y: step.power_x.slice(1) }, { name: "x̂₀", x: f, y: step.power_x0.slice(1) },
        { name: "noise in x", x: f, y: f.map(() => step.noise ** 2) }] });
    },
  };
}

/** How far two runs are apart. */
export function comparison() {
  const canvas = el("canvas", { "aria-label": "The difference of the two" }), caption = el("figcaption");
  return {
    node: el("figure", {}, caption, canvas),
    show(a, b, begin) {
      if (!a || !b || a.x.length !== b.x.length) return;
      if (begin.square) {
        scatter(canvas, { square: a.square, points: a.x, partners: b.x });
        caption.replaceChildren(el("span", { class: "key c0" }, "first"), el("span", { class: "key c1" }, "second"), `partners are ${short(distance(a.x, b.x), 3)} apart in the root mean square`);
        return;
      }
      const { bytes: data, rms } = difference(a.x, b.x);
      draw(canvas, data, begin.shape, begin.n);
      caption.textContent = `first − second, around grey: ${short(rms, 3)} in the root mean square`;
    },
  };
}
