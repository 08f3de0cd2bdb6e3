// The page: its rooms, of which one is seen at a time, and what it computes with.
import { begin as beginPainter } from "./painter.js";
import { begin as beginPlane } from "./plane.js";
import { begin as beginBits } from "./bits.js";

const rooms = ["paint", "plane", "bits"];

function enter() {
  const asked = location.hash.slice(1);
  const room = rooms.includes(asked) ? asked : rooms[0];
  for (const id of rooms) document.getElementById(id).hidden = id !== room;
  for (const link of document.querySelectorAll("nav.rooms a")) {
    if (link.hash === `#${room}`) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  document.dispatchEvent(new CustomEvent("room", { detail: room }));
}

addEventListener("hashchange", enter);
enter();

try {
  beginBits(await beginPainter());
  await beginPlane();
  document.documentElement.dataset.state = "ready";
} catch (error) {
  const failed = document.getElementById("failed");
  failed.textContent = `The page could not begin to compute: ${error.message}. It needs WebAssembly with registers of 128 bits, and is served by http, not opened as a file.`;
  failed.hidden = false;
  document.documentElement.dataset.state = "failed";
}
