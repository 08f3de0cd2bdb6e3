// Elements, built from values; text never becomes markup.

/** An element with properties, listeners (`onclick`) and children. */
export function el(tag, given = {}, ...children) {
  const node = document.createElement(tag);
  for (const [key, value] of Object.entries(given)) {
    if (value === undefined || value === null || value === false) continue;
    if (key.startsWith("on")) node.addEventListener(key.slice(2), value);
    else if (key === "class") node.className = value;
    else if (key in node && !key.startsWith("aria") && key !== "list" && key !== "form") node[key] = value;
    else node.setAttribute(key, value === true ? "" : value);
  }
  node.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

let numbered = 0;

/** A labelled control; a range shows its value. */
export function field(text, control, note) {
  control.id ||= `field-${++numbered}`;
  const head = el("span", { class: "head" }, el("label", { htmlFor: control.id }, text));
  if (control.type === "range") {
    const shown = el("output", { htmlFor: control.id });
    control.show = () => { shown.textContent = control.shown ? control.shown(control.value) : control.value; };
    control.addEventListener("input", control.show);
    control.show();
    head.append(shown);
  }
  if (note) control.setAttribute("aria-describedby", `${control.id}-note`);
  return el("div", { class: "field" }, head, control, note && el("small", { id: `${control.id}-note` }, note));
}

/** A control that is on or off. */
export function check(text, control) {
  control.id ||= `field-${++numbered}`;
  return el("label", { class: "check", htmlFor: control.id }, control, el("span", {}, text));
}

/** A list to choose from: `[value, text]` or just values. */
export function choice(options, value, onchange) {
  const node = el("select", { onchange });
  fill(node, options, value);
  return node;
}

/** Replaces what a list offers; keeps what is chosen where it is still there. */
export function fill(node, options, value = node.value) {
  node.replaceChildren(...options.map((option) => {
    const [of, text, title] = Array.isArray(option) ? option : [option, option];
    return el("option", { value: of, title }, text);
  }));
  if (options.some((option) => (Array.isArray(option) ? option[0] : option) === value)) node.value = value;
}

/** Where something is said to the reader, aloud too. */
export function speaker() {
  const node = el("p", { class: "said", role: "status", "aria-live": "polite" });
  return {
    node,
    say: (text = "") => { node.className = "said"; node.textContent = text; },
    fail: (error) => {
      node.className = "said bad";
      node.textContent = error.remedy ? `${error.what}, ${error.place}: ${error.remedy}` : String(error.message ?? error);
      if (!error.remedy) console.error(error);
    },
  };
}

/** A row of figures, each a number above what it is. */
export function facts(pairs) {
  return el("div", { class: "facts" }, pairs.map(([number, what]) => el("div", {}, el("b", {}, number), el("span", {}, what))));
}

/** A number as people read it. */
export function short(x, digits = 4) {
  if (x === null || x === undefined || Number.isNaN(x)) return "–";
  if (!Number.isFinite(x)) return x > 0 ? "∞" : "−∞";
  const size = Math.abs(x);
  const text = size !== 0 && (size < 1e-3 || size >= 1e6) ? x.toExponential(Math.max(0, digits - 1)) : String(Number(x.toPrecision(digits)));
  return text.replace("-", "−");
}

/** A whole number with its thousands set apart. */
export const grouped = (x) => Math.round(x).toString().replace(/\B(?=(\d{3})+$)/g, ",");

/** A time as people say it. */
export function time(seconds) {
  const s = Math.round(seconds);
  if (s < 60) return `${s} s`;
  if (s < 3600) return `${Math.floor(s / 60)} min ${s % 60} s`;
  return `${Math.floor(s / 3600)} h ${Math.floor((s % 3600) / 60)} min`;
}

/** Lets `work` run once a frame at most, however often it is asked for. */
export function onceAFrame(work) {
  let asked = false;
  return () => {
    if (asked) return;
    asked = true;
    requestAnimationFrame(() => { asked = false; work(); });
  };
}
