// Drives the page in a headless Chromium, with the program beside it.
//
//   node drive.mjs DIST PROGRAM [--only fused] [--shots FOLDER]
//
// A checkpoint is made by the program, opened, and painted with; digests are held against those that the page's own command gives.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { Browser, Page } from "./browser.mjs";
import { serve } from "./serve.mjs";

const [dist, program, ...rest] = process.argv.slice(2);
const option = (name) => (rest.includes(name) ? rest[rest.indexOf(name) + 1] : null);
const shots = option("--shots") && resolve(option("--shots"));
const work = mkdtempSync(join(tmpdir(), "tweedie-web-"));
const tweedie = (...args) => execFileSync(resolve(program), args, { cwd: work, encoding: "utf8", stdio: ["ignore", "pipe", "inherit"] });
const began = Date.now();
const step = (text) => console.log(`${((Date.now() - began) / 1000).toFixed(1).padStart(5)} s  ${text}`);

/** The last checkpoint of a run of a few steps. */
function train(name, ...args) {
  tweedie("train", "--out", name, "--steps", "3", "--quiet", "--set", "train.validate_every=0", "--set", "train.grids=0", ...args);
  const folder = join(work, name, "checkpoints");
  return join(folder, readdirSync(folder).sort().at(-1));
}

async function open(page, file) {
  await page.evaluate('document.getElementById("file").value = ""; document.getElementById("opened").dataset.state = "waiting"');
  await page.choose("file", file);
  await page.until('document.getElementById("opened").dataset.state !== "waiting"');
  return page.text("opened");
}

async function paint(page, settings) {
  for (const [id, value] of Object.entries(settings)) await page.fill(id, value);
  await page.evaluate('document.getElementById("result").dataset.state = "waiting"');
  await page.click("go");
  await page.until('["painted", "failed"].includes(document.getElementById("result").dataset.state)', 120);
  assert.equal(await page.evaluate('document.getElementById("result").dataset.state'), "painted", await page.text("said"));
  return page.text("digest");
}

/** What the program paints with the command that the page shows, where the checkpoint lies. */
async function painted(page, checkpoint) {
  return (await shown(page, "command", `--raw '${join(work, "x.safetensors")}'`, dirname(checkpoint))).digest;
}

/** What the program says to a command that the page shows, with more options, in a folder. */
async function shown(page, id, options, cwd) {
  const command = (await page.text(id)).replace(/^tweedie/, resolve(program));
  return JSON.parse(execFileSync("sh", ["-c", `${command} ${options} --quiet`], { cwd, encoding: "utf8" }));
}

const rooms = {
  async paint(page, checkpoint) {
    await open(page, checkpoint);
    for (const settings of [
      { class: 3, guidance: 2, sampler: "ddim", steps: 5, n: 1, seed: 7 },
      { class: "", guidance: 1, sampler: "ddpm", steps: 4, n: 5, seed: 8 },
      { class: "", guidance: 3, sampler: "dpmpp-2m", steps: 6, n: 2, seed: 9 },
      { class: 0, guidance: 1.5, sampler: "heun", steps: 4, n: 2, churn: 5, seed: 10 },
    ]) {
      const [here, native] = [await paint(page, settings), await painted(page, checkpoint)];
      step(`${settings.sampler}: ${here.slice(0, 16)}… here, ${native.slice(0, 16)}… by the program`);
      assert.equal(here, native);
      await page.fill("native", native);
      assert.equal(await page.text("compared"), "The same bits.");
    }
    await page.fill("native", "0".repeat(64));
    assert.match(await page.text("compared"), /^Other bits/);
    await page.fill("native", "");
    // The slider goes back to any step.
    await page.fill("step", 1);
    assert.match(await page.text("step-out"), /^1 of/);
  },

  async cancel(page) {
    await page.fill("steps", 500);
    await page.click("go");
    // Any of its steps: a fast machine passes some between two looks.
    await page.until('/^\\d+ of 500$/.test(document.getElementById("step-out").textContent)');
    await page.click("cancel");
    await page.until('document.getElementById("result").dataset.state === "cancelled"');
    assert.match(await page.text("said"), /^cancelled after step \d+$/);
    step("a painting is cancelled");
  },

  async refuse(page, checkpoint) {
    const bytes = readFileSync(checkpoint);
    const files = { "nothing.safetensors": bytes.subarray(0, 0), "cut.safetensors": bytes.subarray(0, bytes.length / 2), "text.safetensors": Buffer.from("no model\n".repeat(99)) };
    const damaged = Buffer.from(bytes);
    // Among the first numbers, which are of the averaged weights.
    damaged[8 + Number(bytes.readBigUInt64LE(0)) + 1000] ^= 4;
    files["damaged.safetensors"] = damaged;
    for (const [name, content] of Object.entries(files)) writeFileSync(join(work, name), content);
    tweedie("sample", checkpoint, "--n", "1", "--steps", "1", "--raw", "numbers.safetensors", "--quiet");
    for (const [name, said] of [
      ["nothing.safetensors", /shorter than a header/],
      ["text.safetensors", /not a whole safetensors file/],
      ["cut.safetensors", /cut short/],
      ["damaged.safetensors", /damaged|not the one that was written/],
      ["numbers.safetensors", /not a checkpoint/],
    ]) {
      const text = await open(page, join(work, name));
      assert.match(text, said);
      assert.match(text, /stays open/);
      assert.equal(await page.evaluate('document.getElementById("opened").dataset.state'), "refused");
      step(`refused: ${text}`);
    }
    // What was open before can still be painted with.
    await open(page, checkpoint);
    await paint(page, { steps: 1, n: 1 });
  },

  async keyboard(page, checkpoint) {
    await page.answerChoosers(checkpoint);
    await page.tabTo("file");
    await page.evaluate('document.getElementById("opened").dataset.state = "waiting"');
    await page.press("Enter");
    await page.until('document.getElementById("opened").dataset.state === "open"');
    await page.tabTo("steps");
    await page.press("a", 2);
    for (const key of "3") await page.press(key);
    await page.press("Enter");
    await page.until('document.getElementById("result").dataset.state === "painted"');
    await page.tabTo("step");
    await page.press("Home");
    assert.equal(await page.text("step-out"), "1 of 3");
    await page.press("ArrowRight");
    assert.equal(await page.text("step-out"), "2 of 3");
    step("by the keyboard alone: a file is chosen, pictures are painted, the slider moves");
  },

  async plane(page) {
    await page.evaluate('location.hash = "#plane"');
    await page.until('document.getElementById("fact-distance").textContent !== "–"');
    const before = Number(await page.text("fact-distance"));
    await page.fill("distribution", "swissroll");
    await page.until('document.getElementById("plane-facts").dataset.state === "fresh"');
    await page.fill("train-steps", 120);
    await page.click("train");
    await page.until('document.getElementById("plane-facts").dataset.state === "trained"', 120);
    // Lower on the screen is less.
    const curve = await page.evaluate('document.querySelector("#losses polyline").getAttribute("points")');
    const heights = curve.split(" ").map((point) => Number(point.split(",")[1]));
    assert.equal(heights.length, 12);
    assert(heights.at(-1) > heights[0], curve);
    // The command that the page shows ends with the same weights.
    const { weights_digest: native } = await shown(page, "train-command", "", work);
    const weights = await page.text("weights");
    step(`the plane's weights: ${weights.slice(0, 16)}… here, ${native.slice(0, 16)}… by the program`);
    assert.equal(weights, native);
    step(`swissroll: loss ${await page.text("fact-loss")} after 120 steps, ${await page.text("fact-pace")} steps a second; distance ${before} before, ${await page.text("fact-distance")} after`);
    await page.evaluate('location.hash = "#paint"');
  },

  async bits(page, how) {
    await page.evaluate('location.hash = "#bits"');
    await page.click("check");
    await page.until('"state" in document.getElementById("checked").dataset', 120);
    assert.match(await page.text("checked"), /^All \d+ operations have the same bits/);
    assert.match(await page.text("multiply-add"), how);
    await page.evaluate('location.hash = "#paint"');
    step(await page.text("checked"));
  },
};

/** A browser with these flags more, and the page in it. */
async function visit(address, flags, visitor) {
  const browser = new Browser(flags);
  try {
    const page = await Page.open(browser, address);
    await page.until('document.documentElement?.dataset.state === "ready"');
    await visitor(page);
    assert.deepEqual(page.complaints, []);
  } finally {
    await browser.close();
  }
}

const { server, address } = await serve(resolve(dist));
try {
  const tiny = train("tiny", "--data", "shapes", "--image-size", "16", "--batch", "8", "--set", "model.block_out_channels=[16,32]", "--set", "model.attention_head_dim=16");
  step("the program has trained a few steps");
  await visit(address, [], async (page) => {
    await rooms.keyboard(page, tiny);
    await rooms.paint(page, tiny);
    await rooms.cancel(page);
    await rooms.refuse(page, tiny);
    await rooms.plane(page);
    await rooms.bits(page, /rounds it once/);
  });
  // Without fused multiply-adds, the engine rounds the relaxed ones twice: the page must notice, and paint the same bits.
  if (option("--only") !== "fused") await visit(address, ["--js-flags=--no-enable-fma3"], async (page) => {
    await open(page, tiny);
    const [here, native] = [await paint(page, { class: 3, sampler: "ddim", steps: 3, n: 1 }), await painted(page, tiny)];
    assert.equal(here, native);
    step(`without fused multiply-adds: ${here.slice(0, 16)}… as the program`);
    await rooms.bits(page, /no relaxed multiply-add/);
  });
  if (shots) {
    mkdirSync(shots, { recursive: true });
    const { take } = await import("./shots.mjs");
    await visit(address, ["--hide-scrollbars"], (page) => take(page, shots, { open, paint, checkpoint: tiny }));
  }
  step("all well");
} finally {
  server.close();
  rmSync(work, { recursive: true, force: true });
}
