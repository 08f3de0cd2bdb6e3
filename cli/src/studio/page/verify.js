// Every identity as its formula, with both numbers, and a fault to plant.
import { el, field, choice, fill, check, speaker, short, onceAFrame } from "./build.js";
import { ask, newest } from "./ask.js";

export const title = "Verify";

const FAMILIES = ["linear", "scaled_linear", "cosine", "sigmoid", "laplace", "edm", "rectified_flow"];

export function build() {
  const said = speaker(), job = newest();
  const kind = choice(FAMILIES.map((name) => [name, name.replace("_", " ")]), "linear", hold);
  const T = el("input", { type: "number", min: 10, max: 4000, value: 1000, onchange: hold });
  const fault = choice([["none", "no fault"]], "none", hold);
  const share = el("input", { type: "range", min: -8, max: 0, step: 0.25, value: -2, oninput: onceAFrame(hold) });
  share.shown = (v) => short(10 ** v, 2);
  const only = el("input", { type: "checkbox", onchange: show });
  const sum = el("h2", { "aria-live": "polite" }, "…"), body = el("tbody");
  let held = null;
  const form = el("form", { class: "card", onsubmit: (event) => event.preventDefault() }, field("Schedule", kind), field("T", T),
    field("A fault to plant", fault), field("How much of it", share, "0.01: one part wrong in a hundred"), check("only rows that fail", only), said.node);
  const node = el("section", {},
    el("header", {}, el("h1", {}, "Every formula, held against what this machine computes"),
      el("p", { class: "soft" }, "“Computed” comes from the code that trains and paints; “expected” from a formula, a quadrature or a recursion that shares no code with it.")),
    el("div", { class: "bench" }, form, el("div", { class: "card" }, sum, el("div", { class: "scroll", tabIndex: 0, role: "region", "aria-label": "The table" },
      el("table", {}, el("thead", {}, el("tr", {}, ["Identity", "Formula", "Expected", "Computed", "Within", ""].map((t, i) => el("th", { class: i < 2 ? "left" : "" }, t)))), body)))));

  /** MathML of the program's own, as elements. */
  function formula(markup) {
    if (!markup) return null;
    const parsed = new DOMParser().parseFromString(markup.replace("<math>", '<math xmlns="http://www.w3.org/1998/Math/MathML">'), "application/xml");
    return document.importNode(parsed.documentElement, true);
  }

  function hold() {
    share.disabled = fault.value === "none";
    job.run(async (signal) => {
      said.say("computes …");
      held = await ask("verify", { schedule: kind.value, timesteps: Number(T.value), fault: fault.value, share: fault.value === "none" ? 0 : 10 ** share.value }, signal);
      if (fault.options.length === 1) fill(fault, held.faults.map(([name, about]) => [name, about]), fault.value);
      said.say();
      show();
    }, (error) => { held = null; sum.textContent = "Nothing to compare"; body.replaceChildren(); said.fail(error); });
  }

  function show() {
    if (!held) return;
    const { rows, failed } = held;
    sum.className = failed ? "bad" : "good";
    sum.textContent = failed ? `${failed} of ${rows.length} rows fail` : `all ${rows.length} rows hold`;
    const sorted = [...rows].sort((a, b) => a.pass - b.pass);
    body.replaceChildren(...sorted.filter((row) => !only.checked || !row.pass).map((row) => el("tr", {},
      el("td", { class: "left" }, row.name), el("td", { class: "left" }, formula(row.formula)),
      el("td", {}, short(row.expected, 10)), el("td", {}, short(row.actual, 10)), el("td", {}, short(row.tolerance, 1)),
      el("td", { class: row.pass ? "good" : "bad" }, row.pass ? "holds" : "fails"))));
  }

  hold();
  return { node };
}
