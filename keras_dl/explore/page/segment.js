// The view of a segmentation: an image, and the classes of its pixels over it.

import { draw } from "./images.js";
import { byId, chooser, element, newest, slider } from "./parts.js";

const PALETTE = [[217, 115, 13], [47, 129, 247], [45, 164, 78], [191, 57, 137], [154, 103, 0], [130, 80, 223]];

export class Segment {
  constructor(explorer) {
    this.explorer = explorer;
    this.facts = explorer.manifest.views.segment;
    this.x = null;
    this.shown = null; // what the network takes, and the classes of the pixels
    this.show = newest(() => this.compute());
    this.opacity = slider("opacity", () => this.paint(), "%");
    chooser(byId("segment"), explorer, (values) => {
      this.x = values;
      this.show();
    });
    if (explorer.examples.length) {
      this.x = explorer.examples[0].values;
      this.show();
    }
  }

  async compute() {
    const { shape } = this.explorer.manifest;
    const x = normalized(this.x, shape[2], this.facts);
    const inputs = { x: { values: x, shape: [1, ...shape] } };
    const [{ values }] = Object.values(await this.explorer.models.run("predict", inputs));
    const count = values.length / (shape[0] * shape[1]);
    const labels = Array.from({ length: shape[0] * shape[1] }, (_, place) => {
      const scores = values.subarray(place * count, (place + 1) * count);
      return scores.indexOf(Math.max(...scores));
    });
    this.shown = { image: this.x, x, scores: values, labels, count };
    this.paint();
  }

  paint() {
    if (!this.shown) return;
    document.querySelector("#segment .result").hidden = false;
    const { shape } = this.explorer.manifest;
    const { image, labels, count } = this.shown;
    const canvas = byId("overlay");
    draw(canvas, image, shape, [Math.min(...image), Math.max(...image, Math.min(...image) + 1e-6)]);
    const context = canvas.getContext("2d");
    const pixels = context.getImageData(0, 0, shape[1], shape[0]);
    const share = Number(this.opacity.value) / 100;
    labels.forEach((label, place) => {
      if (label === 0) return; // the background
      PALETTE[(label - 1) % PALETTE.length].forEach((part, channel) => {
        const at = 4 * place + channel;
        pixels.data[at] = (1 - share) * pixels.data[at] + share * part;
      });
    });
    context.putImageData(pixels, 0, 0);
    this.list(labels, count);
  }

  list(labels, count) {
    const rows = Array.from({ length: count }, (_, label) => {
      const share = labels.filter((one) => one === label).length / labels.length;
      const swatch = element("td", {}, "\u25a0");
      swatch.style.color = label ? `rgb(${PALETTE[(label - 1) % PALETTE.length]})` : "transparent";
      const name = label ? `class ${label}` : "background";
      const text = `${(100 * share).toFixed(1)}%`;
      return element("tr", {}, element("th", { scope: "row" }, name), swatch, element("td", {}, text));
    });
    byId("areas").tBodies[0].replaceChildren(...rows);
  }
}

// Intensities as the plan asks for them; see keras_dl.data.segmentation.prepare.
export function normalized(image, channels, { normalizations, intensities, inside_nonzero }) {
  const result = new Float32Array(image.length);
  normalizations.forEach((kind, channel) => {
    const values = Array.from({ length: image.length / channels }, (_, place) => image[place * channels + channel]);
    const seen = kind === "zscore" && inside_nonzero ? values.filter((value) => value !== 0) : values;
    const { offset, width, low, high } = scale(kind, seen, intensities[channel]);
    values.forEach((value, place) => {
      const outside = kind === "zscore" && inside_nonzero && value === 0;
      const clipped = Math.min(high, Math.max(low, value));
      result[place * channels + channel] = outside || width === 0 ? 0 : (clipped - offset) / width;
    });
  });
  return result;
}

function scale(kind, values, intensities) {
  const open = { offset: 0, width: 1, low: -Infinity, high: Infinity };
  if (kind === "ct") return { offset: intensities.mean, width: intensities.std, ...intensities };
  if (kind === "rgb") return { ...open, width: 255 };
  if (kind === "rescale") {
    const least = Math.min(...values);
    return { ...open, offset: least, width: Math.max(...values) - least };
  }
  if (kind !== "zscore") return open;
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
  const deviation = Math.sqrt(variance);
  return { ...open, offset: mean, width: deviation > 1.2e-7 * Math.abs(mean) ? deviation : 0 };
}
