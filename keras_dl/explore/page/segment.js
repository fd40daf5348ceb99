// The view of a segmentation: images and volumes of any size, and the classes of their pixels over them.

import { fromPicture } from "./images.js";
import { softmaxRows } from "./models.js";
import { isNifti, readNifti } from "./nifti.js";
import { byId, chooser, element, newest, slider } from "./parts.js";
import { check, prepared, restored } from "./preparation.js";
import { drawSlice, greys, hasColours, tint } from "./slices.js";
import { slidingWindow } from "./windows.js";

const BODY = ["left to right", "back to front", "bottom to top"];

export class Segment {
  constructor(explorer) {
    const { segment: facts } = explorer.manifest.views;
    const sizes = facts.shape.slice(0, -1);
    this.explorer = explorer;
    this.facts = { ...facts, patch: sizes.length === 2 ? [1, ...sizes] : sizes };
    this.image = null;
    this.shown = null; // what the network takes, its probabilities, and the classes of the image's pixels
    this.show = newest(() => this.compute());
    this.opacity = slider("opacity", () => this.paint(), "%");
    this.slice = slider("slice", () => this.paint());
    for (const name of ["cut", "channel"]) byId(name).addEventListener("change", () => this.turn(name === "cut"));
    byId("mirrored").checked = facts.mirror;
    byId("mirrored").addEventListener("change", () => this.use(this.image));
    byId("segment-stop").addEventListener("click", () => { this.stopped = true; });
    this.say = chooser(byId("segment"), explorer, (image) => this.use(image), {
      accept: "image/*,.nii,.gz",
      text: `Drop ${facts.rank === 2 ? "an image" : "a volume (.nii, .nii.gz)"} here, or choose a file `,
      inverts: false,
      read: (file) => this.read(file),
      take: (example) => lifted({ ...example, ...axesOf(example.shape), name: "the example" }),
      draw: (canvas, example) => preview(canvas, lifted({ ...example, ...axesOf(example.shape) })),
    });
    const [first] = explorer.examples;
    if (first && facts.rank === 2) this.use(lifted({ ...first, ...axesOf(first.shape), name: "the example" }));
  }

  // An image out of a file, as a task's data are read.
  async read(file) {
    byId("segment-note").textContent = ""; // of the image before, if this file turns out to be none
    const channels = this.facts.normalizations.length;
    const image = lifted(isNifti(file.name) ? await readNifti(file) : await fromPicture(file, channels));
    check(image, this.facts);
    return image;
  }

  use(image) {
    if (!image) return;
    this.say(null);
    Object.assign(this, { image, shown: null, stopped: true, range: greys(image) });
    document.querySelector("#segment .result").hidden = false;
    byId("segment-note").textContent = image.note ?? "";
    byId("areas").tBodies[0].replaceChildren();
    this.offer(image);
    this.turn(true);
    this.show();
  }

  // Offers the axes that can be cut across, and the channels that can be seen.
  offer(image) {
    const volume = image.rank === 3;
    const axes = [0, 1, 2].map((axis) => `axis ${axis}${image.oriented ? `, ${BODY[axis]}` : ""}`);
    fill("cut", axes, volume ? 2 : 0, volume);
    const channels = Array.from({ length: image.channels }, (_, channel) => `channel ${channel}`);
    fill("channel", channels, 0, channels.length > 1 && !hasColours(image));
    this.slice.parentElement.hidden = !volume;
    byId("mirrored").parentElement.hidden = !this.facts.mirror;
  }

  turn(toMiddle) {
    const size = this.image.sizes[Number(byId("cut").value)];
    this.slice.max = size - 1;
    if (toMiddle) this.slice.value = Math.floor(size / 2);
    this.slice.dispatchEvent(new Event("input"));
  }

  async compute() {
    const { image, facts } = this;
    this.stopped = false;
    this.told("The image is being prepared.", true);
    try {
      const ready = prepared(image, facts);
      const mirrorAxes = byId("mirrored").checked ? [0, 1, 2].slice(facts.shape.length === 3 ? 1 : 0) : [];
      const told = (done, all) => {
        this.told(`${done} of ${all} windows are computed.`, true);
        return this.stopped || this.image !== image;
      };
      const options = { overlap: facts.overlap, mirrorAxes, told };
      const scores = await slidingWindow((values) => this.probabilities(values), ready.array, facts.patch, options);
      if (scores === null) return this.told("It was stopped: there is no mask.", false);
      const labels = restored(scores, ready);
      this.shown = { image, x: ready.array.values, sizes: ready.array.sizes, probabilities: scores.values, labels };
      this.told(this.done(ready, mirrorAxes), false);
      this.list(labels, scores.channels);
      this.paint();
    } catch (error) {
      this.told("", false);
      this.say(error.message);
    }
  }

  // The probabilities of a window's pixels, by the output at full resolution, which is the first.
  async probabilities(values) {
    await new Promise((go) => setTimeout(go)); // the page answers between windows
    const { shape } = this.facts;
    const outputs = await this.explorer.models.run("predict", { x: { values, shape: [1, ...shape] } });
    const whole = shape.slice(0, -1).join();
    const full = Object.values(outputs).find((output) => output.shape.slice(1, -1).join() === whole);
    return softmaxRows(full.values, full.shape.at(-1));
  }

  told(text, working) {
    byId("segment-progress").textContent = text;
    byId("segment-stop").hidden = !working;
  }

  // What was done, in a sentence.
  done({ array, sizes }, mirrorAxes) {
    const size = (lengths) => (this.facts.rank === 2 ? lengths.slice(1) : lengths).join(" x ");
    const mirrored = mirrorAxes.length ? `, each in ${2 ** mirrorAxes.length} mirror images` : "";
    const grid = array.sizes.join() === sizes.join() ? "" : ` The network saw ${size(array.sizes)} pixels.`;
    return `Windows of ${size(this.facts.patch)} pixels went over the image of ${size(sizes)}${mirrored}.${grid}`;
  }

  paint() {
    if (!this.image) return;
    const [axis, number, channel] = ["cut", "slice", "channel"].map((name) => Number(byId(name).value));
    const look = { axis, number, channel, opacity: Number(this.opacity.value) / 100, range: this.range };
    drawSlice(byId("overlay"), this.image, this.shown?.labels, look);
    const slice = this.image.rank === 3 ? `, slice ${number} across axis ${axis}` : "";
    const what = this.shown ? "The image, with the classes of its pixels over it" : "The image";
    byId("overlay").setAttribute("aria-label", what + slice);
  }

  list(labels, count) {
    const counts = new Array(count).fill(0);
    for (const label of labels) counts[label] += 1;
    const rows = counts.map((one, label) => {
      const swatch = element("td", {}, "\u25a0");
      swatch.style.color = label ? `rgb(${tint(label)})` : "transparent";
      const name = label ? `class ${label}` : "background";
      const text = `${((100 * one) / labels.length).toFixed(1)}%`;
      return element("tr", {}, element("th", { scope: "row" }, name), swatch, element("td", {}, text));
    });
    byId("areas").tBodies[0].replaceChildren(...rows);
  }
}

// An image with three sizes, whatever its own.
const lifted = (image) => {
  const rank = image.sizes.length;
  return { white: 255, ...image, rank, sizes: rank === 2 ? [1, ...image.sizes] : image.sizes };
};

const axesOf = (shape) => ({ sizes: shape.slice(0, -1), channels: shape.at(-1) });

function fill(name, texts, chosen, visible) {
  byId(name).replaceChildren(...texts.map((text, value) => element("option", { value }, text)));
  byId(name).value = chosen;
  byId(name).parentElement.hidden = !visible;
}

function preview(canvas, image) {
  const axis = image.rank === 3 ? 2 : 0;
  const number = Math.floor(image.sizes[axis] / 2);
  drawSlice(canvas, image, null, { axis, number, channel: 0, opacity: 0, range: greys(image) });
}
