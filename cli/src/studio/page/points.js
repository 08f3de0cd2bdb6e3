// Points of the plane, drawn where they lie.
import { el, short } from "./build.js";
import { bytes } from "./pixels.js";

/** Pixels along a side of a drawing; how many ways it has at most, since more hide each other, and of how many pieces in all. */
const SIDE = 640, WAYS = 100, PIECES = 20_000;

/** The numbers that a text in base64 holds, two a point. */
export const numbers = (text) => new Float32Array(bytes(text).buffer);

/** The root of the mean square distance of points from their partners. */
export function distance(a, b) {
  let squares = 0;
  for (let i = 0; i < a.length; i++) squares += (a[i] - b[i]) ** 2;
  return Math.sqrt(squares / (a.length / 2));
}

const last = new WeakMap();

/**
 * Draws points into a canvas: `square` is what the program says of the plane behind them, `ways` are states `{ points, half }` that the same
 * points had before, `partners` other points, each joined with its own, and `mark` is a point to stand out.
 */
export function scatter(canvas, given) {
  last.set(canvas, given);
  const { square, points, ways = [], partners, mark } = given, style = getComputedStyle(canvas);
  const colour = (name) => style.getPropertyValue(`--${name}`), n = points.length / 2;
  Object.assign(canvas, { width: SIDE, height: SIDE });
  canvas.classList.add("plane");
  canvas.style.width = "";
  const pen = canvas.getContext("2d"), at = (of, i, half) => [(of[2 * i] / half + 1) * SIDE / 2, (1 - of[2 * i + 1] / half) * SIDE / 2];
  if (square.density) ground(pen, bytes(square.density), colour("accent"));

  const line = (from, to) => { pen.moveTo(...from); pen.lineTo(...to); };
  const middle = SIDE / 2;
  pen.strokeStyle = colour("rule");
  pen.lineWidth = 1.5;
  pen.beginPath();
  line([0, middle], [SIDE, middle]);
  line([middle, 0], [middle, SIDE]);
  pen.stroke();
  pen.fillStyle = colour("soft");
  pen.font = "20px system-ui, sans-serif";
  const [low, high] = [-square.half, square.half].map((value) => short(value, 3));
  pen.fillText(low, 6, middle - 8);
  pen.fillText(high, middle + 8, 22);
  pen.fillText(low, middle + 8, SIDE - 8);
  pen.textAlign = "right";
  pen.fillText(high, SIDE - 6, middle - 8);

  const wanderers = Math.min(WAYS, (ways[0]?.points.length ?? 0) / 2), every = Math.ceil(wanderers * ways.length / PIECES);
  const seen = ways.filter((_, i) => i % every === 0 || i === ways.length - 1);
  pen.globalAlpha = 0.4;
  pen.strokeStyle = colour("s4");
  pen.beginPath();
  seen.slice(1).forEach((to, i) => { for (let p = 0; p < wanderers; p++) line(at(seen[i].points, p, seen[i].half), at(to.points, p, to.half)); });
  pen.stroke();
  if (partners) {
    pen.beginPath();
    for (let i = 0; i < n; i++) line(at(points, i, square.half), at(partners, i, square.half));
    pen.stroke();
  }

  const size = Math.max(2.5, Math.min(6, 70 / Math.sqrt(n)));
  const dots = (of, name, radius, which) => {
    pen.fillStyle = colour(name);
    pen.beginPath();
    for (const i of which) { const [x, y] = at(of, i, square.half); pen.moveTo(x + radius, y); pen.arc(x, y, radius, 0, 2 * Math.PI); }
    pen.fill();
  };
  const all = [...Array(n).keys()];
  pen.globalAlpha = 0.8;
  dots(points, "s0", size, all);
  if (partners) dots(partners, "s1", size, all);
  pen.globalAlpha = 1;
  if (mark !== undefined) dots(points, "s1", 2 * size, [mark]);
}

/** Draws a density as a colour, ever less transparent. */
function ground(pen, values, colour) {
  const side = Math.sqrt(values.length), small = el("canvas", { width: side, height: side }), mask = small.getContext("2d"), image = mask.createImageData(side, side);
  values.forEach((value, i) => { image.data[4 * i + 3] = value; });
  mask.putImageData(image, 0, 0);
  mask.globalCompositeOperation = "source-in";
  mask.fillStyle = colour;
  mask.fillRect(0, 0, side, side);
  pen.globalAlpha = 0.35;
  pen.drawImage(small, 0, 0, SIDE, SIDE);
  pen.globalAlpha = 1;
}

// Colours are the reader's, who may change them.
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
  for (const canvas of document.querySelectorAll("canvas.plane")) if (last.has(canvas)) scatter(canvas, last.get(canvas));
});
