// The way between the rooms of the page. A room is built when it is first entered.
import { el } from "./build.js";
import { ask } from "./ask.js";
import * as train from "./train.js";
import * as play from "./play.js";
import * as schedule from "./schedule.js";
import * as inside from "./inside.js";
import * as verify from "./verify.js";

const ROOMS = { train, play, schedule, inside, verify };
const main = document.getElementById("main"), nav = document.getElementById("rooms");
const built = {};

nav.append(...Object.entries(ROOMS).map(([name, room]) => el("a", { href: `#${name}` }, room.title)));

function enter() {
  const [name, ...parts] = location.hash.slice(1).split("/"), rest = parts.join("/");
  const chosen = Object.hasOwn(ROOMS, name) ? name : "train";
  for (const link of nav.children) {
    if (link.hash === `#${chosen}`) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  if (!built[chosen]) {
    built[chosen] = ROOMS[chosen].build();
    main.append(built[chosen].node);
  }
  for (const [other, room] of Object.entries(built)) {
    const is = other === chosen;
    if (room.node.hidden === is) (is ? room.enter : room.leave)?.();
    room.node.hidden = !is;
  }
  built[chosen].show?.(rest && decodeURIComponent(rest));
  document.title = `${ROOMS[chosen].title} · tweedie studio`;
}

addEventListener("hashchange", enter);
enter();
ask("shelf").then(({ place }) => { document.getElementById("place").textContent = place; }).catch(() => {});
