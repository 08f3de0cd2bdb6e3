// The grids of samples that a run has painted so far: the newest, until an older one is asked for.
import { el, field, grouped, onceAFrame } from "./build.js";
import { ask, newest } from "./ask.js";

/** A figure with a slider over the grids of a run. */
export function grids() {
  const picture = el("img", { alt: "", hidden: true }), caption = el("figcaption"), asking = newest();
  const slider = el("input", { type: "range", min: 0, max: 0, value: 0, oninput: moved });
  let run = null, steps = [], follows = true, lost = "";
  slider.shown = (i) => (steps.length ? grouped(steps[i]) : "");
  const over = field("Samples after step", slider), node = el("figure", {}, caption, picture, over);

  function show(words, there, bad = false) {
    caption.textContent = words;
    caption.classList.toggle("bad", bad);
    picture.hidden = !there;
  }

  const load = onceAFrame(() => asking.run(async (signal) => {
    const step = steps[slider.value];
    if (step === undefined) return;
    const { png } = await ask("run/grid", { name: run, step }, signal);
    picture.src = `data:image/png;base64,${png}`;
    picture.alt = `samples after step ${step}`;
    show(`${lost}samples after step ${grouped(step)}`, true);
  }, (error) => show(error.message, false, true)));

  function moved() {
    follows = Number(slider.value) === steps.length - 1;
    lost = "";
    load();
  }

  /** Takes the steps that there are grids of now. */
  function take(listed) {
    const chosen = steps[slider.value], is = listed.findLastIndex((step) => step <= chosen);
    steps = listed;
    // In the place of an older grid that has been deleted stands the one before it.
    if (!follows && steps[is] !== chosen) lost = `those after step ${grouped(chosen)} are gone; `;
    Object.assign(slider, { max: Math.max(0, steps.length - 1), value: Math.max(0, follows ? steps.length - 1 : is) });
    slider.show();
    over.hidden = steps.length < 2;
    if (steps.length) load();
    else show("samples come with the first grid", false);
  }

  /** Shows the grids of another run, or of the same from the newest on. */
  function of(name) {
    asking.end();
    [run, follows, lost] = [name, true, ""];
    take([]);
  }

  of(null);
  return { node, of, take };
}
