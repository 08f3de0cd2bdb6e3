// From the noise of one seed to that of another, and what is painted on the way.
import { el, field } from "./build.js";
import { draw } from "./pixels.js";
import { scatter } from "./points.js";

/** A card that asks for the way by `paint`, and shows it. */
export function morph(paint) {
  const to = el("input", { type: "number", min: 0, step: 1, value: 1 }), places = el("input", { type: "number", min: 2, max: 25, value: 9 });
  const canvas = el("canvas", { "aria-label": "What lies between the two seeds", hidden: true });
  const between = el("input", { type: "range", min: 0, max: 0, value: 0, disabled: true, oninput: show });
  let shown = null;
  const node = el("div", { class: "card" }, el("h2", {}, "From one seed to another"),
    el("p", { class: "hint" }, "The noise moves along the great circle between two seeds; each place on it is painted with the settings above."),
    el("div", { class: "pair" }, canvas, el("div", { class: "stack" }, field("To seed", to), field("Places on the way", places),
      el("button", { type: "button", onclick: () => paint({ n: Number(places.value), to_seed: Number(to.value) }) }, "Morph"), field("Between", between))));

  function show() {
    if (!shown) return;
    const { begin, pictures } = shown, i = Number(between.value), one = pictures.length / begin.n;
    const part = (i) => pictures.subarray(i * one, (i + 1) * one);
    if (begin.square) scatter(canvas, { square: begin.square, points: pictures, mark: i, ways: Array.from({ length: begin.n }, (_, i) => ({ points: part(i), half: begin.square.half })) });
    else draw(canvas, part(i), begin.shape);
    between.show();
  }

  return {
    node,
    /** Shows the pictures, or points, of a run that has begun and ended so. */
    take(begin, { pictures }) {
      shown = { begin, pictures };
      Object.assign(between, { max: begin.n - 1, disabled: false, value: 0 });
      canvas.hidden = false;
      show();
    },
  };
}
