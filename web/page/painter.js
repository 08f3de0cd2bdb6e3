// The room of the painter: a checkpoint is opened, and pictures are painted step by step.
import { Broken, Cancelled, Client } from "./client.js";
import { drawPictures } from "./pictures.js";

const $ = (id) => document.getElementById(id);
const client = new Client();

/** The open model, the steps of the last painting, and the one under way. */
let model = null;
let file = null;
let states = [];
let painting = null;

export async function begin() {
  const { kernels, samplers } = await client.ask("kernels");
  for (const { name, title, about, eta, churn } of samplers) {
    const option = new Option(title, name);
    Object.assign(option.dataset, { about, eta, churn });
    $("sampler").append(option);
  }
  listen();
  settings();
  return kernels;
}

function listen() {
  $("file").addEventListener("change", () => { if ($("file").files[0]) open($("file").files[0]); });
  // A file that is chosen again, because it was written again, is a change too.
  $("file").addEventListener("click", () => { $("file").value = ""; });
  $("ema").addEventListener("change", () => { if (file) open(file); });
  const drop = $("drop");
  for (const event of ["dragenter", "dragover"]) {
    addEventListener(event, (e) => { e.preventDefault(); drop.classList.add("over"); });
  }
  addEventListener("dragleave", (e) => { if (!e.relatedTarget) drop.classList.remove("over"); });
  addEventListener("drop", (e) => {
    e.preventDefault();
    drop.classList.remove("over");
    if (e.dataTransfer.files[0]) open(e.dataTransfer.files[0]);
  });
  $("paint-form").addEventListener("input", settings);
  $("paint-form").addEventListener("submit", (e) => { e.preventDefault(); if (!painting) paint(); });
  $("cancel").addEventListener("click", () => painting?.cancel());
  addEventListener("keydown", (e) => { if (e.key === "Escape") painting?.cancel(); });
  $("step").addEventListener("input", show);
  $("native").addEventListener("input", compare);
  // Only pages of this machine, and of https, may write to the clipboard.
  $("copy").hidden = !navigator.clipboard;
  $("copy").addEventListener("click", async () => {
    await navigator.clipboard.writeText($("command").textContent);
    $("copy").textContent = "Copied";
    setTimeout(() => { $("copy").textContent = "Copy"; }, 1500);
  });
}

function say(id, text, bad = false) {
  $(id).textContent = text;
  $(id).classList.toggle("bad", bad);
}

const grouped = (n) => n.toLocaleString("en");

async function open(chosen) {
  painting?.cancel();
  say("opened", `opening ${chosen.name} …`);
  try {
    model = await client.ask("open", { file: chosen, ema: $("ema").checked });
  } catch (error) {
    if (error instanceof Broken) {
      model = null;
      $("ask").disabled = true;
    }
    const kept = model ? ` ${file.name} stays open.` : "";
    say("opened", `${error.message}.${kept}`, true);
    $("opened").dataset.state = "refused";
    return;
  }
  file = chosen;
  const [c, h, w] = model.shape;
  const colours = c === 1 ? "grey" : c === 3 ? "colour" : `${c} channels`;
  say("opened", `${file.name}: ${model.architecture}, ${grouped(model.parameters)} parameters, pictures of ${h}×${w}, ${colours}`);
  $("opened").dataset.state = "open";
  offer();
}

/** What can be asked of the open model. */
function offer() {
  const { classes, words, guided, most, sampling } = model;
  $("ask").disabled = false;
  $("of-class").hidden = !classes;
  $("class").replaceChildren(new Option("all, in turn", ""), ...(classes ?? []).map((name, k) => new Option(name, k)));
  $("of-words").hidden = !words;
  $("known").textContent = words ? `It knows: ${words.join(", ")}.` : "";
  $("of-guidance").hidden = !guided;
  $("guidance").value = guided ? sampling.guidance : 1;
  $("sampler").value = sampling.sampler;
  $("n").max = most;
  $("n").value = Math.min($("n").value, most);
  settings();
}

/** The numbers of a caption's words; says which of them the model does not know. */
function caption() {
  const input = $("words");
  const numbers = input.value.toLowerCase().split(/\s+/).filter(Boolean).map((word) => model.words.indexOf(word) + 1);
  input.setCustomValidity(numbers.includes(0) ? "a word that the model does not know" : "");
  return numbers;
}

/** The form's choices as they stand, and what follows from them in the page. */
function settings() {
  $("guidance-out").textContent = Number($("guidance").value).toFixed(1);
  const chosen = $("sampler").selectedOptions[0];
  $("about").textContent = chosen ? `${chosen.dataset.about.replace(/, --churn/, "").replace(/unless --eta is above 0/, "unless η is above 0")}.` : "";
  const reads = (what) => chosen?.dataset[what] === "true";
  $("of-eta").hidden = !reads("eta");
  $("of-churn").hidden = !reads("churn");
  const number = (id) => Number($(id).value);
  const asked = {
    n: number("n"),
    class: model?.classes && $("class").value !== "" ? number("class") : null,
    caption: model?.words ? caption() : null,
    guidance: number("guidance"),
    sampler: $("sampler").value,
    steps: number("steps"),
    eta: reads("eta") ? number("eta") : 0,
    churn: reads("churn") ? number("churn") : 0,
    seed: number("seed"),
  };
  $("command").textContent = command(asked);
  return asked;
}

const quoted = (text) => /^[\w./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;

/** The same on the command line. */
function command({ n, class: k, guidance, sampler, steps, eta, churn, seed }) {
  const parts = ["tweedie sample", quoted(file?.name ?? "CHECKPOINT")];
  if (k !== null) parts.push(`--class ${quoted(model.classes[k])}`);
  if (model?.words) parts.push(`--caption ${quoted($("words").value)}`);
  if (!$("ema").checked) parts.push("--no-ema");
  if (model?.guided) parts.push(`--guidance ${guidance}`);
  parts.push(`--sampler ${sampler}`, `--steps ${steps}`);
  if (!$("of-eta").hidden) parts.push(`--eta ${eta}`);
  if (!$("of-churn").hidden) parts.push(`--churn ${churn}`);
  parts.push(`--n ${n}`, `--seed ${seed}`, "--json");
  return parts.join(" ");
}

async function paint() {
  const asked = settings();
  states = [];
  $("go").disabled = true;
  $("cancel").disabled = false;
  $("progress").value = 0;
  $("digest").textContent = "";
  $("result").dataset.state = "painting";
  // On a narrow screen the pictures lie below the form.
  $("said").scrollIntoView({ block: "nearest" });
  compare();
  painting = client.ask("paint", asked, (state) => {
    const last = Number($("step").value) === states.length;
    states.push(state);
    $("step").disabled = false;
    $("step").max = states.length;
    // Whoever looks at an earlier step goes on looking at it.
    if (last || states.length === 1) $("step").value = states.length;
    $("progress").value = state.step / state.steps;
    say("said", `step ${state.step} of ${state.steps}`);
    show();
  });
  try {
    const { seconds, digest } = await painting;
    const each = (seconds / states.length).toFixed(3);
    say("said", `${asked.n === 1 ? "a picture" : `${asked.n} pictures`} in ${seconds.toFixed(2)} s, ${each} s a step`);
    $("digest").textContent = digest;
    $("result").dataset.state = "painted";
    $("result").dataset.seconds = seconds;
  } catch (error) {
    $("result").dataset.state = error instanceof Cancelled ? "cancelled" : "failed";
    if (error instanceof Cancelled) say("said", `cancelled after step ${states.length}`);
    else if (error instanceof Broken) {
      say("said", `The program broke off (${error.message}), perhaps for want of memory: open the file again, and paint fewer pictures.`, true);
      model = null;
      $("ask").disabled = true;
      $("opened").textContent = "";
    } else say("said", `${error.message}.`, true);
  } finally {
    painting = null;
    $("go").disabled = false;
    $("cancel").disabled = true;
    compare();
  }
}

/** The step that the slider is at. */
function show() {
  const state = states[$("step").value - 1];
  if (!state) return;
  const { step, steps, t, signal, noise, x, x0 } = state;
  drawPictures($("x"), x, model.shape);
  drawPictures($("x0"), x0, model.shape);
  $("step-out").textContent = `${step} of ${steps}`;
  $("step").setAttribute("aria-valuetext", `step ${step} of ${steps}`);
  $("x-level").textContent = `signal ${signal.toFixed(3)}, noise ${noise.toFixed(3)}`;
  $("x0-time").textContent = `seen at t = ${t.toFixed(0)}`;
}

/** Holds the program's digest against the page's. */
function compare() {
  const [own, native] = [$("digest").textContent, $("native").value.trim().toLowerCase()];
  const said = $("compared");
  said.className = "said";
  if (!own || !native) said.textContent = "";
  else if (own === native) {
    said.textContent = "The same bits.";
    said.classList.add("good");
  } else {
    said.textContent = "Other bits: was it the same checkpoint, and the same command?";
    said.classList.add("bad");
  }
}
