// Pictures from bytes: one after another, row-major, channels interleaved.

/** The bytes of a text in base64. */
export function bytes(text) {
  const binary = atob(text), out = new Uint8Array(binary.length);
  for (let i = 0; i < binary.length; i++) out[i] = binary.charCodeAt(i);
  return out;
}

/** The text in base64 of bytes. */
export function text(bytes) {
  let binary = "";
  for (let i = 0; i < bytes.length; i += 4096) binary += String.fromCharCode(...bytes.subarray(i, i + 4096));
  return btoa(binary);
}

/** Draws `n` pictures of shape [c, h, w] into a canvas, in rows of about as many as there are rows. */
export function draw(canvas, data, [c, h, w], n = 1) {
  const columns = Math.min(n, Math.ceil(Math.sqrt(n))), rows = Math.ceil(n / columns), gap = n > 1 ? 1 : 0;
  const scale = Math.max(1, Math.min(Math.floor(336 / Math.max(h, w)), Math.floor(640 / (columns * w)) || 1));
  canvas.classList.remove("plane");
  canvas.width = columns * (w + gap) - gap;
  canvas.height = rows * (h + gap) - gap;
  canvas.style.width = `${canvas.width * scale}px`;
  const context = canvas.getContext("2d");
  context.clearRect(0, 0, canvas.width, canvas.height);
  for (let i = 0; i < n; i++) {
    const image = context.createImageData(w, h);
    for (let p = 0; p < h * w; p++) {
      const from = (i * h * w + p) * c;
      for (let k = 0; k < 3; k++) image.data[4 * p + k] = data[from + (c === 3 ? k : 0)];
      image.data[4 * p + 3] = 255;
    }
    context.putImageData(image, (i % columns) * (w + gap), Math.floor(i / columns) * (h + gap));
  }
}

/** The difference of two lists of bytes around middle grey, and the root of its mean square on the scale of [−1, 1]. */
export function difference(a, b) {
  const out = new Uint8Array(a.length);
  let squares = 0;
  for (let i = 0; i < a.length; i++) {
    const d = a[i] - b[i];
    squares += d * d;
    out[i] = Math.max(0, Math.min(255, 128 + d));
  }
  return { bytes: out, rms: Math.sqrt(squares / a.length) / 127.5 };
}

/** The pixels of a picture file as bytes of shape [c, h, w]: its middle, brought to that size. */
export async function fromFile(file, [c, h, w]) {
  const image = await createImageBitmap(file);
  const scale = Math.max(w / image.width, h / image.height);
  const canvas = document.createElement("canvas");
  canvas.width = w;
  canvas.height = h;
  const context = canvas.getContext("2d");
  context.imageSmoothingQuality = "high";
  context.drawImage(image, (w - image.width * scale) / 2, (h - image.height * scale) / 2, image.width * scale, image.height * scale);
  const from = context.getImageData(0, 0, w, h).data, out = new Uint8Array(c * h * w);
  for (let p = 0; p < h * w; p++) {
    const [r, g, b] = from.subarray(4 * p, 4 * p + 3);
    if (c === 1) out[p] = Math.round(0.299 * r + 0.587 * g + 0.114 * b);
    else out.set([r, g, b], 3 * p);
  }
  return out;
}
