// The view of a posterior: an image, its reconstruction, what its latents may be, and draws of them.

import { colour, draw, sheet } from "./images.js";
import { normal } from "./latents.js";
import { byId, chooser, Condition, newest } from "./parts.js";

const DRAWS = 8;
const REACH = 4;

export class Posterior {
  constructor(explorer) {
    this.explorer = explorer;
    this.x = null;
    this.shown = null; // the posterior and the reconstruction of x
    this.show = newest(() => this.compute());
    this.condition = new Condition("posterior-class", explorer, "encode", () => this.show());
    chooser(byId("posterior"), explorer, (values, label) => this.use(values, label));
    byId("again").addEventListener("click", () => this.show());
    byId("to-latents").addEventListener("click", () => {
      if (!this.shown) return;
      explorer.views.latents.set(this.shown.latents);
      byId("latents").scrollIntoView();
    });
    if (explorer.examples.length) this.use(explorer.examples[0].values, explorer.examples[0].label);
  }

  use(values, label) {
    this.x = values;
    this.condition.choose(label);
    this.show();
  }

  async compute() {
    if (!this.x) return;
    const { models, manifest } = this.explorer;
    const [x, condition] = [this.x, this.condition.rows(1)];
    const { latents, scale: deviations } = await models.run("encode", { x, condition });
    const scale = deviations ?? { values: latents.values.map(() => 0) }; // a flow has one latent for each image
    const size = manifest.latent_size;
    const rows = Float32Array.from({ length: (1 + DRAWS) * size }, (_, place) => {
      const noise = place < size ? 0 : normal(); // the first row is the mean
      return latents.values[place % size] + noise * scale.values[place % size];
    });
    const repeated = this.condition.rows(1 + DRAWS);
    const decoded = (await models.run("decode", { latents: rows, condition: repeated })).x.values;
    document.querySelector("#posterior .result").hidden = false;
    draw(byId("original"), x, manifest.shape, manifest.range);
    draw(byId("reconstruction"), decoded.subarray(0, x.length), manifest.shape, manifest.range);
    byId("draws-figure").hidden = byId("again").hidden = !deviations;
    sheet(byId("posterior-draws"), decoded.subarray(x.length), manifest.shape, manifest.range, DRAWS);
    this.shown = { x, latents: latents.values, scale: scale.values, reconstruction: decoded.subarray(0, x.length) };
    this.paint();
  }

  // Draws what has the page's colours: the means and deviations.
  paint() {
    if (!this.shown) return;
    const { latents: means, scale: scales } = this.shown;
    const canvas = byId("posterior-chart");
    const context = canvas.getContext("2d");
    const [width, height, step] = [canvas.width, canvas.height, canvas.width / means.length];
    const y = (value) => height / 2 - (value / REACH) * (height / 2);
    context.clearRect(0, 0, width, height);
    context.fillStyle = colour("--faint");
    context.fillRect(0, y(0), width, 1);
    means.forEach((mean, place) => {
      const x = (place + 0.5) * step;
      context.fillStyle = colour("--faint");
      context.fillRect(x - 1, y(mean + scales[place]), 2, y(mean - scales[place]) - y(mean + scales[place]));
      context.fillStyle = colour("--link");
      context.fillRect(x - 3, y(mean) - 3, 6, 6);
    });
    const texts = Array.from(means, (mean, place) => {
      return `latent ${place}: ${mean.toFixed(3)} ± ${scales[place].toFixed(3)}`;
    });
    byId("posterior-numbers").textContent = texts.join("\n");
    canvas.setAttribute("aria-label", `Posterior of ${means.length} latents, as numbers below`);
  }
}
