// Arrays of three sizes and channels on other grids of the same space; see keras_dl.data.segmentation.resampling.

const POLE = Math.sqrt(3) - 2; // of the filter whose inverse makes a cubic spline of samples
const PAD = 12; // samples that continue a line on either side, beyond which the filter forgets its ends
const HORIZON = 30; // terms of its first sum

// Numbers to the nearest whole one, halves to the even one, as Python rounds.
export function rounded(value) {
  const lower = Math.floor(value);
  const share = value - lower;
  if (share !== 0.5) return Math.round(value);
  return lower % 2 ? lower + 1 : lower;
}

// Another number of samples along one axis, over the same extent: `kind` is "cubic", "linear" or "nearest".
function along({ values, sizes, channels }, axis, size, kind) {
  const old = sizes[axis];
  const inner = sizes.slice(axis + 1).reduce((product, length) => product * length, channels);
  const outer = sizes.slice(0, axis).reduce((product, length) => product * length, 1);
  const result = new Float32Array(outer * size * inner);
  const line = kind === "cubic" ? new Float64Array(old + 2 * PAD) : new Float64Array(old);
  const taps = Array.from({ length: size }, (_, place) => tapsOf(kind, place, old, size));
  const pad = kind === "cubic" ? PAD : 0;
  for (let start = 0; start < outer; start++) {
    for (let part = 0; part < inner; part++) {
      for (let place = 0; place < line.length; place++) {
        const inside = Math.min(old - 1, Math.max(0, place - pad));
        line[place] = values[(start * old + inside) * inner + part];
      }
      if (kind === "cubic") filter(line);
      for (let place = 0; place < size; place++) {
        const { first, weights } = taps[place];
        let sum = 0;
        for (let tap = 0; tap < weights.length; tap++) sum += weights[tap] * line[first + tap];
        result[(start * size + place) * inner + part] = sum;
      }
    }
  }
  return { values: result, sizes: sizes.with(axis, size), channels };
}

// From which sample on, and with which weights, a new sample is a sum of old ones. Pixels are areas: the first new
// centre lies half a new pixel from the border.
function tapsOf(kind, place, old, size) {
  const centre = ((place + 0.5) * old) / size;
  if (kind === "nearest") return { first: Math.min(Math.floor(centre), old - 1), weights: [1] };
  const position = centre - 0.5;
  if (kind === "linear") {
    const inside = Math.min(old - 1, Math.max(0, position));
    const first = Math.max(0, Math.min(Math.floor(inside), old - 2));
    return { first, weights: old === 1 ? [1] : [1 - (inside - first), inside - first] };
  }
  const floor = Math.floor(position);
  const t = position - floor;
  const weights = [(1 - t) ** 3, 4 - 6 * t ** 2 + 3 * t ** 3, 1 + 3 * t + 3 * t ** 2 - 3 * t ** 3, t ** 3];
  return { first: floor - 1 + PAD, weights: weights.map((weight) => weight / 6) };
}

// Coefficients of the cubic spline through the samples of a line, in place (Unser 1999, "Splines").
function filter(line) {
  const last = line.length - 1;
  for (let place = 0; place <= last; place++) line[place] *= 6;
  let sum = 0;
  for (let place = Math.min(HORIZON, last); place >= 0; place--) sum = sum * POLE + line[place];
  line[0] = sum;
  for (let place = 1; place <= last; place++) line[place] += POLE * line[place - 1];
  line[last] = (POLE / (POLE * POLE - 1)) * (line[last] + POLE * line[last - 1]);
  for (let place = last - 1; place >= 0; place--) line[place] = POLE * (line[place + 1] - line[place]);
}

// An array on a grid of other sizes: along a coarse axis the nearest slice, along the others a spline.
export function resampled(array, sizes, kind, coarse) {
  return sizes.reduce((whole, size, axis) => {
    if (whole.sizes[axis] === size) return whole;
    return along(whole, axis, size, axis === coarse ? "nearest" : kind);
  }, array);
}

// The axis that is more than three times as coarse as the finest, before or else after resampling; null if there is
// none, or two of them.
export function coarseAxis(spacing, target) {
  for (const distances of [spacing, target]) {
    const largest = Math.max(...distances);
    if (largest > 3 * Math.min(...distances)) {
      const axes = [0, 1, 2].filter((axis) => Math.abs(distances[axis] - largest) <= 1e-4 * largest);
      return axes.length === 1 ? axes[0] : null;
    }
  }
  return null;
}
