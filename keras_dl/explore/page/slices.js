// Slices of images with the classes of their pixels over them. Images are { values, sizes, channels, spacing, ... }
// with three sizes, of which an image in the plane has 1 as its first.

export const PALETTE = [
  [217, 115, 13], [47, 129, 247], [45, 164, 78], [191, 57, 137], [154, 103, 0], [130, 80, 223],
];
const DRAWS = 10_000; // values by which the range of grey is chosen
const TAIL = 0.005; // share of them that may be black, or white, at either end

export const tint = (label) => PALETTE[(label - 1) % PALETTE.length];

// The values that are drawn black and white: 0 and white of pictures, all but the extremes of scans.
export function greys({ values, white, bytes }) {
  if (bytes) return [0, Math.max(...[white].flat())];
  const step = Math.ceil(values.length / DRAWS);
  const some = values.filter((_, place) => place % step === 0).sort();
  const [low, high] = [TAIL, 1 - TAIL].map((share) => some[Math.round(share * (some.length - 1))]);
  return [low, high > low ? high : low + 1];
}

// The axes that run down and to the right in a slice across an axis; up instead of down where the axes are those of a
// body, of which the first runs to the right.
function plane(axis, oriented) {
  const [first, second] = [0, 1, 2].filter((one) => one !== axis);
  return oriented ? { down: second, right: first } : { down: first, right: second };
}

// Draws the slice of a number across an axis; `labels` may be null. Three channels are colours if they are bytes.
export function drawSlice(canvas, image, labels, { axis, number, channel, opacity, range: [low, high] }) {
  const { down, right } = plane(axis, image.oriented);
  const [height, width] = [image.sizes[down], image.sizes[right]];
  const strides = [image.sizes[1] * image.sizes[2], image.sizes[2], 1];
  const pixels = new ImageData(width, height);
  const colours = hasColours(image);
  for (let row = 0; row < height; row++) {
    const place = image.oriented ? height - 1 - row : row;
    for (let column = 0; column < width; column++) {
      const pixel = number * strides[axis] + place * strides[down] + column * strides[right];
      const tone = labels?.[pixel] ? tint(labels[pixel]) : null;
      for (let part = 0; part < 3; part++) {
        const value = image.values[pixel * image.channels + (colours ? part : channel)];
        const grey = (255 * (value - low)) / (high - low);
        const mixed = tone ? (1 - opacity) * Math.min(255, Math.max(0, grey)) + opacity * tone[part] : grey;
        pixels.data[4 * (row * width + column) + part] = mixed;
      }
      pixels.data[4 * (row * width + column) + 3] = 255;
    }
  }
  Object.assign(canvas, { width, height }).getContext("2d").putImageData(pixels, 0, 0);
  const edges = image.rank === 2 ? [1, ...image.spacing] : image.spacing;
  canvas.style.aspectRatio = `${width * edges[right]} / ${height * edges[down]}`;
}

export const hasColours = (image) => Boolean(image.bytes) && image.channels === 3;
