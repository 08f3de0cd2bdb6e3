// Line charts, drawn as SVG; the pointer or the arrow keys read their values.
import { el, short } from "./build.js";

const SVG = "http://www.w3.org/2000/svg";
const LEFT = 56, RIGHT = 12, TOP = 10, BOTTOM = 32;

function svg(tag, attributes = {}, text) {
  const node = document.createElementNS(SVG, tag);
  for (const [key, value] of Object.entries(attributes)) node.setAttribute(key, value);
  if (text !== undefined) node.textContent = text;
  return node;
}

/** Round places between two values. */
function ticks(low, high, count) {
  const raw = (high - low) / count, unit = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 2.5, 5, 10].map((m) => m * unit).find((s) => s >= raw * 0.999);
  const out = [];
  for (let i = Math.ceil(low / step - 1e-9); i * step <= high + step * 1e-9; i++) out.push(i * step);
  return out;
}

function axis(values, log) {
  let low = Infinity, high = -Infinity;
  for (const v of values) {
    if (!Number.isFinite(v) || (log && v <= 0)) continue;
    if (v < low) low = v;
    if (v > high) high = v;
  }
  if (low > high) return null;
  const to = log ? Math.log10 : (v) => v;
  let [a, b] = [to(low), to(high)];
  if (b - a < 1e-12 * Math.max(1, Math.abs(a))) [a, b] = [a - (Math.abs(a) || 1) * 0.05, b + (Math.abs(b) || 1) * 0.05];
  const place = (v) => (log && v <= 0 ? NaN : (to(v) - a) / (b - a));
  let marks = log ? [] : ticks(a, b, 5);
  if (log) {
    const every = Math.max(1, Math.ceil((b - a) / 5));
    for (let e = Math.ceil(a - 1e-9); e <= b + 1e-9; e += every) marks.push(10 ** e);
    if (marks.length < 2) marks = ticks(low, high, 4).filter((v) => v > 0);
  }
  return { place, marks };
}

/**
 * A chart in a figure, wide or about as high as wide. `draw` takes `{ series: [{ name, x, y, faint }], mark }`, where `mark` is a value of x to point at.
 */
export function chart({ title, across, log = false, logAcross = false, narrow = false }) {
  const WIDTH = narrow ? 340 : 520, HEIGHT = narrow ? 280 : 230;
  const caption = el("figcaption", {}, el("span", {}, title));
  const picture = svg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, class: "chart", role: "group", tabindex: "0", "aria-label": title });
  const reading = el("span", { class: "hint", "aria-live": "polite" });
  const node = el("figure", {}, caption, picture, reading);
  let shown = null, at = null;

  function draw(given) {
    shown = { series: given.series.filter((s) => s.x.length), mark: given.mark };
    picture.replaceChildren();
    const keys = given.series.filter((s) => s.name);
    caption.replaceChildren(el("span", {}, title), ...(keys.length > 1 ? keys.map((s) => el("span", { class: `key c${s.colour ?? given.series.indexOf(s)}` }, s.name)) : []));
    const xs = axis(shown.series.flatMap((s) => s.x), logAcross), ys = axis(shown.series.flatMap((s) => s.y), log);
    if (!xs || !ys) {
      picture.append(svg("text", { x: WIDTH / 2, y: HEIGHT / 2, "text-anchor": "middle" }, "nothing measured yet"));
      shown = null;
      return;
    }
    const X = (v) => LEFT + xs.place(v) * (WIDTH - LEFT - RIGHT), Y = (v) => HEIGHT - BOTTOM - ys.place(v) * (HEIGHT - TOP - BOTTOM);
    Object.assign(shown, { X, Y });
    for (const v of ys.marks) {
      const y = Y(v);
      picture.append(svg("line", { class: "rule", x1: LEFT, x2: WIDTH - RIGHT, y1: y, y2: y }), svg("text", { x: LEFT - 6, y: y + 4, "text-anchor": "end" }, short(v, 3)));
    }
    for (const v of xs.marks) picture.append(svg("text", { x: X(v), y: HEIGHT - BOTTOM + 16, "text-anchor": X(v) > WIDTH - RIGHT - 14 ? "end" : "middle" }, short(v, 4)));
    picture.append(svg("text", { x: (LEFT + WIDTH - RIGHT) / 2, y: HEIGHT - 3, "text-anchor": "middle" }, across));
    shown.series.forEach((s) => {
      let path = "", pen = false;
      s.x.forEach((x, i) => {
        const [px, py] = [X(x), Y(s.y[i])];
        const there = Number.isFinite(px) && Number.isFinite(py);
        if (there) path += `${pen ? "L" : "M"}${px.toFixed(1)} ${py.toFixed(1)}`;
        pen = there;
      });
      picture.append(svg("path", { d: path, class: `c${s.colour ?? given.series.indexOf(s)}${s.faint ? " faint" : ""}` }));
    });
    shown.line = svg("line", { class: "reading", y1: TOP, y2: HEIGHT - BOTTOM, visibility: "hidden" });
    picture.append(shown.line);
    if (given.mark !== undefined && given.mark !== null) point(given.mark);
    else reading.textContent = "";
  }

  /** Shows the values at the place next to `x`. */
  function point(x) {
    if (!shown?.line) return;
    at = x;
    const place = shown.X(x);
    if (!Number.isFinite(place)) return;
    shown.line.setAttribute("x1", place);
    shown.line.setAttribute("x2", place);
    shown.line.setAttribute("visibility", "visible");
    const values = shown.series.filter((s) => s.name && !s.faint).map((s) => {
      const i = nearest(s.x, x);
      return `${s.name} ${short(s.y[i])}`;
    });
    reading.textContent = `${across} ${short(x, 5)}: ${values.join(" · ")}`;
  }

  function nearest(xs, x) {
    let best = 0;
    xs.forEach((v, i) => { if (Math.abs(v - x) < Math.abs(xs[best] - x)) best = i; });
    return best;
  }

  const longest = () => shown?.series.reduce((a, b) => (b.x.length > a.x.length ? b : a));
  picture.addEventListener("pointermove", (event) => {
    const of = longest();
    if (!of) return;
    const box = picture.getBoundingClientRect(), px = ((event.clientX - box.left) / box.width) * WIDTH;
    let best = 0;
    of.x.forEach((v, i) => { if (Math.abs(shown.X(v) - px) < Math.abs(shown.X(of.x[best]) - px)) best = i; });
    point(of.x[best]);
  });
  picture.addEventListener("keydown", (event) => {
    const of = longest(), by = { ArrowLeft: -1, ArrowRight: 1, PageUp: -10, PageDown: 10, Home: -Infinity, End: Infinity }[event.key];
    if (!of || by === undefined) return;
    event.preventDefault();
    const i = Math.min(of.x.length - 1, Math.max(0, nearest(of.x, at ?? of.x[0]) + by));
    point(of.x[i]);
  });
  return { node, draw, point };
}

/** The values smoothed by an exponential average whose memory is a fortieth of them. */
export function smooth(values) {
  const keep = 1 - 1 / Math.max(1, values.length / 40);
  let mean = 0, weight = 0;
  return values.map((v) => {
    if (!Number.isFinite(v)) return weight ? mean / weight : NaN;
    mean = keep * mean + (1 - keep || 1) * v;
    weight = keep * weight + (1 - keep || 1);
    return mean / weight;
  });
}
