// The view of a diffusion: noise on its way to samples, and the samples that each step expects.

import { sheet } from "./images.js";
import { normal } from "./latents.js";
import { byId, Condition, element, newest, slider } from "./parts.js";

const IMAGES = 8;
const POINTS = 300;

export class Trajectory {
  constructor(explorer) {
    const { manifest } = explorer;
    this.explorer = explorer;
    this.facts = manifest.views.trajectory;
    this.size = manifest.shape.reduce((product, length) => product * length, 1);
    this.rows = manifest.shape.length === 3 ? IMAGES : POINTS;
    this.states = []; // by step: the time, x there, and the samples expected from it
    this.show = newest(() => this.compute());
    this.condition = new Condition("trajectory-class", explorer, "denoise", () => this.show());
    const counts = Object.keys(this.facts.paths);
    byId("steps").append(...counts.map((count) => element("option", { value: count }, count)));
    byId("steps").value = counts[Math.min(1, counts.length - 1)];
    byId("steps").addEventListener("change", () => this.show());
    this.step = slider("step", () => this.paint());
    byId("other-noise").addEventListener("click", () => this.begin());
    this.begin();
  }

  begin() {
    this.noise = Float32Array.from({ length: this.rows * this.size }, normal);
    this.show();
  }

  // Data on the scale of -1 to 1 that the process mixes with noise, where data have bounds.
  scaled(value) {
    const bounds = this.facts.value_range;
    return bounds ? ((value - bounds[0]) * 2) / (bounds[1] - bounds[0]) - 1 : value;
  }

  unscaled(value) {
    const bounds = this.facts.value_range;
    return bounds ? ((value + 1) * (bounds[1] - bounds[0])) / 2 + bounds[0] : value;
  }

  // Steps without new noise (Song et al. 2021, "Denoising diffusion implicit models"): the noise that explains x beside
  // the expected sample is taken over to the next time.
  async compute() {
    const path = this.facts.paths[byId("steps").value];
    const condition = this.condition.rows(this.rows);
    const states = [];
    let x = this.noise.map((value) => value * path[0].sigma);
    for (let step = 0; step + 1 < path.length; step++) {
      const [here, next] = [path[step], path[step + 1]];
      const time = new Array(this.rows).fill(here.time);
      const expected = (await this.explorer.models.run("denoise", { x, time, condition })).x.values;
      states.push({ time: here.time, x, expected });
      x = x.map((value, place) => {
        const sample = this.scaled(expected[place]);
        return next.alpha * sample + (next.sigma * (value - here.alpha * sample)) / here.sigma;
      });
    }
    states.push({ time: path.at(-1).time, x, expected: x.map((value) => this.unscaled(value)) });
    this.states = states;
    Object.assign(this.step, { max: states.length - 1, value: states.length - 1 });
    this.step.dispatchEvent(new Event("input"));
  }

  paint() {
    const state = this.states[Number(this.step.value)];
    if (!state) return;
    const { shape, range } = this.explorer.manifest;
    sheet(byId("noisy"), state.x.map((value) => this.unscaled(value)), shape, range, IMAGES);
    sheet(byId("expected"), state.expected, shape, range, IMAGES);
    byId("noisy-caption").textContent = `At time ${state.time.toFixed(3)}.`;
  }
}
