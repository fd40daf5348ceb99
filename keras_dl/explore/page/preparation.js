// Images as a network of patches takes them, and its scores back on the images' own grid; see
// keras_dl.data.segmentation.prepare and restore. Arrays are { values, sizes, channels } with three sizes, of which an
// image in the plane has 1 as its first.

import { coarseAxis, resampled, rounded } from "./resampling.js";

const EPSILON = 2 ** -23; // of single precision
const MOST = 2 ** 26; // numbers of one array that the page makes

// Refuses an image that the model does not take, in a sentence.
export function check(image, { rank, normalizations }) {
  const fault = (text) => new Error(`${image.name} cannot be segmented: ${text}.`);
  const axes = { 2: "two axes", 3: "three axes" };
  if (image.rank !== rank) throw fault(`the model takes images of ${axes[rank]}, and it has ${axes[image.rank]}`);
  const channels = (count) => (count === 1 ? "1 channel" : `${count} channels`);
  if (image.channels !== normalizations.length) {
    const fourth = image.rank === 3 && image.channels > 1 ? " on its fourth axis" : "";
    throw fault(`the model takes ${channels(normalizations.length)}, and it has ${channels(image.channels)}${fourth}`);
  }
  if (!image.values.every(Number.isFinite)) throw fault("some of its values are NaN or infinite");
  if (!normalizations.includes("rgb")) return;
  const [[low, high], white] = [extent(image.values), Math.max(...[image.white].flat())];
  const fractions = high <= 1 && image.values.some((value) => value % 1 !== 0);
  if (low < 0 || high > white || fractions) {
    throw fault(`colours go from 0 to ${white}, and its values from ${low} to ${high}`);
  }
}

// The least and the largest of many numbers.
export function extent(values) {
  let [low, high] = [Infinity, -Infinity];
  for (const value of values) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return [low, high];
}

// Zeros cut off, intensities normalised, resampled to the plan's spacing; with what leads back.
export function prepared(image, plan) {
  const box = nonzeroBox(image);
  let array = cut(image, box);
  array = { ...array, values: normalized(array, plan, image.white) };
  let spacing = image.rank === 2 ? [1, ...image.spacing] : [...image.spacing];
  let target = image.rank === 2 ? [1, ...plan.spacing] : [...plan.spacing];
  const slices = plan.slice_axis; // the axis across which slices are cut, which comes first
  if (slices !== null) {
    array = moved(array, slices, 0);
    spacing = [spacing[slices], ...spacing.filter((_, axis) => axis !== slices)];
    target = [spacing[0], ...target.slice(1)];
  }
  const coarse = slices !== null ? 0 : image.rank === 2 ? null : coarseAxis(spacing, target);
  const sizes = array.sizes.map((size, axis) => Math.max(1, rounded((size * spacing[axis]) / target[axis])));
  const count = sizes.reduce((product, size) => product * size, Math.max(plan.num_classes, array.channels));
  if (count > MOST) {
    const text = `on the plan's grid it has ${sizes.join(" x ")} pixels, more than a page can hold`;
    throw new Error(`${image.name} cannot be segmented here: ${text}; python -m apps.segment can.`);
  }
  return { array: resampled(array, sizes, "cubic", coarse), box, slices, coarse, sizes: image.sizes };
}

// The class of every pixel of the image from scores on the prepared grid.
export function restored(scores, { box, slices, coarse, sizes }) {
  let inside = box.map(([start, stop]) => stop - start);
  if (slices !== null) inside = [inside[slices], ...inside.filter((_, axis) => axis !== slices)];
  const { values, channels } = resampled(scores, inside, "linear", coarse);
  let labels = { values: new Uint8Array(values.length / channels), sizes: inside, channels: 1 };
  for (let place = 0; place < labels.values.length; place++) {
    let best = 0;
    for (let label = 1; label < channels; label++) {
      if (values[place * channels + label] > values[place * channels + best]) best = label;
    }
    labels.values[place] = best;
  }
  if (slices !== null) labels = moved(labels, 0, slices);
  const whole = new Uint8Array(sizes[0] * sizes[1] * sizes[2]);
  const corner = box.map(([start]) => start);
  eachLine(labels.sizes, (i, j, from) => {
    const at = ((i + corner[0]) * sizes[1] + j + corner[1]) * sizes[2] + corner[2];
    whole.set(labels.values.subarray(from, from + labels.sizes[2]), at);
  });
  return whole;
}

// Goes through the lines along the last axis: their places on the first two, and that of their first pixel.
function eachLine([depth, height, width], use) {
  for (let i = 0; i < depth; i++) {
    for (let j = 0; j < height; j++) use(i, j, (i * height + j) * width);
  }
}

// Where an image is not zero, from and to; all of it where it is zero everywhere.
function nonzeroBox({ values, sizes, channels }) {
  const box = sizes.map((size) => [size, 0]);
  const widen = (axis, place) => {
    box[axis] = [Math.min(box[axis][0], place), Math.max(box[axis][1], place + 1)];
  };
  eachLine(sizes, (i, j, from) => {
    for (let k = 0; k < sizes[2]; k++) {
      const pixel = (from + k) * channels;
      if (values.subarray(pixel, pixel + channels).every((value) => value === 0)) continue;
      [i, j, k].forEach((place, axis) => widen(axis, place));
    }
  });
  return box[0][0] < box[0][1] ? box : sizes.map((size) => [0, size]);
}

function cut({ values, sizes, channels }, box) {
  const kept = box.map(([start, stop]) => stop - start);
  const result = new Float32Array(kept[0] * kept[1] * kept[2] * channels);
  eachLine(kept, (i, j, at) => {
    const from = ((i + box[0][0]) * sizes[1] + j + box[1][0]) * sizes[2] + box[2][0];
    result.set(values.subarray(from * channels, (from + kept[2]) * channels), at * channels);
  });
  return { values: result, sizes: kept, channels };
}

// An array whose axis `from` lies at `to`, the others in their order.
function moved({ values, sizes, channels }, from, to) {
  const order = [0, 1, 2].filter((axis) => axis !== from);
  order.splice(to, 0, from);
  const strides = [sizes[1] * sizes[2], sizes[2], 1].map((stride) => stride * channels);
  const lengths = order.map((axis) => sizes[axis]);
  const steps = order.map((axis) => strides[axis]);
  const result = new values.constructor(values.length);
  eachLine(lengths, (i, j, at) => {
    for (let k = 0; k < lengths[2]; k++) {
      const pixel = i * steps[0] + j * steps[1] + k * steps[2];
      for (let channel = 0; channel < channels; channel++) {
        result[(at + k) * channels + channel] = values[pixel + channel];
      }
    }
  });
  return { values: result, sizes: lengths, channels };
}

// Intensities as the plan asks for them.
export function normalized({ values, sizes, channels }, plan, white = 255) {
  const result = new Float32Array(values.length);
  const inside = plan.inside_nonzero ? filled({ values, sizes, channels }, plan.rank) : null;
  plan.normalizations.forEach((kind, channel) => {
    const within = kind === "zscore" ? inside : null;
    const one = Array.isArray(white) ? white[channel] : white;
    const { offset, width, low, high } = scale(kind, { values, channels, channel, within }, plan, one);
    for (let place = channel, pixel = 0; place < values.length; place += channels, pixel++) {
      const clipped = Math.min(high, Math.max(low, values[place]));
      const outside = within !== null && !within[pixel];
      result[place] = outside || !(width > EPSILON * Math.abs(offset)) ? 0 : (clipped - offset) / width;
    }
  });
  return result;
}

function scale(kind, { values, channels, channel, within }, plan, white) {
  const open = { offset: 0, width: 1, low: -Infinity, high: Infinity };
  if (kind === "ct") {
    const { mean, std, low, high } = plan.intensities[channel];
    return { offset: mean, width: std, low, high };
  }
  if (kind === "rgb") return { ...open, width: white };
  let [count, sum, least, largest] = [0, 0, Infinity, -Infinity];
  const each = (use) => {
    for (let place = channel, pixel = 0; place < values.length; place += channels, pixel++) {
      if (within === null || within[pixel]) use(values[place]);
    }
  };
  each((value) => {
    [count, sum] = [count + 1, sum + value];
    [least, largest] = [Math.min(least, value), Math.max(largest, value)];
  });
  if (kind === "rescale") return { ...open, offset: least, width: largest - least };
  if (kind !== "zscore" || count === 0) return open;
  let squares = 0;
  each((value) => { squares += (value - sum / count) ** 2; });
  return { ...open, offset: sum / count, width: Math.sqrt(squares / count) };
}

// Where an image is not zero, holes filled: all but the zeros that the border reaches over the sides of pixels.
function filled({ values, sizes, channels }, rank) {
  const count = sizes[0] * sizes[1] * sizes[2];
  const inside = new Uint8Array(count).fill(1);
  const strides = [sizes[1] * sizes[2], sizes[2], 1];
  const axes = rank === 2 ? [1, 2] : [0, 1, 2];
  const along = (pixel, axis) => Math.floor(pixel / strides[axis]) % sizes[axis];
  const zero = (pixel) => values.subarray(pixel * channels, (pixel + 1) * channels).every((value) => value === 0);
  const waiting = [];
  const reach = (pixel) => {
    if (!inside[pixel] || !zero(pixel)) return;
    inside[pixel] = 0;
    waiting.push(pixel);
  };
  for (let pixel = 0; pixel < count; pixel++) {
    if (axes.some((axis) => along(pixel, axis) % (sizes[axis] - 1 || 1) === 0)) reach(pixel);
  }
  while (waiting.length) {
    const pixel = waiting.pop();
    for (const axis of axes) {
      const place = along(pixel, axis);
      if (place > 0) reach(pixel - strides[axis]);
      if (place < sizes[axis] - 1) reach(pixel + strides[axis]);
    }
  }
  return inside;
}
