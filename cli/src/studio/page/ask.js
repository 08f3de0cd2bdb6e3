// What the program is asked, and what it answers.

/** An answer that is a refusal: what is wrong, where, and what to do. */
export class Refused extends Error {
  constructor({ what, place, remedy }) {
    super(`${what}, ${place}: ${remedy}`);
    Object.assign(this, { what, place, remedy });
  }
}

async function post(what, body, signal) {
  let response;
  try {
    response = await fetch(`/ask/${what}`, {
      method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body), signal,
    });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Refused({ what: "the program does not answer", place: "studio", remedy: "start it again: tweedie studio" });
  }
  if (!response.ok) {
    const told = await response.json().catch(() => null);
    throw new Refused(told?.error ?? { what: `status ${response.status}`, place: "studio", remedy: "load the page again" });
  }
  return response;
}

/** The program's answer to a question. */
export async function ask(what, body = {}, signal) {
  return (await post(what, body, signal)).json();
}

/** Calls `take` with each line of an answer as it comes. */
export async function lines(what, body, take, signal) {
  const response = await post(what, body, signal);
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    let part;
    try {
      part = await reader.read();
    } catch (error) {
      if (error.name === "AbortError") throw error;
      throw new Refused({ what: "the answer broke off", place: "studio", remedy: "see what the terminal says" });
    }
    if (part.done) return;
    const whole = (rest + part.value).split("\n");
    rest = whole.pop();
    for (const text of whole) {
      const line = JSON.parse(text);
      if (line.error) throw new Refused(line.error);
      take(line);
    }
  }
}

/** A task of which only the newest counts: beginning it again ends the one before. */
export function newest() {
  let current = null;
  const run = async (work, failed) => {
    current?.abort();
    const mine = (current = new AbortController());
    try {
      await work(mine.signal);
    } catch (error) {
      if (error.name !== "AbortError") failed(error);
    } finally {
      if (current === mine) current = null;
    }
  };
  return { run, end: () => current?.abort() };
}
