// Pictures of each room, in light and dark, as wide as a phone, a tablet and a desk.
import { writeFileSync } from "node:fs";
import { join } from "node:path";

const WIDTHS = [390, 768, 1440];

export async function take(page, folder, { open, paint, checkpoint }) {
  const all = async (room) => {
    await page.evaluate(`location.hash = "#${room}"`);
    for (const width of WIDTHS) {
      for (const dark of [false, true]) {
        writeFileSync(join(folder, `${room}-${width}-${dark ? "dark" : "light"}.png`), await page.shot({ width, dark }));
      }
    }
  };
  writeFileSync(join(folder, "empty-1440-light.png"), await page.shot({ width: 1440 }));
  await open(page, checkpoint);
  await paint(page, { steps: 20, n: 4 });
  await all("paint");
  writeFileSync(join(folder, "paint-print.png"), await page.shot({ width: 800, media: "print" }));
  await page.evaluate('location.hash = "#plane"');
  await page.fill("train-steps", 2000);
  await page.click("train");
  await page.until('document.getElementById("plane-facts").dataset.state === "trained"', 240);
  await all("plane");
  await page.evaluate('location.hash = "#bits"');
  await page.click("check");
  await page.until('"state" in document.getElementById("checked").dataset', 120);
  await all("bits");
}
