// A line over steps, as a drawing of vectors.

const NAMESPACE = "http://www.w3.org/2000/svg";
const [WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM] = [720, 170, 44, 8, 8, 22];

function element(name, attributes, text = "") {
  const made = document.createElementNS(NAMESPACE, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.textContent = text;
  return made;
}

/** 1, 2 or 5 times a power of ten: about a quarter of `most`. */
function nice(most) {
  const rough = most / 4;
  const power = 10 ** Math.floor(Math.log10(rough));
  return [1, 2, 5, 10].find((digit) => digit * power >= rough) * power;
}

/** Draws `values`, one every `each` steps from step `each` on, up to `last` steps at least. */
export function drawLine(svg, values, each, last) {
  const steps = Math.max(last, values.length * each, 1);
  const most = Math.max(...values, 1e-3) * 1.05;
  const x = (step) => LEFT + (WIDTH - LEFT - RIGHT) * step / steps;
  const y = (value) => TOP + (HEIGHT - TOP - BOTTOM) * (1 - value / most);
  const parts = [];
  const rung = nice(most);
  for (let value = 0; value <= most; value += rung) {
    parts.push(element("line", { class: "rule", x1: LEFT, x2: WIDTH - RIGHT, y1: y(value), y2: y(value) }));
    parts.push(element("text", { x: LEFT - 6, y: y(value) + 4, "text-anchor": "end" }, String(Number(value.toPrecision(6)))));
  }
  const stride = nice(steps);
  for (let step = 0; step <= steps; step += stride) {
    const anchor = step === 0 ? "start" : step + stride / 2 > steps ? "end" : "middle";
    parts.push(element("text", { x: x(step), y: HEIGHT - 6, "text-anchor": anchor }, String(step)));
  }
  const line = values.map((value, i) => `${x((i + 1) * each).toFixed(1)},${y(value).toFixed(1)}`).join(" ");
  parts.push(element("polyline", { class: "c0", points: line }));
  svg.replaceChildren(...parts);
}
