// A headless Chromium, driven over a pair of pipes by the DevTools protocol: nothing but node is needed, and no port is open.
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
  "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage", "--remote-debugging-pipe"];

export class Browser {
  #child; #profile; #next = 1; #waiting = new Map(); #heard = "";
  /** What listens to events: `(method, params, sessionId)`. */
  listeners = [];

  constructor(more = []) {
    this.#profile = mkdtempSync(join(tmpdir(), "chromium-"));
    const flags = [...FLAGS, `--user-data-dir=${this.#profile}`, ...more];
    this.#child = spawn(process.env.CHROMIUM ?? "chromium", flags, { stdio: ["ignore", "ignore", "ignore", "pipe", "pipe"] });
    this.#child.stdio[4].setEncoding("utf8").on("data", (text) => {
      const messages = (this.#heard + text).split("\0");
      this.#heard = messages.pop();
      for (const message of messages) this.#hear(JSON.parse(message));
    });
    this.#child.on("exit", () => {
      for (const { reject } of this.#waiting.values()) reject(new Error("chromium has ended"));
    });
  }

  #hear({ id, result, error, method, params, sessionId }) {
    if (id === undefined) return this.listeners.forEach((listener) => listener(method, params, sessionId));
    const { resolve, reject } = this.#waiting.get(id);
    this.#waiting.delete(id);
    if (error) reject(new Error(error.message));
    else resolve(result);
  }

  send(method, params = {}, sessionId = undefined) {
    const id = this.#next++;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      this.#child.stdio[3].write(`${JSON.stringify({ id, method, params, sessionId })}\0`);
    });
  }

  async close() {
    await this.send("Browser.close").catch(() => {});
    if (this.#child.exitCode === null) await new Promise((resolve) => this.#child.on("exit", resolve));
    rmSync(this.#profile, { recursive: true, force: true, maxRetries: 5 });
  }
}

const KEYS = { Tab: 9, Enter: 13, Escape: 27, " ": 32, ArrowLeft: 37, ArrowRight: 39, ArrowDown: 40, Home: 36, End: 35 };

/** A page, and all that it complains of. */
export class Page {
  /** Errors of the page and of its workers, and requests that leave `origin`. */
  complaints = [];
  #browser; #session; #files = null;

  static async open(browser, url) {
    const page = new Page();
    page.#browser = browser;
    const { targetId } = await browser.send("Target.createTarget", { url: "about:blank" });
    const { sessionId } = await browser.send("Target.attachToTarget", { targetId, flatten: true });
    page.#session = sessionId;
    const { origin } = new URL(url);
    browser.listeners.push((method, params, session) => page.#hear(method, params, session, origin));
    await page.#watch(sessionId);
    await page.send("Page.enable");
    await page.send("Network.enable");
    await page.send("Page.navigate", { url });
    return page;
  }

  async #watch(session) {
    for (const domain of ["Runtime", "Log"]) await this.#browser.send(`${domain}.enable`, {}, session).catch(() => {});
    await this.#browser.send("Target.setAutoAttach", { autoAttach: true, waitForDebuggerOnStart: false, flatten: true }, session);
  }

  #hear(method, params, session, origin) {
    const complain = (text) => this.complaints.push(text);
    if (method === "Target.attachedToTarget") this.#watch(params.sessionId).catch(() => {});
    else if (method === "Runtime.exceptionThrown") complain(params.exceptionDetails.exception?.description ?? params.exceptionDetails.text);
    else if (method === "Runtime.consoleAPICalled" && params.type === "error") complain(params.args.map((arg) => arg.value ?? arg.description).join(" "));
    else if (method === "Log.entryAdded" && params.entry.level === "error") complain(params.entry.text);
    else if (method === "Network.requestWillBeSent" && session === this.#session) {
      const { url } = params.request;
      if (!url.startsWith(`${origin}/`) && !/^(data|blob|about):/.test(url)) complain(`a request to ${url}`);
    } else if (method === "Page.fileChooserOpened" && session === this.#session) {
      this.send("DOM.setFileInputFiles", { files: this.#files, backendNodeId: params.backendNodeId });
    }
  }

  send(method, params) {
    return this.#browser.send(method, params, this.#session);
  }

  async evaluate(expression) {
    const { result, exceptionDetails } = await this.send("Runtime.evaluate", { expression, awaitPromise: true, returnByValue: true, userGesture: true });
    if (exceptionDetails) throw new Error(exceptionDetails.exception?.description ?? exceptionDetails.text);
    return result.value;
  }

  text(id) {
    return this.evaluate(`document.getElementById("${id}").textContent`);
  }

  /** Waits until an expression is true. */
  async until(expression, seconds = 60) {
    const end = Date.now() + 1000 * seconds;
    while (!await this.evaluate(`Boolean(${expression})`)) {
      if (Date.now() > end) throw new Error(`not within ${seconds} s: ${expression}\n${this.complaints.join("\n")}`);
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
  }

  /** Puts a value into a control, as a visitor does. */
  fill(id, value) {
    return this.evaluate(`{ const e = document.getElementById("${id}"); e.value = ${JSON.stringify(String(value))};
      e.dispatchEvent(new Event("input", { bubbles: true })); e.dispatchEvent(new Event("change", { bubbles: true })); }`);
  }

  click(id) {
    return this.evaluate(`document.getElementById("${id}").click()`);
  }

  async choose(id, file) {
    const { root } = await this.send("DOM.getDocument");
    const { nodeId } = await this.send("DOM.querySelector", { nodeId: root.nodeId, selector: `#${id}` });
    await this.send("DOM.setFileInputFiles", { nodeId, files: [file] });
  }

  /** From now on, a chooser that the page opens returns this file. */
  async answerChoosers(file) {
    this.#files = [file];
    await this.send("Page.setInterceptFileChooserDialog", { enabled: true });
  }

  async press(key, modifiers = 0) {
    const code = KEYS[key] ?? key.toUpperCase().charCodeAt(0);
    const about = { key, code: key === " " ? "Space" : key, windowsVirtualKeyCode: code, modifiers };
    const text = key === "Enter" ? "\r" : key.length === 1 ? key : undefined;
    await this.send("Input.dispatchKeyEvent", { type: text ? "keyDown" : "rawKeyDown", text, ...about });
    await this.send("Input.dispatchKeyEvent", { type: "keyUp", ...about });
  }

  /** Tabs on to the control with this id, forwards. */
  async tabTo(id, most = 60) {
    for (let i = 0; i < most; i++) {
      await this.press("Tab");
      if (await this.evaluate("document.activeElement.id") === id) return;
    }
    throw new Error(`the tab key does not reach #${id}`);
  }

  async shot({ width, height = 900, dark = false, media = "" }) {
    await this.send("Emulation.setEmulatedMedia", { media, features: [{ name: "prefers-color-scheme", value: dark ? "dark" : "light" }] });
    await this.send("Emulation.setDeviceMetricsOverride", { width, height, deviceScaleFactor: 1, mobile: width < 600 });
    await new Promise((resolve) => setTimeout(resolve, 300));
    const { data } = await this.send("Page.captureScreenshot", { captureBeyondViewport: true });
    return Buffer.from(data, "base64");
  }
}
