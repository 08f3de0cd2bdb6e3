// The page's end of a worker.

export class Cancelled extends Error {}
/** The worker's program has broken, and another worker has taken its place, which knows nothing of what the first one had. */
export class Broken extends Error {}

export class Client {
  #worker = null;
  #waiting = new Map();
  #next = 0;

  #begin() {
    if (this.#worker) return;
    this.#worker = new Worker(new URL("./worker.js", import.meta.url), { type: "module" });
    this.#worker.onmessage = ({ data }) => this.#heard(data);
    this.#worker.onerror = (event) => this.#end(event.message || "the worker could not be started");
  }

  #heard({ id, told, done, error, broken, cancelled }) {
    const task = this.#waiting.get(id);
    if (!task) return;
    if (!done) {
      task.each(told);
      return;
    }
    this.#waiting.delete(id);
    if (broken) {
      task.reject(new Broken(error));
      this.#end(error);
    } else if (error !== undefined) task.reject(new Error(error));
    else if (cancelled) task.reject(new Cancelled());
    else task.resolve(told);
  }

  #end(why) {
    this.#worker?.terminate();
    this.#worker = null;
    for (const { reject } of this.#waiting.values()) reject(new Broken(why));
    this.#waiting.clear();
  }

  /** Does a task; `each` hears of its steps. The promise has what it comes to, and `cancel` to give it up. */
  ask(task, asked, each = () => {}) {
    this.#begin();
    const id = this.#next++;
    const done = new Promise((resolve, reject) => {
      this.#waiting.set(id, { each, resolve, reject });
      this.#worker.postMessage({ id, task, asked });
    });
    done.cancel = () => this.#worker?.postMessage({ cancel: id });
    return done;
  }
}
