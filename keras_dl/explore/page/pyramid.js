// The view of a pyramid of generators: samples level by level, whose noise may be drawn anew from one level on, and
// images that are made coarse and refined again.

import { draw, sheet } from "./images.js";
import { byId, chooser, Condition, element, newest } from "./parts.js";

const IMAGES = 8;

export class Pyramid {
  constructor(explorer) {
    this.explorer = explorer;
    this.levels = explorer.manifest.views.pyramid.levels; // the shape of images of each, and its numbers of noise
    this.draws = this.levels.map(() => 0); // how often the noise of each level was drawn anew
    this.again = 0; // how often that of refined images was
    this.shown = this.refined = null;
    this.show = newest(() => this.compute());
    this.showRefined = newest(() => this.refine());
    this.condition = new Condition("pyramid-class", explorer, "levels", () => {
      this.show();
      this.showRefined();
    });
    byId("pyramid-seed").addEventListener("input", () => {
      this.show();
      this.showRefined();
    });
    this.canvases = this.levels.map((level, number) => this.addLevel(level, number));
    chooser(byId("pyramid"), explorer, (values, label) => this.use(values, label));
    byId("refine-again").addEventListener("click", () => {
      this.again++;
      this.showRefined();
    });
    this.show();
    if (explorer.examples.length) this.use(explorer.examples[0].values, explorer.examples[0].label);
  }

  addLevel({ shape }, number) {
    const size = `${shape[0]} x ${shape[1]}`;
    const canvas = element("canvas", { className: "pixels" });
    canvas.setAttribute("role", "img");
    canvas.setAttribute("aria-label", `Samples at the level of ${size} pixels`);
    const button = element("button", {}, "Other noise");
    button.setAttribute("aria-label", `Other noise at the level of ${size} pixels`);
    button.addEventListener("click", () => {
      this.draws[number]++;
      this.show();
    });
    const caption = element("figcaption", {}, `${size} pixels. `, button);
    byId("pyramid-levels").append(element("figure", { className: "wide" }, canvas, caption));
    return canvas;
  }

  // The noise of some levels side by side, a row for each image: the same for the same seed and numbers of draws.
  noise(from, draws) {
    const seed = Number(byId("pyramid-seed").value) || 0;
    const size = this.levels.slice(from).reduce((sum, level) => sum + level.noise, 0);
    const rows = new Float32Array(IMAGES * size);
    let start = 0;
    this.levels.slice(from).forEach(({ noise }, place) => {
      const uniform = numbers(seed, from + place, draws[from + place]);
      for (let row = 0; row < IMAGES; row++) {
        for (let number = 0; number < noise; number++) rows[row * size + start + number] = 2 * uniform() - 1;
      }
      start += noise;
    });
    return rows;
  }

  async compute() {
    const latents = this.noise(0, this.draws);
    const outputs = await this.explorer.models.run("levels", { latents, condition: this.condition.rows(IMAGES) });
    const levels = this.levels.map((_, number) => outputs[`level_${number}`].values);
    levels.forEach((values, number) => this.sheet(this.canvases[number], values, number));
    this.shown = { latents, levels };
  }

  use(values, label) {
    this.x = values;
    this.condition.choose(label);
    if (label !== null) this.show();
    this.showRefined();
  }

  async refine() {
    if (!this.x) return;
    const { models, manifest } = this.explorer;
    const coarse = (await models.run("coarsen", { x: this.x })).coarse.values;
    const x = new Float32Array(IMAGES * coarse.length);
    for (let row = 0; row < IMAGES; row++) x.set(coarse, row * coarse.length);
    const latents = this.noise(1, this.levels.map(() => this.again));
    const outputs = await models.run("refine_levels", { x, latents, condition: this.condition.rows(IMAGES) });
    const finest = outputs[`level_${this.levels.length - 1}`].values;
    document.querySelector("#pyramid .result").hidden = false;
    draw(byId("pyramid-original"), this.x, manifest.shape, manifest.range);
    draw(byId("pyramid-coarse"), coarse, this.levels[0].shape, manifest.range);
    this.sheet(byId("refined"), finest, this.levels.length - 1);
    this.refined = { x: this.x, coarse, latents, finest };
  }

  // Images of a level, each pixel as many as it takes to have the size of the finest.
  sheet(canvas, values, number) {
    const { shape } = this.levels[number];
    const times = this.levels.at(-1).shape[0] / shape[0];
    sheet(canvas, enlarged(values, shape, times), [shape[0] * times, shape[1] * times, shape[2]],
          this.explorer.manifest.range, IMAGES);
  }

  paint() {} // nothing of it has the page's colours
}

function enlarged(values, [height, width, channels], times) {
  if (times === 1) return values;
  const result = new Float32Array(values.length * times * times);
  for (let place = 0; place < result.length; place++) {
    const channel = place % channels;
    const column = Math.floor(place / channels) % (width * times);
    const row = Math.floor(place / (channels * width * times)); // of all images, one below the other
    result[place] = values[(Math.floor(row / times) * width + Math.floor(column / times)) * channels + channel];
  }
  return result;
}

// A function that gives the next of numbers between 0 and 1, which some whole numbers decide (mulberry32).
export function numbers(...seeds) {
  let state = seeds.reduce((hash, seed) => Math.imul(hash ^ seed, 0x9e3779b1) + 0x7f4a7c15, 0x2545f491) | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
