// The view of styles: those of two latents, mixed layer by layer and led towards the mean style; and other noise.

import { draw } from "./images.js";
import { normal } from "./latents.js";
import { byId, Condition, element, newest, slider } from "./parts.js";

const SHOWN = ["style-a", "style-b", "style-mixed"];

export class Styles {
  constructor(explorer) {
    const { manifest } = explorer;
    this.explorer = explorer;
    Object.assign(this, manifest.views.styles); // mean: the mean style; layers, noise: how many there are
    this.shown = null;
    this.show = newest(() => this.compute());
    this.condition = new Condition("styles-class", explorer, "style", () => this.show());
    this.latents = { a: this.drawn(), b: this.drawn() };
    for (const name of ["a", "b"]) {
      byId(`other-${name}`).addEventListener("click", () => {
        this.latents[name] = this.drawn();
        this.show();
      });
    }
    this.addLayers();
    slider("psi", () => this.show());
    byId("style-noise").addEventListener("change", (event) => this.takeNoise(event.target.value));
    byId("cut-layers").max = this.layers;
    byId("cut-layers").value = Math.floor(this.layers / 2);
    slider("cut-layers", (count) => this.cut(count));
    this.cut(Number(byId("cut-layers").value));
  }

  drawn() {
    return Float32Array.from({ length: this.explorer.manifest.latent_size }, normal);
  }

  addLayers() {
    this.shares = Array.from({ length: this.layers }, (_, layer) => {
      const input = element("input", { type: "range", min: 0, max: 1, step: 0.05, value: 0 });
      byId("style-layers").append(element("label", {}, `Layer ${layer + 1} `, element("output"), input));
      input.addEventListener("input", () => this.changed());
      return input;
    });
  }

  // The first layers as those of A, the others as those of B.
  cut(count) {
    this.shares.forEach((input, layer) => {
      input.value = layer < count ? 0 : 1;
    });
    this.changed();
  }

  changed() {
    this.shares.forEach((input) => {
      input.previousElementSibling.value = Number(input.value).toFixed(2);
    });
    this.show();
  }

  // None stands for the noise that is saved with the model.
  takeNoise(kind) {
    const number = kind === "none" ? () => 0 : normal;
    this.fixedNoise = kind === "fixed" ? null : Float32Array.from({ length: this.noise }, number);
    this.show();
  }

  async compute() {
    const { models, manifest } = this.explorer;
    const latents = new Float32Array([...this.latents.a, ...this.latents.b]);
    const { values } = (await models.run("style", { latents, condition: this.condition.rows(2) })).styles;
    const psi = Number(byId("psi").value);
    const size = this.mean.length;
    const styles = values.map((value, place) => {
      const mean = this.mean[place % size];
      return mean + psi * (value - mean);
    });
    const length = this.layers * size;
    const mixed = styles.slice(0, length).map((value, place) => {
      const share = Number(this.shares[Math.floor(place / size)].value);
      return (1 - share) * value + share * styles[length + place];
    });
    const all = new Float32Array([...styles, ...mixed]);
    const noise = this.fixedNoise && new Float32Array(SHOWN.flatMap(() => [...this.fixedNoise]));
    const x = (await models.run(noise ? "synthesize" : "paint", { styles: all, noise })).x.values;
    const one = x.length / SHOWN.length;
    SHOWN.forEach((name, place) => {
      draw(byId(name), x.subarray(place * one, (place + 1) * one), manifest.shape, manifest.range);
    });
    this.shown = { latents, styles: all, noise: this.fixedNoise ?? null, x };
  }

  paint() {} // nothing of it has the page's colours
}
