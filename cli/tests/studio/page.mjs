// The studio's page in a real browser: node page.mjs PROGRAM FOLDER [PICTURES]
//
// Runs in an empty folder, with playwright-core beside it and Debian's Chromium. With PICTURES, screenshots are kept there.
import assert from "node:assert/strict";
import { execFileSync, spawn } from "node:child_process";
import fs from "node:fs";
import path from "node:path";
import { chromium } from "playwright-core";

const [program, folder, pictures] = process.argv.slice(2);
const FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];
const problems = [], said = (text) => console.log(`${((Date.now() - began) / 1000).toFixed(1).padStart(6)} s  ${text}`);
const began = Date.now();

/** A studio that is open in the folder. */
async function open() {
  const process = spawn(program, ["studio", "--port", "0"], { cwd: folder, stdio: ["ignore", "pipe", "inherit"] });
  const address = await new Promise((resolve) => process.stdout.once("data", (line) => resolve(String(line).trim())));
  const ended = new Promise((resolve) => process.once("exit", resolve));
  return { process, address, close: () => { process.kill("SIGTERM"); return ended; } };
}

async function newPage(browser, width = 1440, colorScheme = "light") {
  const page = await browser.newPage({ viewport: { width, height: 900 }, colorScheme });
  page.on("console", (message) => { if (message.type() === "error") problems.push(message.text()); });
  page.on("pageerror", (error) => problems.push(error.stack));
  return page;
}

/** Moves the focus by Tab alone until it is on `target`. */
async function tabTo(page, target) {
  for (let i = 0; i < 80; i++) {
    if (await target.evaluate((node) => node === document.activeElement)) return;
    await page.keyboard.press("Tab");
  }
  assert.fail(`the keyboard does not reach ${target}`);
}

/** The pixels of a canvas. */
const pixels = (canvas) => canvas.evaluate((node) => [...node.getContext("2d").getImageData(0, 0, node.width, node.height).data]);
/** A large canvas, as a PNG in a URL. */
const image = (canvas) => canvas.evaluate((node) => node.toDataURL());
const status = (room) => room.locator(".said").first();

const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: FLAGS });
const studio = await open();
const page = await newPage(browser);
const room = page.locator("main > section:visible");
await page.goto(studio.address);

// A run is begun by the keyboard alone, and its curve moves.
await tabTo(page, page.getByLabel("For", { exact: true }));
await page.keyboard.type("1 min");
await tabTo(page, page.getByRole("button", { name: "Train", exact: true }));
await page.keyboard.press("Enter");
const curve = room.locator("figure", { hasText: "loss" }).locator("path").first();
await curve.waitFor({ state: "attached", timeout: 60_000 });
const before = await curve.getAttribute("d");
await page.waitForFunction(([d]) => document.querySelector("svg.chart path")?.getAttribute("d") !== d, [before], { timeout: 60_000 });
said("a run trains, and its curve moves");
const stop = page.getByRole("button", { name: "Stop after saving" });
await page.waitForFunction(() => document.querySelector("figure img[alt^='samples']"), null, { timeout: 120_000 });
if (await stop.isEnabled()) {
  await tabTo(page, stop);
  await page.keyboard.press("Enter");
}
await page.getByText("stands still").waitFor({ timeout: 60_000 });
said("its samples came, and it has stopped");

// Older grids are looked at with the keys, and one that has been deleted says so.
const grid = page.getByRole("slider", { name: "Samples after step" }), sample = room.locator("figure img"), samples = path.join(folder, "runs/glyphs/samples");
const grids = () => fs.readdirSync(samples).filter((name) => name.startsWith("step-")).sort();
if (grids().length < 2) fs.copyFileSync(path.join(samples, grids()[0]), path.join(samples, "step-000001.png"));
const [oldest, newestGrid] = [grids()[0], grids().at(-1)].map((name) => Number(name.match(/\d+/)[0]));
await room.getByAltText(`samples after step ${newestGrid}`, { exact: true }).waitFor();
await tabTo(page, grid);
await page.keyboard.press("Home");
await room.getByAltText(`samples after step ${oldest}`, { exact: true }).waitFor();
fs.rmSync(path.join(samples, grids()[0]));
await room.getByText(/are gone/).waitFor();
await page.keyboard.press("End");
await room.getByAltText(`samples after step ${newestGrid}`, { exact: true }).waitFor();
assert.ok(await sample.isVisible());
said("older grids are looked at, and one is missed");

// A picture is painted by the keyboard alone; its bits are those of the command.
await page.locator("nav.rooms a", { hasText: "Play" }).focus();
await page.keyboard.press("Enter");
await page.getByText("parameters, pictures of").waitFor();
await tabTo(page, page.getByLabel("Class"));
await page.keyboard.type("7");
await tabTo(page, page.getByRole("button", { name: "Paint" }));
await page.keyboard.press("Enter");
await status(room).getByText("painted in").waitFor({ timeout: 60_000 });
const x = room.getByLabel("First: the noisy picture x");
const seven = await pixels(x);
assert.ok(new Set(seven).size > 50, "a picture has many values");
const digest = (await room.getByText("digest").textContent()).split(" ")[1];
const model = (await room.locator(".hint").first().textContent());
assert.match(model, /pictures of 1 × 28 × 28/);
const guidance = await page.getByLabel("Guidance").inputValue();
const native = execFileSync(program, ["sample", "runs/glyphs", "--n", "1", "--sampler", "ddim", "--steps", "20", "--class", "7", "--guidance", guidance, "--raw", "x.safetensors", "--out", "x.png", "--quiet"], { cwd: folder });
const raw = fs.readFileSync(path.join(folder, "x.safetensors")), header = Number(raw.readBigUInt64LE(0));
const { createHash } = await import("node:crypto");
assert.equal(createHash("sha256").update(raw.subarray(8 + header)).digest("hex"), digest);
said(`a seven is painted; its digest is the command's: ${digest.slice(0, 16)}…`);
await page.getByLabel("Step", { exact: true }).focus();
for (let i = 0; i < 15; i++) await page.keyboard.press("ArrowLeft");
await room.getByText("step 5 of 20").waitFor();
assert.notDeepEqual(await pixels(x), seven);

// A mask is drawn with the keys and with the pointer, and filled: what is not masked stays.
const board = room.getByRole("application");
await board.focus();
const plain = await pixels(board);
for (const key of ["Space", "ArrowUp", "ArrowUp", "ArrowUp", "Space"]) await page.keyboard.press(key);
const box = await board.boundingBox();
await page.mouse.move(box.x + box.width * 0.6, box.y + box.height * 0.6);
await page.mouse.down();
await page.mouse.move(box.x + box.width * 0.9, box.y + box.height * 0.9, { steps: 8 });
await page.mouse.up();
assert.notDeepEqual(await pixels(board), plain);
await page.getByLabel("Resamplings").fill("2");
await page.getByRole("button", { name: "Fill the mask" }).click();
await status(room).getByText("painted in").waitFor({ timeout: 60_000 });
const filled = await pixels(x), same = filled.filter((value, i) => value === seven[i]).length / filled.length;
assert.ok(same > 0.4 && same < 1, `${same} of the picture stays`);
said(`a masked part is filled, ${(100 * same).toFixed(0)} % of the numbers stay`);

// Two samplers side by side; one seed becomes another.
await page.getByLabel("Beside another sampler").check();
await page.getByRole("button", { name: "Paint" }).click();
await room.getByText("first − second").waitFor({ timeout: 60_000 });
await status(room).getByText("painted in").waitFor({ timeout: 60_000 });
await page.getByLabel("Beside another sampler").uncheck();
await page.getByRole("button", { name: "Morph" }).click();
const between = page.getByRole("slider", { name: "Between" }), morphed = room.getByLabel("What lies between the two seeds");
await page.waitForFunction(() => [...document.querySelectorAll("input[type=range]")].some((node) => node.max === "8" && !node.disabled && node.closest(".field").textContent.includes("Between")), null, { timeout: 60_000 });
const first = await pixels(morphed);
await between.focus();
await page.keyboard.press("End");
assert.notDeepEqual(await pixels(morphed), first);
said("two samplers are compared, and seeds are joined");

// Points of the plane lie where two samplers left them, and wander.
const train = (name, ...more) => execFileSync(program, ["train", "--out", `runs/${name}`, ...more, "--set", "train.grids=0", "--quiet"], { cwd: folder });
train("moons", "--data", "moons", "--time-budget", "2s");
await page.goto(`${studio.address}#play/moons`);
await room.getByText("parameters, points of the plane").waitFor();
assert.equal(await page.getByLabel("Points", { exact: true }).inputValue(), "400");
await page.getByLabel("Beside another sampler").check();
await page.getByRole("button", { name: "Paint" }).click();
await room.getByText(/partners are [\d.]+ apart/).waitFor({ timeout: 60_000 });
await status(room).getByText("painted in").waitFor({ timeout: 60_000 });
for (const hidden of ["Repaint a part", "power by frequency"]) assert.ok(!await room.getByText(hidden).first().isVisible(), hidden);
const wandering = room.getByLabel("First: the noisy points x"), there = await image(wandering);
assert.ok(there.length > 20_000, `points, ways and a density take more than ${there.length} letters`);
await page.getByLabel("Step", { exact: true }).focus();
await page.keyboard.press("Home");
assert.notEqual(await image(wandering), there);
await page.getByLabel("Beside another sampler").uncheck();
await page.getByRole("button", { name: "Morph" }).click();
await room.locator("canvas.plane[aria-label^='What lies between']").waitFor({ timeout: 60_000 });
await between.focus();
const start = await image(morphed);
await page.keyboard.press("End");
assert.notEqual(await image(morphed), start);
said("points are painted, compared and joined");

// Schedules and identities.
await page.goto(`${studio.address}#schedule`);
await room.getByText("ᾱ at T").waitFor();
const lost = await room.locator(".facts b").first().textContent();
await page.getByLabel("Family").selectOption("cosine");
await page.waitForFunction((old) => document.querySelector("main > section:not([hidden]) .facts b").textContent !== old, lost);
await page.goto(`${studio.address}#inside`);
await room.getByRole("button", { name: "conv_in" }).click();
await room.getByRole("heading", { name: /^conv_in/ }).waitFor();
await page.keyboard.press("ArrowUp");
await room.getByRole("heading", { name: /^class_embedding/ }).waitFor();
const here = room.getByRole("group", { name: /^Node \d+/ }), end = await here.getAttribute("aria-label");
await tabTo(page, here);
for (const key of ["ArrowLeft", "ArrowUp", "ArrowUp"]) await page.keyboard.press(key);
assert.notEqual(await here.getAttribute("aria-label"), end);
said("a layer is seen at work, and the tape is walked back");
train("patches", "--data", "glyphs", "--preset", "transformer", "--steps", "2", "--batch", "8");
await page.goto(`${studio.address}#inside/patches`);
await room.getByText("where nine places look").waitFor();
assert.ok(new Set(await pixels(room.getByLabel("Where attention looks"))).size > 50, "attention is not the same everywhere");
await page.goto(`${studio.address}#inside/moons`);
await room.getByText("channels all over the plane").waitFor();
assert.ok(!await room.getByLabel("The picture", { exact: true }).isVisible());
said("a transformer's attention is seen, and a layer's channels all over the plane");
await page.goto(`${studio.address}#verify`);
await room.getByText(/all \d+ rows hold/).waitFor({ timeout: 60_000 });
await page.getByLabel("A fault to plant").selectOption("half");
await room.getByText(/rows fail/).waitFor({ timeout: 60_000 });
assert.ok(await room.locator("math").count() > 50);
said("schedules move; every identity holds, and a planted fault is found");

// Several pages, of which one goes away in the middle; a request that is cancelled.
const others = await Promise.all([newPage(browser), newPage(browser)]);
for (const other of others) {
  await other.goto(`${studio.address}#play`);
  await other.getByText("parameters, pictures of").waitFor();
  await other.getByLabel("Steps").fill("200");
  await other.getByLabel("Pictures", { exact: true }).first().fill("9");
  await other.getByRole("button", { name: "Paint" }).click();
}
await others[0].close();
await others[1].getByRole("button", { name: "Cancel" }).click();
await others[1].getByText("cancelled").waitFor();
await others[1].getByLabel("Steps").fill("4");
await others[1].getByRole("button", { name: "Paint" }).click();
await others[1].locator(".said", { hasText: "painted in" }).waitFor({ timeout: 60_000 });
await others[1].close();
said("pages that close or cancel do no harm");

// Two hundred clients for ten seconds, most of whom ask nonsense.
const until = Date.now() + 10_000;
let answered = 0;
const client = async (i) => {
  while (Date.now() < until) {
    const [what, body] = [["shelf", "{}"], ["schedule", '{"schedule":{},"data_variance":1}'], ["paint", "nonsense"], ["model", '{"name":"../x"}']][i % 4];
    const response = await fetch(`${studio.address}ask/${what}`, { method: "POST", headers: { "Content-Type": "application/json" }, body });
    await response.arrayBuffer();
    answered++;
  }
};
await Promise.all([...Array(200)].map((_, i) => client(i)));
assert.ok(answered > 1000, `${answered} answers`);
await page.goto(`${studio.address}#train`);
await page.reload();
await room.getByRole("heading", { name: "glyphs" }).waitFor({ timeout: 10_000 });
said(`200 clients got ${answered} answers in ten seconds`);

// No width and no scheme has anything that does not fit.
for (const colorScheme of ["light", "dark"]) for (const width of [390, 768, 1440]) {
  const view = await newPage(browser, width, colorScheme);
  const rooms = await page.locator("nav.rooms a").evaluateAll((links) => links.map((link) => link.hash.slice(1)));
  for (const name of [...rooms, "play/moons", "inside/patches", "inside/moons"]) {
    await view.goto(`${studio.address}#${name}`);
    await view.waitForTimeout(700);
    if (name.startsWith("play")) {
      await view.getByText(name === "play" ? "parameters, pictures of" : "parameters, points of").waitFor();
      await view.getByRole("button", { name: "Paint" }).click();
      await view.locator(".said", { hasText: "painted in" }).waitFor({ timeout: 60_000 });
    }
    const over = await view.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    assert.ok(over <= 0, `${name} at ${width} is ${over} pixels too wide`);
    if (pictures) await view.screenshot({ path: path.join(pictures, `${name.replace("/", "-")}-${width}-${colorScheme}.png`), fullPage: true });
  }
  await view.close();
}
said("every room fits 390, 768 and 1440 pixels, light and dark");
assert.deepEqual(problems, []);

// The program ends while the page is open: the page says so in words.
assert.equal(await studio.close(), 0);
await page.locator("nav.rooms a", { hasText: "Verify" }).click();
await page.getByText("the program does not answer").waitFor();
await browser.close();
said("done");
