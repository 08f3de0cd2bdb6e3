// What the worker does: each task yields what the page is to hear on the way, and returns what it comes to.

// A module addresses four gigabytes; a checkpoint is there beside the weights that are read from it.
const LARGEST = 2 ** 30;

let painter = null;
let plane = null;

export const tasks = {
  async *kernels(tweedie) {
    return { kernels: JSON.parse(tweedie.kernels()), samplers: JSON.parse(tweedie.samplers()) };
  },

  async *bits(tweedie) {
    return JSON.parse(tweedie.bits());
  },

  async *open(tweedie, { file, ema }) {
    if (file.size > LARGEST) {
      const size = (file.size / 2 ** 30).toFixed(1);
      throw new Error(`${file.name} has ${size} GiB, and a page has room for 1: paint with the program`);
    }
    let bytes;
    try {
      bytes = new Uint8Array(await file.arrayBuffer());
    } catch {
      throw new Error(`${file.name} cannot be read: it is a folder, or was changed or removed`);
    }
    // What was open stays if this is no model.
    const opened = new tweedie.Painter(file.name, bytes, ema);
    painter?.free();
    painter = opened;
    return JSON.parse(painter.about());
  },

  async *paint(tweedie, asked) {
    if (!painter) throw new Error("no model is open");
    const began = performance.now();
    const steps = painter.begin(JSON.stringify(asked));
    try {
      for (let step = 1; step <= steps; step++) {
        const { t, signal, noise, x, x0 } = painter.step();
        yield { step, steps, t, signal, noise, x, x0 };
      }
      const seconds = (performance.now() - began) / 1000;
      return { seconds, digest: painter.finish() };
    } finally {
      painter.cancel();
    }
  },

  async *distributions(tweedie) {
    return JSON.parse(tweedie.distributions());
  },

  /** A new run in the plane. */
  async *plane(tweedie, { distribution, seed, points }) {
    plane?.free();
    plane = new tweedie.Plane(distribution, BigInt(seed));
    return { ...JSON.parse(plane.about()), data: plane.data(points) };
  },

  /** Steps of that run, until so many are taken. */
  async *train(tweedie, { steps }) {
    while (plane.steps() < steps) {
      const [began, losses] = [performance.now(), []];
      while (plane.steps() < steps && performance.now() - began < 60) losses.push(plane.step());
      yield { steps: plane.steps(), losses, seconds: (performance.now() - began) / 1000 };
    }
    return { digest: plane.digest() };
  },

  async *ways(tweedie, asked) {
    const taken = plane.ways(JSON.stringify(asked));
    return { points: taken.points, distance: taken.distance };
  },

  async *field(tweedie, { t, reach, side, points }) {
    const { arrows, noised, noise } = plane.field(t, reach, side, points);
    return { arrows, noised, noise };
  },
};
