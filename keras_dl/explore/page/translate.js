// The view of translation: an image, and what the model makes of it, in the same size or enlarged.

import { draw } from "./images.js";
import { byId, chooser, element, newest } from "./parts.js";

export class Translate {
  constructor(explorer) {
    const { ways } = explorer.manifest.views.translate;
    this.explorer = explorer;
    this.x = null;
    this.shown = null; // the image and its translation
    this.show = newest(() => this.compute());
    const way = byId("way");
    Object.entries(ways).forEach(([title, value]) => way.append(element("option", { value }, title)));
    way.parentElement.hidden = way.options.length < 2;
    way.addEventListener("change", () => this.show());
    chooser(byId("translate"), explorer, (values) => this.use(values));
    if (explorer.examples.length) this.use(explorer.examples[0].values);
  }

  use(values) {
    this.x = values;
    this.show();
  }

  async compute() {
    if (!this.x) return;
    const { models, manifest } = this.explorer;
    const x = this.x;
    const outputs = await models.run(byId("way").value, { x: { values: x, shape: [1, ...manifest.shape] } });
    const [{ values, shape }] = Object.values(outputs);
    document.querySelector("#translate .result").hidden = false;
    draw(byId("source"), x, manifest.shape, manifest.range);
    draw(byId("translated"), values, shape.slice(1), manifest.range);
    byId("translated-caption").textContent = `What the model makes of it: ${shape[2]} x ${shape[1]} pixels.`;
    this.shown = { x, values, shape };
  }

  paint() {} // nothing has the page's colours
}
