// Predictions of images of any size by a network of one size; see keras_dl.data.segmentation.sliding_window. Arrays are
// { values, sizes, channels } with three sizes.

import { rounded } from "./resampling.js";

// Scores of every pixel, the means of what overlapping windows over it predict, weighted by Gaussians; each window is
// also predicted mirrored along each subset of some axes. `predict` is an asynchronous function from the values of a
// window to those of its scores; `told(done, all)` is called before each of them, and ends the work by returning true:
// the result is null then.
export async function slidingWindow(predict, array, patch, { overlap, mirrorAxes, told }) {
  const { padded, before } = surrounded(array, patch);
  const starts = [0, 1, 2].map((axis) => startsOf(padded.sizes[axis], patch[axis], overlap));
  const places = starts[0].flatMap((i) => starts[1].flatMap((j) => starts[2].map((k) => [i, j, k])));
  const flips = subsets(mirrorAxes);
  const weights = gaussian(patch);
  const pixels = padded.sizes[0] * padded.sizes[1] * padded.sizes[2];
  const norm = new Float32Array(pixels);
  let [total, count, done] = [null, 0, 0];
  for (const place of places) {
    for (const axes of flips) {
      if (told(done++, places.length * flips.length)) return null;
      const scores = await predict(flipped(window(padded, place, patch), axes).values);
      count = scores.length / weights.length;
      total ??= new Float32Array(pixels * count);
      const back = flipped({ values: scores, sizes: patch, channels: count }, axes).values;
      eachPixel(patch, place, padded.sizes, (from, at) => {
        const weight = weights[from] / flips.length;
        norm[at] += weight;
        for (let part = 0; part < count; part++) total[at * count + part] += weight * back[from * count + part];
      });
    }
  }
  for (let pixel = 0; pixel < pixels; pixel++) {
    for (let part = 0; part < count; part++) total[pixel * count + part] /= norm[pixel];
  }
  return window({ values: total, sizes: padded.sizes, channels: count }, before, array.sizes);
}

// Where windows begin on an axis: evenly spread from the first pixel to the last, as few as the overlap allows.
export function startsOf(size, patch, overlap) {
  const steps = Math.ceil((size - patch) / Math.max(patch * (1 - overlap), 1));
  return Array.from({ length: steps + 1 }, (_, step) => rounded((step * (size - patch)) / (steps || 1)));
}

// A Gaussian over a window with a standard deviation of an eighth of it.
function gaussian(patch) {
  const [planes, rows, columns] = patch.map((size) => Array.from({ length: size }, (_, place) => {
    return Math.exp(-((((place - (size - 1) / 2) / (size / 8)) ** 2) / 2));
  }));
  return Float32Array.from(planes.flatMap((plane) => rows.flatMap((row) => columns.map((one) => plane * row * one))));
}

// An image with zeros around it where it is smaller than the window, and how many come before it.
function surrounded({ values, sizes, channels }, patch) {
  const short = sizes.map((size, axis) => Math.max(0, patch[axis] - size));
  const before = short.map((count) => Math.floor(count / 2));
  const lengths = sizes.map((size, axis) => size + short[axis]);
  const result = new Float32Array(lengths[0] * lengths[1] * lengths[2] * channels);
  eachPixel(sizes, before, lengths, (from, at) => {
    for (let channel = 0; channel < channels; channel++) {
      result[at * channels + channel] = values[from * channels + channel];
    }
  });
  return { padded: { values: result, sizes: lengths, channels }, before };
}

// Goes through the pixels of a block that lies somewhere in a whole: their numbers in the block and in the whole.
function eachPixel(block, [top, front, left], whole, use) {
  let from = 0;
  for (let i = 0; i < block[0]; i++) {
    for (let j = 0; j < block[1]; j++) {
      const line = ((i + top) * whole[1] + j + front) * whole[2] + left;
      for (let k = 0; k < block[2]; k++) use(from++, line + k);
    }
  }
}

function window({ values, sizes, channels }, start, block) {
  const result = new Float32Array(block[0] * block[1] * block[2] * channels);
  eachPixel(block, start, sizes, (from, at) => {
    for (let channel = 0; channel < channels; channel++) {
      result[from * channels + channel] = values[at * channels + channel];
    }
  });
  return { values: result, sizes: block, channels };
}

function flipped(array, axes) {
  if (!axes.length) return array;
  const { values, sizes, channels } = array;
  const result = new Float32Array(values.length);
  const turned = (place, axis) => (axes.includes(axis) ? sizes[axis] - 1 - place : place);
  let at = 0;
  for (let i = 0; i < sizes[0]; i++) {
    for (let j = 0; j < sizes[1]; j++) {
      const line = (turned(i, 0) * sizes[1] + turned(j, 1)) * sizes[2];
      for (let k = 0; k < sizes[2]; k++) {
        const from = (line + turned(k, 2)) * channels;
        for (let channel = 0; channel < channels; channel++) result[at++] = values[from + channel];
      }
    }
  }
  return { values: result, sizes, channels };
}

// All subsets of some axes, the empty one first.
function subsets(axes) {
  return axes.reduce((some, axis) => [...some, ...some.map((one) => [...one, axis])], [[]]);
}
