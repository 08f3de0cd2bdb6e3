// The room of the plane: a network learns points, and is looked at meanwhile.
import { Broken, Cancelled, Client } from "./client.js";
import { drawLine } from "./chart.js";
import { colour, drawPoints, plane } from "./pictures.js";

const $ = (id) => document.getElementById(id);
const client = new Client();

const REACH = 3;
const POINTS = 1000;
const WAYS = 60;
const ARROWS = 21;
/** Steps that a dot of the curve is the mean of. */
const EACH = 10;

/** Milliseconds between two looks at a run that trains: a look takes time that a step could have. */
const BETWEEN_LOOKS = 700;

/** The run: what it is, its losses, and the training under way. */
let run = null;
let losses = [];
let training = null;
let taken = null;
let field = null;

export async function begin() {
  const [names, { samplers }] = await Promise.all([client.ask("distributions"), client.ask("kernels")]);
  $("distribution").append(...names.map((name) => new Option(name)));
  $("plane-sampler").append(...samplers.map(({ name, title }) => new Option(title, name)));
  $("plane-sampler").value = "ddim";
  $("plane-form").addEventListener("submit", (e) => { e.preventDefault(); train(); });
  $("pause").addEventListener("click", () => training?.cancel());
  $("over").addEventListener("click", startOver);
  for (const id of ["distribution", "train-seed"]) $(id).addEventListener("change", startOver);
  $("train-steps").addEventListener("input", command);
  for (const id of ["plane-sampler", "plane-steps"]) $(id).addEventListener("change", () => look());
  $("way").addEventListener("input", drawSamples);
  $("t").addEventListener("input", () => { $("t-out").textContent = $("t").value; look(); });
  document.addEventListener("room", ({ detail }) => { if (detail === "plane") enter(); });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  addEventListener("resize", draw);
  command();
  if (!$("plane").hidden) await enter();
}

const say = (text, bad = false) => {
  $("plane-said").textContent = text;
  $("plane-said").classList.toggle("bad", bad);
};

function command() {
  const [of, steps, seed] = ["distribution", "train-steps", "train-seed"].map((id) => $(id).value);
  $("train-command").textContent = `tweedie train --data ${of} --steps ${steps} --seed ${seed} --out runs/${of} --json`;
}

/** Whoever comes in finds the points, and what an untrained network makes of them. */
async function enter() {
  if (!run) await fresh();
  draw();
}

async function fresh() {
  const [distribution, seed] = [$("distribution").value, Number($("train-seed").value)];
  command();
  losses = [];
  run = await client.ask("plane", { distribution, seed, points: POINTS });
  $("plane-parameters").textContent = run.parameters.toLocaleString("en");
  $("t").max = run.timesteps - 1;
  $("fact-step").textContent = 0;
  for (const id of ["fact-loss", "fact-pace"]) $(id).textContent = "–";
  $("weights").textContent = "";
  $("plane-facts").dataset.state = "fresh";
  drawLine($("losses"), losses, EACH, Number($("train-steps").value));
  await look();
}

async function startOver() {
  training?.cancel();
  await training?.catch(() => {});
  say("");
  await guard(fresh);
}

async function train() {
  if (training) return;
  await guard(async () => {
    if (!run) await fresh();
    const steps = Number($("train-steps").value);
    $("train").disabled = true;
    $("pause").disabled = false;
    $("plane-facts").dataset.state = "training";
    say("training …");
    const paces = [];
    training = client.ask("train", { steps }, (told) => {
      for (const loss of told.losses) losses.push(loss);
      paces.push([told.losses.length, told.seconds]);
      if (paces.length > 20) paces.shift();
      const [count, seconds] = paces.reduce(([a, b], [c, d]) => [a + c, b + d], [0, 0]);
      const last = losses.slice(-100);
      $("fact-step").textContent = told.steps;
      $("fact-loss").textContent = (last.reduce((a, b) => a + b, 0) / last.length).toFixed(4);
      $("fact-pace").textContent = Math.round(count / seconds);
      drawCurve(steps);
      if (performance.now() - looked > BETWEEN_LOOKS) look();
    });
    try {
      const { digest } = await training;
      $("weights").textContent = digest;
      $("plane-facts").dataset.state = "trained";
      say(`${steps} steps are taken.`);
    } catch (error) {
      if (!(error instanceof Cancelled)) throw error;
      $("plane-facts").dataset.state = "paused";
      say(`paused after ${losses.length} steps`);
    } finally {
      training = null;
      $("train").disabled = false;
      $("pause").disabled = true;
    }
    await look();
  });
}

/** Says what fails; a run that broke is begun again. */
async function guard(task) {
  try {
    await task();
  } catch (error) {
    if (error instanceof Broken) run = null;
    $("plane-facts").dataset.state = "failed";
    say(`${error.message}.`, true);
  }
}

function drawCurve(steps) {
  const means = [];
  for (let i = 0; i + EACH <= losses.length; i += EACH) {
    means.push(losses.slice(i, i + EACH).reduce((a, b) => a + b, 0) / EACH);
  }
  drawLine($("losses"), means, EACH, steps);
}

/** Asks for samples and for the score as the network is now; one question at a time, the last one always. */
let looking = null;
let looked = 0;
let again = false;
async function look() {
  if (looking) {
    again = true;
    return looking;
  }
  looking = (async () => {
    do {
      again = false;
      const sampling = { n: POINTS, sampler: $("plane-sampler").value, steps: Number($("plane-steps").value) || 1, seed: 0 };
      [taken, field] = await Promise.all([
        client.ask("ways", sampling),
        client.ask("field", { t: Number($("t").value), reach: REACH, side: ARROWS, points: POINTS }),
      ]);
      const atEnd = $("way").value === $("way").max;
      $("way").max = sampling.steps;
      if (atEnd) $("way").value = sampling.steps;
      $("fact-distance").textContent = taken.distance.toFixed(3);
      looked = performance.now();
      draw();
    } while (again);
  })();
  try {
    await looking;
  } catch (error) {
    say(`${error.message}.`, true);
  } finally {
    looking = null;
  }
}

function draw() {
  if ($("plane").hidden || !run) return;
  drawSamples();
  drawField();
}

function drawSamples() {
  if (!taken) return;
  const at = Number($("way").value);
  $("way-out").textContent = at;
  const canvas = plane($("points"), REACH);
  const { context, side, x, y } = canvas;
  drawPoints(canvas, run.data, colour("--s4"), 0.006);
  const state = (step) => taken.points.subarray(2 * POINTS * step, 2 * POINTS * (step + 1));
  context.strokeStyle = colour("--s0");
  context.globalAlpha = 0.35;
  context.lineWidth = Math.max(1, side / 500);
  for (let i = 0; i < WAYS; i++) {
    context.beginPath();
    for (let step = 0; step <= at; step++) {
      const points = state(step);
      context.lineTo(x(points[2 * i]), y(points[2 * i + 1]));
    }
    context.stroke();
  }
  context.globalAlpha = 1;
  drawPoints(canvas, state(at), colour("--s0"), 0.009);
}

function drawField() {
  if (!field) return;
  const canvas = plane($("field"), REACH);
  const { context, side, x, y } = canvas;
  drawPoints(canvas, field.noised, colour("--s4"), 0.006);
  context.strokeStyle = colour("--s1");
  context.lineWidth = Math.max(1, side / 400);
  const cell = 2 * REACH / ARROWS;
  for (let i = 0; i < ARROWS * ARROWS; i++) {
    const from = [-REACH + (i % ARROWS + 0.5) * cell, -REACH + (Math.floor(i / ARROWS) + 0.5) * cell];
    const [dx, dy] = [field.arrows[2 * i], field.arrows[2 * i + 1]];
    const length = Math.hypot(dx, dy);
    // As long as the field is strong, up to the size of a cell.
    const scale = cell * Math.min(0.45, 0.9 / Math.max(length, 1e-9));
    arrow(context, [x(from[0]), y(from[1])], [x(from[0] + dx * scale), y(from[1] + dy * scale)]);
  }
}

function arrow(context, [x0, y0], [x1, y1]) {
  const angle = Math.atan2(y1 - y0, x1 - x0);
  const head = 0.35 * Math.hypot(x1 - x0, y1 - y0);
  context.beginPath();
  context.moveTo(x0, y0);
  context.lineTo(x1, y1);
  for (const turn of [2.6, -2.6]) {
    context.moveTo(x1, y1);
    context.lineTo(x1 + head * Math.cos(angle + turn), y1 + head * Math.sin(angle + turn));
  }
  context.stroke();
}
