// Pictures and points on canvases.

const GAP = 1;

/** Draws pictures `[n, c, h, w]` of numbers from −1, black, to 1, white; in a grid that is about square. */
export function drawPictures(canvas, numbers, [channels, height, width]) {
  const each = channels * height * width;
  const n = numbers.length / each;
  const columns = Math.ceil(Math.sqrt(n));
  const rows = Math.ceil(n / columns);
  canvas.width = columns * (width + GAP) - GAP;
  canvas.height = rows * (height + GAP) - GAP;
  const context = canvas.getContext("2d");
  const image = context.createImageData(width, height);
  const pixels = height * width;
  for (let i = 0; i < n; i++) {
    for (let p = 0; p < pixels; p++) {
      for (let c = 0; c < 3; c++) {
        const plane = channels === 3 ? c : 0;
        image.data[4 * p + c] = Math.round((numbers[i * each + plane * pixels + p] + 1) * 127.5);
      }
      image.data[4 * p + 3] = 255;
    }
    context.putImageData(image, (i % columns) * (width + GAP), Math.floor(i / columns) * (height + GAP));
  }
}

/** The colours of the page as it is now, light or dark. */
export const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

/** A square canvas in the pixels of the screen, its context scaled so that the plane from −`reach` to `reach` fills it. */
export function plane(canvas, reach) {
  const side = Math.round(canvas.clientWidth * (window.devicePixelRatio || 1)) || 320;
  canvas.width = canvas.height = side;
  const context = canvas.getContext("2d");
  const at = (x) => (x / reach + 1) * side / 2;
  return { context, side, x: at, y: (y) => side - at(y) };
}

/** Points (x, y), one after another, each as a dot. */
export function drawPoints({ context, side, x, y }, points, style, size = 0.004) {
  const radius = Math.max(1, size * side);
  context.fillStyle = style;
  for (let i = 0; i + 1 < points.length; i += 2) {
    context.fillRect(x(points[i]) - radius / 2, y(points[i + 1]) - radius / 2, radius, radius);
  }
}
