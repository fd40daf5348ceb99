// The view of the way from noise to data: of a diffusion, whose steps expect samples, of a continuous flow, whose
// samples follow a velocity, and of a normalizing flow, whose bijectors are its steps.

import { sheet } from "./images.js";
import { normal } from "./latents.js";
import { byId, Condition, element, newest, slider } from "./parts.js";

const IMAGES = 8;
const POINTS = 300;
const REACH = 3; // standard deviations between black and white of states that are no data yet

export class Trajectory {
  constructor(explorer) {
    const { manifest, models } = explorer;
    this.explorer = explorer;
    this.facts = manifest.views.trajectory;
    this.signature = models.first("decode_steps", "velocity", "denoise");
    this.size = manifest.shape.reduce((product, length) => product * length, 1);
    this.rows = manifest.shape.length === 3 ? IMAGES : POINTS;
    this.states = []; // by step: the time, x there, and of a diffusion the samples expected from it
    this.show = newest(() => this.compute());
    this.condition = new Condition("trajectory-class", explorer, this.signature, () => this.show());
    const counts = Object.keys(this.facts.paths);
    byId("steps").append(...counts.map((count) => element("option", { value: count }, count)));
    byId("steps").value = counts[Math.min(1, counts.length - 1)];
    byId("steps").addEventListener("change", () => this.show());
    byId("steps").parentElement.hidden = counts.length === 0;
    byId("expected-figure").hidden = this.signature !== "denoise";
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

  async compute() {
    const ways = { decode_steps: () => this.through(), velocity: () => this.along(), denoise: () => this.denoised() };
    this.states = await ways[this.signature]();
    Object.assign(this.step, { max: this.states.length - 1, value: this.states.length - 1 });
    this.step.dispatchEvent(new Event("input"));
  }

  // What each of a normalizing flow's bijectors makes of latents.
  async through() {
    const inputs = { latents: this.noise, condition: this.condition.rows(this.rows) };
    const { values, shape: [rows, count, size] } = (await this.explorer.models.run("decode_steps", inputs)).x;
    return Array.from({ length: count }, (_, step) => {
      const x = new Float32Array(rows * size);
      for (let row = 0; row < rows; row++) {
        const start = (row * count + step) * size;
        x.set(values.subarray(start, start + size), row * size);
      }
      return { time: null, x };
    });
  }

  // Steps of the classical method of Runge and Kutta along a velocity.
  async along() {
    const path = this.facts.paths[byId("steps").value];
    const condition = this.condition.rows(this.rows);
    const velocity = async (x, at) => {
      const time = new Array(this.rows).fill(at);
      return (await this.explorer.models.run("velocity", { x, time, condition })).x.values;
    };
    let x = this.noise;
    const states = [{ time: path[0].time, x }];
    for (let step = 0; step + 1 < path.length; step++) {
      const [from, to] = [path[step].time, path[step + 1].time];
      const ahead = (share, slope) => x.map((value, place) => value + share * (to - from) * slope[place]);
      const first = await velocity(x, from);
      const second = await velocity(ahead(1 / 2, first), (from + to) / 2);
      const third = await velocity(ahead(1 / 2, second), (from + to) / 2);
      const fourth = await velocity(ahead(1, third), to);
      const mean = first.map((one, place) => (one + 2 * second[place] + 2 * third[place] + fourth[place]) / 6);
      x = ahead(1, mean);
      states.push({ time: to, x });
    }
    return states;
  }

  // Steps without new noise (Song et al. 2021, "Denoising diffusion implicit models"): the noise that explains x beside
  // the expected sample is taken over to the next time.
  async denoised() {
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
    return states;
  }

  // Images that are no data yet have no range of their own; points keep their places from step to step.
  rangeAt(number) {
    const { shape, range } = this.explorer.manifest;
    if (shape.length !== 3) return range;
    return this.signature !== "decode_steps" || number === this.states.length - 1 ? range : [-REACH, REACH];
  }

  paint() {
    const number = Number(this.step.value);
    const state = this.states[number];
    if (!state) return;
    const { shape, range } = this.explorer.manifest;
    const drawn = this.rangeAt(number);
    sheet(byId("noisy"), state.x.map((value) => this.unscaled(value)), shape, drawn, IMAGES);
    if (state.expected) sheet(byId("expected"), state.expected, shape, drawn, IMAGES);
    const after = number === 0 ? "Latents." : `After step ${number} of ${this.states.length - 1}.`;
    byId("noisy-caption").textContent = state.time === null ? after : `At time ${state.time.toFixed(3)}.`;
  }
}
