// The view of a classifier: probabilities of an image's classes, and what shifts and turns do to them.

import { colour, draw, shifted, turned } from "./images.js";
import { softmax } from "./models.js";
import { byId, chooser, element, newest, slider } from "./parts.js";

const MAX_SHIFT = 4; // pixels, of the measures
const QUARTERS = [90, 180, 270];
const ANGLES = Array.from({ length: 25 }, (_, place) => 15 * place - 180);

export class Classify {
  constructor(explorer) {
    this.explorer = explorer;
    this.name = explorer.models.first("predict", "classify");
    this.x = null;
    this.shown = null; // the scores and probabilities of the image, shifted and turned
    this.measured = null;
    this.shares = null; // of the image's class, by angle
    this.show = newest(() => this.compute());
    const [height, width] = explorer.manifest.shape;
    Object.assign(byId("right"), { min: -Math.floor(width / 2), max: Math.floor(width / 2) });
    Object.assign(byId("down"), { min: -Math.floor(height / 2), max: Math.floor(height / 2) });
    this.shift = ["down", "right"].map((name) => slider(name, () => this.show(), " px"));
    this.turn = slider("turn", () => this.show(), "°");
    byId("stress").addEventListener("click", newest(() => this.stress()));
    chooser(byId("classify"), explorer, (values) => this.use(values));
    if (explorer.examples.length) this.use(explorer.examples[0].values);
  }

  use(values) {
    this.x = values;
    byId("stress-results").replaceChildren();
    byId("turns-figure").hidden = true;
    this.show();
  }

  // The scores of some images, an array each.
  async scores(images) {
    const x = new Float32Array(images.length * images[0].length);
    images.forEach((image, place) => x.set(image, place * image.length));
    const [output] = Object.values(await this.explorer.models.run(this.name, { x }));
    const count = output.values.length / images.length;
    return images.map((_, place) => output.values.slice(place * count, (place + 1) * count));
  }

  async compute() {
    if (!this.x) return;
    const { shape, range } = this.explorer.manifest;
    const [down, right] = this.shift.map((input) => Number(input.value));
    const x = turned(shifted(this.x, shape, down, right), shape, Number(this.turn.value), range[0]);
    const [scores] = await this.scores([x]);
    document.querySelector("#classify .result").hidden = false;
    draw(byId("classified"), x, shape, range);
    this.list(probabilities(scores));
    this.shown = { x, scores, probabilities: probabilities(scores) };
  }

  list(shares) {
    const names = this.explorer.manifest.classes ?? shares.map((_, label) => String(label));
    const largest = shares.indexOf(Math.max(...shares));
    const order = shares.map((_, label) => label);
    if (shares.length > 20) order.sort((one, other) => shares[other] - shares[one]);
    const rows = order.slice(0, 20).map((label) => {
      const bar = element("meter", { min: 0, max: 1, value: shares[label] });
      bar.setAttribute("aria-label", `Probability of ${names[label]}`);
      const head = element("th", { scope: "row" }, names[label]);
      const text = `${(100 * shares[label]).toFixed(1)}%`;
      const row = element("tr", {}, head, element("td", {}, bar), element("td", { className: "number" }, text));
      row.classList.toggle("best", label === largest);
      return row;
    });
    byId("probabilities").tBodies[0].replaceChildren(...rows);
  }

  // The measures of keras_dl.metrics, of this one image: over all shifts of up to four pixels, and quarter turns.
  async stress() {
    if (!this.x) return;
    const { shape, range } = this.explorer.manifest;
    const side = MAX_SHIFT + 1;
    const places = Array.from({ length: side * side }, (_, n) => [Math.floor(n / side), n % side]);
    const shifts = await this.scores(places.map((place) => shifted(this.x, shape, ...place)));
    const counts = {};
    shifts.forEach((scores) => {
      const label = scores.indexOf(Math.max(...scores));
      counts[label] = (counts[label] ?? 0) + 1;
    });
    const consistency = Object.values(counts).reduce((sum, count) => sum + (count / shifts.length) ** 2, 0);
    this.measured = { consistency, shift: meanDistance(shifts, shifts[0]), rotation: null };
    if (shape[0] === shape[1]) {
      const turns = await this.scores(QUARTERS.map((angle) => turned(this.x, shape, angle, range[0])));
      this.measured.rotation = meanDistance(turns, shifts[0]);
    }
    this.tell(Object.keys(counts).length);
    await this.turnRound(shifts[0].indexOf(Math.max(...shifts[0])));
  }

  tell(count) {
    const { consistency, shift, rotation } = this.measured;
    const lines = [
      `Shifted by up to ${MAX_SHIFT} pixels each way: ${count} ${count === 1 ? "class" : "different classes"};`,
      `two shifts agree with probability ${consistency.toFixed(3)};`,
      `the scores move by ${shift.toFixed(3)} of their length.`,
      rotation === null ? "" : `Quarter turns move them by ${rotation.toFixed(3)}.`,
    ];
    byId("stress-results").replaceChildren(element("p", {}, lines.join(" ")));
  }

  async turnRound(label) {
    const { shape, range } = this.explorer.manifest;
    const scores = await this.scores(ANGLES.map((angle) => turned(this.x, shape, angle, range[0])));
    this.shares = scores.map((values) => probabilities(values)[label]);
    byId("turns-figure").hidden = false;
    this.paint();
  }

  // Draws what has the page's colours: the probability over angles.
  paint() {
    const shares = this.shares;
    if (!shares) return;
    const canvas = byId("turns");
    const context = canvas.getContext("2d");
    context.clearRect(0, 0, canvas.width, canvas.height);
    context.strokeStyle = colour("--link");
    context.lineWidth = 2;
    context.beginPath();
    shares.forEach((share, place) => {
      context.lineTo((place / (ANGLES.length - 1)) * canvas.width, 2 + (1 - share) * (canvas.height - 4));
    });
    context.stroke();
    const least = Math.min(...shares);
    const angle = ANGLES[shares.indexOf(least)];
    canvas.setAttribute("aria-label", `Probability over angles: lowest at ${angle} degrees, ${least.toFixed(2)}`);
  }
}

// The probabilities that scores stand for: themselves if they are some, else their softmax.
export function probabilities(scores) {
  const total = scores.reduce((sum, score) => sum + score, 0);
  const already = Math.abs(total - 1) < 1e-3 && Math.min(...scores) >= 0;
  return already ? Array.from(scores) : softmax(scores);
}

// The mean distance of vectors from one, in units of its length.
function meanDistance(vectors, from) {
  const length = (values) => Math.hypot(...values);
  const distances = vectors.map((values) => length(Array.from(values, (value, place) => value - from[place])));
  return distances.reduce((sum, distance) => sum + distance, 0) / vectors.length / length(from);
}
