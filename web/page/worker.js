// All that is computed is computed here, away from the page: it asks for tasks, hears of them step by step, and may cancel them.
import { load } from "./module.js";
import { tasks } from "./tasks.js";

const module = load();
const cancelled = new Set();

// A turn of the event loop, in which a cancellation comes in.
const turn = () => new Promise((resolve) => {
  const { port1, port2 } = new MessageChannel();
  port1.onmessage = () => { port1.close(); resolve(); };
  port2.postMessage(0);
});

onmessage = async ({ data }) => {
  if ("cancel" in data) {
    cancelled.add(data.cancel);
    return;
  }
  const { id, task, asked } = data;
  let steps;
  try {
    steps = tasks[task](await module, asked);
    for (;;) {
      const { value, done } = await steps.next();
      if (done) {
        postMessage({ id, done: true, told: value });
        break;
      }
      postMessage({ id, told: value }, buffers(value));
      await turn();
      if (cancelled.delete(id)) {
        postMessage({ id, done: true, cancelled: true, told: (await steps.return()).value });
        break;
      }
    }
  } catch (error) {
    // After a trap, the memory of the module is not to be trusted.
    const broken = error instanceof WebAssembly.RuntimeError;
    postMessage({ id, done: true, broken, error: error?.message ?? String(error) });
  }
};

const buffers = (told) => Object.values(told ?? {}).filter(ArrayBuffer.isView).map((view) => view.buffer);
