// The schedule explorer: what noise does, and what a forgotten root does.
import { el, field, check, choice, speaker, facts, short, onceAFrame } from "./build.js";
import { chart } from "./chart.js";
import { ask, newest } from "./ask.js";
import { bytes, draw } from "./pixels.js";

export const title = "Schedule";

const KINDS = [["linear", "linear (Ho et al. 2020)"], ["scaled_linear", "scaled linear (Rombach et al. 2022)"], ["cosine", "cosine (Nichol, Dhariwal 2021)"],
  ["sigmoid", "sigmoid"], ["laplace", "Laplace"], ["edm", "EDM (Karras et al. 2022)"], ["rectified_flow", "rectified flow"]];
const COLUMNS = 8;

export function build() {
  const said = speaker(), curves = newest(), pictures = newest();
  let explored = null;
  const kind = choice(KINDS, "linear", change);
  const T = el("input", { type: "number", min: 1, max: 10000, value: 1000, onchange: change });
  const start = el("input", { type: "range", min: -6, max: -1, step: 0.05, value: -4, oninput: change }), end = el("input", { type: "range", min: -4, max: -0.05, step: 0.05, value: Math.log10(0.02).toFixed(2), oninput: change });
  start.shown = end.shown = (v) => short(10 ** v, 3);
  const own = el("input", { type: "checkbox", onchange: change }), zero = el("input", { type: "checkbox", onchange: change });
  const variance = el("input", { type: "range", min: 0.05, max: 2, step: 0.05, value: 1, oninput: change });
  const ends = el("fieldset", {}, el("legend", {}, "End points"), check("my own", own), field("β at 1", start), field("β at T", end));
  const zeroBox = check("no signal at T (zero terminal SNR)", zero);
  const drawn = choice([["glyphs", "a digit"], ["shapes", "a shape"]], "glyphs", sink), number = el("input", { type: "number", min: 0, value: 3, onchange: sink });
  const t = el("input", { type: "range", min: 1, max: 1000, value: 500, oninput: () => { mark(); sinkSoon(); } });
  const form = el("form", { class: "card", onsubmit: (event) => event.preventDefault() }, field("Family", kind), field("T", T), ends, zeroBox,
    field("Variance of the data, for the bound", variance), el("div", { class: "pair" }, field("A picture", drawn), field("Number", number)), field("t", t), said.node);

  const figures = el("div");
  const charts = {
    abar: chart({ title: "ᾱ: the share of the picture's variance that is left", across: "t" }),
    snr: chart({ title: "log SNR", across: "t" }),
    beta: chart({ title: "β added by a step, and the posterior's β̃", across: "t", log: true }),
    lambda: chart({ title: "λ: the bound's weight of the noise", across: "t", log: true }),
    bound: chart({ title: "the bound's terms Lₜ₋₁, bits a dimension", across: "t", log: true }),
    root: chart({ title: "variance of xₜ for data of variance 1", across: "t" }),
  };
  const strip = (how) => Array.from({ length: COLUMNS + 1 }, (_, i) => el("canvas", { role: "img", "aria-label": `${i ? `time ${i} of ${COLUMNS}` : "the picture"}, ${how}` }));
  const right = strip("with the root"), wrong = strip("without the root");
  const times = el("p", { class: "hint" });
  const rows = (cells) => el("div", { class: "strip" }, cells);
  const node = el("section", {},
    el("header", {}, el("h1", {}, "Schedules"), el("p", { class: "soft" }, "How fast a picture drowns, and what each step of the way back is worth.")),
    el("div", { class: "bench" }, form, el("div", { class: "stack" }, el("div", { class: "card" }, figures),
      el("figure", {}, el("figcaption", {}, "xₜ = √ᾱₜ x₀ + √(1−ᾱₜ) ε"), rows(right), el("figcaption", {}, "the root forgotten, as popular notes print it: xₜ = αₜ xₜ₋₁ + √βₜ z"), rows(wrong), times),
      el("div", { class: "grid" }, Object.values(charts).map((one) => one.node)))));

  const config = () => {
    const schedule = { kind: kind.value, timesteps: Number(T.value) };
    if (!ends.hidden && own.checked) Object.assign(schedule, { beta_start: 10 ** start.value, beta_end: 10 ** end.value });
    if (!zeroBox.hidden && zero.checked) schedule.zero_terminal_snr = true;
    return schedule;
  };
  const changeSoon = onceAFrame(explore), sinkSoon = onceAFrame(sink);
  function change() {
    ends.hidden = !["linear", "scaled_linear"].includes(kind.value);
    start.disabled = end.disabled = !own.checked;
    zeroBox.hidden = kind.value === "rectified_flow";
    changeSoon();
    sinkSoon();
  }

  function explore() {
    curves.run(async (signal) => {
      explored = await ask("schedule", { schedule: config(), data_variance: Number(variance.value) }, signal);
      said.say();
      t.max = explored.timesteps;
      t.show();
      const s = explored.summary;
      figures.replaceChildren(facts([[short(s.alpha_bar_last), "ᾱ at T"], [short(s.log_snr_first), "log SNR at 1"], [short(s.log_snr_last), "log SNR at T"],
        [short(s.prior_bits), "L at T, bits a dimension"], [short(s.exact_bits), "Σ Lₜ₋₁, exact denoiser"], [short(s.none_bits), "Σ Lₜ₋₁, no denoiser"]]));
      mark();
    }, said.fail);
  }

  function mark() {
    if (!explored) return;
    const x = explored.t, at = Number(t.value), line = (name, y, colour) => ({ name, x, y: y.map((v) => (v === null ? NaN : v)), colour });
    charts.abar.draw({ series: [line("ᾱ", explored.alpha_bar)], mark: at });
    charts.snr.draw({ series: [line("log SNR", explored.log_snr)], mark: at });
    charts.beta.draw({ series: [line("β", explored.beta), line("β̃", explored.posterior_variance)], mark: at });
    charts.lambda.draw({ series: [line("σ² = β̃", explored.lambda_small), line("σ² = β", explored.lambda_large)], mark: at });
    charts.bound.draw({ series: [line("exact denoiser", explored.bound_exact), line("no denoiser", explored.bound_none)], mark: at });
    charts.root.draw({ series: [line("with the root", explored.variance_with_root), line("without", explored.variance_without_root)], mark: at });
  }

  function sink() {
    const last = Number(T.value), chosen = Math.min(last, Number(t.value));
    const at = [...Array(COLUMNS - 1)].map((_, i) => Math.max(1, Math.round(((i + 1) / (COLUMNS - 1)) * last)));
    pictures.run(async (signal) => {
      const seen = await ask("drown", { schedule: config(), drawn: drawn.value, picture: Number(number.value) || 0, t: [...at, chosen] }, signal);
      draw(right[0], bytes(seen.picture), seen.shape);
      draw(wrong[0], bytes(seen.picture), seen.shape);
      seen.times.forEach((time, i) => {
        draw(right[i + 1], bytes(time.right.pixels), seen.shape);
        draw(wrong[i + 1], bytes(time.without_root.pixels), seen.shape);
      });
      for (const canvas of [...right, ...wrong]) canvas.style.width = "";
      const now = seen.times.at(-1);
      times.textContent = `x₀, then t = ${at.join(", ")}; the last is t = ${chosen}: signal ${short(now.right.signal)}, noise ${short(now.right.noise)}; without the root ${short(now.without_root.signal)} and ${short(now.without_root.noise)}.`;
    }, said.fail);
  }

  change();
  return { node };
}
