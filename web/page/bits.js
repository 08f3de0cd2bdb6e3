// The room in which the browser's own arithmetic is checked.
import { Client } from "./client.js";

const $ = (id) => document.getElementById(id);

export function begin({ multiply_add: how, fused }) {
  $("multiply-add").textContent = how === "relaxed"
    ? "This browser has WebAssembly's relaxed multiply-add, and rounds it once: tried as the page began. The page computes with it."
    : "This browser has no relaxed multiply-add that rounds once. The page computes the same bits of four other operations each, which takes several times as long.";
  $("multiply-add").dataset.fused = fused;
  const client = new Client();
  $("check").addEventListener("click", async () => {
    $("check").disabled = true;
    $("checked").textContent = "computing …";
    $("operations").replaceChildren();
    try {
      const operations = await client.ask("bits");
      const items = operations.map(([name, held]) => {
        const item = document.createElement("li");
        item.textContent = name;
        item.className = held ? "good" : "bad";
        item.setAttribute("aria-label", `${name}: ${held ? "the same bits" : "other bits"}`);
        return item;
      });
      $("operations").replaceChildren(...items);
      const same = operations.filter(([, held]) => held).length;
      $("checked").textContent = same === operations.length
        ? `All ${same} operations have the same bits here as everywhere.`
        : `${operations.length - same} of ${operations.length} operations have other bits here. Please report it with the name of your browser.`;
      $("checked").dataset.state = same === operations.length ? "same" : "other";
    } catch (error) {
      $("checked").textContent = `${error.message}.`;
      $("checked").dataset.state = "failed";
    }
    $("check").disabled = false;
  });
}
