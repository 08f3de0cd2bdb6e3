// A picture on which a mask is drawn, with the pointer or the keys.
import { el } from "./build.js";

/** A canvas that holds a picture and a mask; `changed` is called after each stroke. */
export function painter(changed) {
  const canvas = el("canvas", { tabIndex: 0, "aria-label": "The picture. Arrows move the brush, Space draws, Backspace erases.", role: "application" });
  let shape = null, picture = null, mask = null, brush = 3, at = [0, 0], erasing = false, drawing = false;

  function show() {
    if (!picture) return;
    const [c, h, w] = shape, scale = Math.max(1, Math.floor(336 / Math.max(h, w)));
    canvas.width = w * scale;
    canvas.height = h * scale;
    canvas.style.width = `${w * scale}px`;
    const context = canvas.getContext("2d"), image = context.createImageData(canvas.width, canvas.height);
    for (let y = 0; y < canvas.height; y++) for (let x = 0; x < canvas.width; x++) {
      const p = Math.floor(y / scale) * w + Math.floor(x / scale), to = 4 * (y * canvas.width + x);
      const hatch = mask[p] && (x + y) % 8 < 4;
      for (let k = 0; k < 3; k++) image.data[to + k] = hatch ? [37, 99, 201][k] : mask[p] ? (picture[p * c + (c === 3 ? k : 0)] + [125, 176, 255][k]) / 2 : picture[p * c + (c === 3 ? k : 0)];
      image.data[to + 3] = 255;
    }
    context.putImageData(image, 0, 0);
    context.strokeStyle = "#d97706";
    context.lineWidth = 2;
    const half = brush / 2;
    context.strokeRect((at[0] + 0.5 - half) * scale, (at[1] + 0.5 - half) * scale, brush * scale, brush * scale);
  }

  function stroke(value) {
    const [, h, w] = shape, low = Math.floor((brush - 1) / 2), high = brush - 1 - low;
    for (let y = at[1] - low; y <= at[1] + high; y++) for (let x = at[0] - low; x <= at[0] + high; x++) {
      if (y >= 0 && y < h && x >= 0 && x < w) mask[y * w + x] = value;
    }
    show();
    changed();
  }

  const moveTo = (event) => {
    const box = canvas.getBoundingClientRect();
    at = [Math.floor(((event.clientX - box.left) / box.width) * shape[2]), Math.floor(((event.clientY - box.top) / box.height) * shape[1])];
  };
  canvas.style.touchAction = "none";
  canvas.style.cursor = "crosshair";
  canvas.addEventListener("pointerdown", (event) => {
    if (!picture) return;
    canvas.setPointerCapture(event.pointerId);
    drawing = true;
    erasing = event.button === 2 || event.shiftKey;
    moveTo(event);
    stroke(erasing ? 0 : 1);
  });
  canvas.addEventListener("pointermove", (event) => {
    if (!picture) return;
    moveTo(event);
    if (drawing) stroke(erasing ? 0 : 1);
    else show();
  });
  for (const end of ["pointerup", "pointercancel"]) canvas.addEventListener(end, () => { drawing = false; });
  canvas.addEventListener("contextmenu", (event) => event.preventDefault());
  canvas.addEventListener("keydown", (event) => {
    const by = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (!picture || (!by && ![" ", "Backspace", "Delete"].includes(event.key))) return;
    event.preventDefault();
    if (by) {
      at = [Math.min(shape[2] - 1, Math.max(0, at[0] + by[0])), Math.min(shape[1] - 1, Math.max(0, at[1] + by[1]))];
      if (event.shiftKey) stroke(1);
      else show();
    } else stroke(event.key === " " ? 1 : 0);
  });

  return {
    canvas,
    /** Takes a picture of this shape; the mask stays where the last picture had the same shape. */
    take(bytes, of) {
      [picture, shape] = [bytes, of];
      if (!mask || mask.length !== of[1] * of[2]) mask = new Uint8Array(of[1] * of[2]);
      at = [Math.floor(of[2] / 2), Math.floor(of[1] / 2)];
      show();
    },
    clear() { mask?.fill(0); show(); changed(); },
    size(of) { brush = of; show(); },
    get picture() { return picture; },
    get mask() { return mask; },
    get shape() { return shape; },
    get any() { return !!mask?.some((m) => m); },
  };
}
