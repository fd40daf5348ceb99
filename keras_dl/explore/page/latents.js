// The view of latents: a pad of two, sliders of all, draws, films between two, and the plane.

import { colour, draw, sheet } from "./images.js";
import { byId, Condition, element, newest, slider } from "./parts.js";

const REACH = 3; // standard deviations that pad and plane reach to
const FRAMES = 9;
const GRID = 15;
const KEYS = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [1, 1], ArrowDown: [1, -1] };

export class Latents {
  constructor(explorer) {
    const { models, manifest } = explorer;
    this.explorer = explorer;
    this.size = manifest.latent_size;
    this.uniform = Boolean(manifest.views.latents.uniform); // between -1 and 1, and not normal
    this.reach = this.uniform ? 1 : REACH;
    this.values = new Float32Array(this.size);
    this.axes = [0, Math.min(1, this.size - 1)];
    this.shown = null; // what the model makes of the values
    this.maker = models.first("decode", "generate");
    this.condition = new Condition("latents-class", explorer, this.maker, () => {
      this.changed();
      this.showFilm();
    });
    this.show = newest(() => this.compute());
    this.showFilm = newest(() => this.film());
    this.showPlane = newest(() => this.plane());
    this.ends = { a: this.drawn(), b: this.drawn() };
    this.addPad();
    this.addSliders();
    this.addButtons();
    this.changed();
    this.showFilm();
    if (this.size === 2) this.showPlane();
  }

  // Computes data from the latents of some rows.
  async make(latents) {
    const condition = this.condition.rows(latents.length / this.size);
    return (await this.explorer.models.run(this.maker, { latents, condition })).x.values;
  }

  async compute() {
    const { manifest, models } = this.explorer;
    const values = Float32Array.from(this.values);
    const x = await this.make(values);
    draw(byId("sample"), x, manifest.shape, manifest.range);
    this.shown = { latents: values, x };
    if (!models.first("discriminate")) return;
    const score = await models.run("discriminate", { x, condition: this.condition.rows(1) });
    byId("sample-caption").textContent = `The critic gives it ${score.score.values[0].toFixed(2)}.`;
  }

  // Takes other latents, and shows them everywhere.
  set(values) {
    this.values.set(values);
    this.changed();
  }

  changed() {
    this.paint();
    this.sliders.forEach((input, place) => {
      input.value = this.values[place];
      input.previousElementSibling.value = this.values[place].toFixed(2);
    });
    this.show();
  }

  // Latents times the temperature; normal ones are drawn again where they lie beyond the truncation.
  drawn() {
    const [temperature, truncation] = ["temperature", "truncation"].map((name) => Number(byId(name).value));
    return Float32Array.from({ length: this.size }, () => {
      if (this.uniform) return temperature * (2 * Math.random() - 1);
      let value = normal();
      while (Math.abs(value) > truncation) value = normal();
      return temperature * value;
    });
  }

  addPad() {
    const pad = byId("pad");
    const move = (event) => {
      const box = pad.getBoundingClientRect();
      const across = ((event.clientX - box.left) / box.width) * 2 - 1;
      const up = 1 - ((event.clientY - box.top) / box.height) * 2;
      this.place(this.reach * across, this.reach * up);
    };
    pad.addEventListener("pointerdown", (event) => {
      pad.setPointerCapture(event.pointerId);
      move(event);
    });
    pad.addEventListener("pointermove", (event) => event.buttons && move(event));
    pad.addEventListener("keydown", (event) => {
      if (!(event.key in KEYS)) return;
      event.preventDefault();
      const [axis, sign] = KEYS[event.key];
      const values = this.axes.map((latent) => this.values[latent]);
      values[axis] += sign * (event.shiftKey ? 0.5 : 0.1);
      this.place(...values);
    });
    ["across", "up"].forEach((name, axis) => {
      this.values.forEach((_, latent) => byId(name).append(element("option", { value: latent }, `latent ${latent}`)));
      byId(name).value = this.axes[axis];
      byId(name).addEventListener("change", (event) => {
        this.axes[axis] = Number(event.target.value);
        this.changed();
      });
    });
  }

  place(across, up) {
    const inside = (value) => Math.min(this.reach, Math.max(-this.reach, value));
    this.values[this.axes[1]] = inside(up);
    this.values[this.axes[0]] = inside(across);
    this.changed();
  }

  // Draws what has the page's colours: the pad.
  paint() {
    const pad = byId("pad");
    const context = pad.getContext("2d");
    const half = pad.width / 2;
    const [across, up] = this.axes.map((latent) => (this.values[latent] / this.reach) * half);
    context.clearRect(0, 0, pad.width, pad.height);
    context.strokeStyle = colour("--faint");
    for (const deviation of this.uniform ? [] : [1, 2]) {
      context.beginPath();
      context.arc(half, half, (deviation / this.reach) * half, 0, 2 * Math.PI);
      context.stroke();
    }
    context.fillStyle = colour("--link");
    context.beginPath();
    context.arc(half + across, half - up, 7, 0, 2 * Math.PI);
    context.fill();
    const texts = this.axes.map((latent) => `latent ${latent} at ${this.values[latent].toFixed(2)}`);
    pad.setAttribute("aria-label", `Pad of two latents: ${texts.join(", ")}`);
  }

  addSliders() {
    const end = this.uniform ? 1 : 4;
    this.sliders = Array.from(this.values, (_, latent) => {
      const input = element("input", { type: "range", min: -end, max: end, step: 0.01, value: 0 });
      byId("sliders").append(element("label", {}, `Latent ${latent} `, element("output"), input));
      input.addEventListener("input", () => {
        this.values[latent] = Number(input.value);
        this.changed();
      });
      return input;
    });
  }

  addButtons() {
    slider("temperature", () => {});
    slider("truncation", () => {});
    byId("truncation").parentElement.hidden = this.uniform;
    if (this.uniform) byId("pad-help").textContent = "Drag, or press the arrow keys.";
    const reach = `from -${this.reach} to ${this.reach}`;
    byId("plane-caption").textContent = `Both latents ${reach}, the others as they are. A click chooses a place.`;
    byId("draw").addEventListener("click", () => this.set(this.drawn()));
    byId("zero").addEventListener("click", () => this.set(new Float32Array(this.size)));
    for (const end of ["a", "b"]) {
      byId(`keep-${end}`).addEventListener("click", () => {
        this.ends[end] = Float32Array.from(this.values);
        this.showFilm();
      });
    }
    slider("mix", (share) => this.set(between(this.ends.a, this.ends.b, share, byId("path").value)));
    byId("path").addEventListener("change", () => this.showFilm());
    byId("draw-plane").addEventListener("click", () => this.showPlane());
    byId("plane").addEventListener("click", (event) => {
      const box = byId("plane").getBoundingClientRect();
      const share = [(event.clientX - box.left) / box.width, 1 - (event.clientY - box.top) / box.height];
      this.place(...share.map((part) => this.reach * (2 * part - 1)));
    });
  }

  async film() {
    const { shape, range } = this.explorer.manifest;
    const latents = new Float32Array(FRAMES * this.size);
    for (let frame = 0; frame < FRAMES; frame++) {
      const share = frame / (FRAMES - 1);
      latents.set(between(this.ends.a, this.ends.b, share, byId("path").value), frame * this.size);
    }
    sheet(byId("film"), await this.make(latents), shape, range, FRAMES);
  }

  async plane() {
    const { shape, range } = this.explorer.manifest;
    const latents = new Float32Array(GRID * GRID * this.size);
    for (let place = 0; place < GRID * GRID; place++) {
      const [row, column] = [Math.floor(place / GRID), place % GRID];
      const values = Float32Array.from(this.values);
      values[this.axes[1]] = this.reach * (1 - (2 * row) / (GRID - 1));
      values[this.axes[0]] = this.reach * ((2 * column) / (GRID - 1) - 1);
      latents.set(values, place * this.size);
    }
    byId("plane-figure").hidden = false;
    sheet(byId("plane"), await this.make(latents), shape, range, GRID);
  }
}

// A standard normal number, by Box and Muller.
export function normal() {
  return Math.sqrt(-2 * Math.log(1 - Math.random())) * Math.cos(2 * Math.PI * Math.random());
}

// Latents between two: on the line, or on the arc from one to the other, along which lengths do not shrink.
export function between(a, b, share, path) {
  const dot = (u, v) => u.reduce((sum, value, place) => sum + value * v[place], 0);
  const lengths = Math.sqrt(dot(a, a) * dot(b, b));
  const angle = path === "arc" && lengths > 0 ? Math.acos(Math.min(1, Math.max(-1, dot(a, b) / lengths))) : 0;
  const onLine = Math.sin(angle) < 1e-4;
  const [first, second] = onLine
    ? [1 - share, share]
    : [Math.sin((1 - share) * angle), Math.sin(share * angle)].map((part) => part / Math.sin(angle));
  return a.map((value, place) => first * value + second * b[place]);
}
