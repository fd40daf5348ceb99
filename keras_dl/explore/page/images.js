// Images as arrays of rows, columns and channels: drawn, read out of files, shifted and turned.

const SIDE = 480; // pixels of a plane of points
const REACH = 3; // standard deviations
const GAP = 1; // pixels between the images of a sheet
const SMOOTH = { colorSpaceConversion: "none", resizeQuality: "high" };

export const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

// Draws one sample: an image, or a point in the plane.
export function draw(canvas, values, shape, range) {
  sheet(canvas, values, shape, range, 1);
}

// Draws samples beside one another, in rows of so many columns; points in the plane into one plane.
export function sheet(canvas, values, shape, range, columns) {
  if (shape.length !== 3) {
    points(canvas, values, shape[0], range);
    return;
  }
  const [height, width, channels] = shape;
  const count = values.length / (height * width * channels);
  const rows = Math.ceil(count / columns);
  canvas.width = columns * (width + GAP) - GAP;
  canvas.height = rows * (height + GAP) - GAP;
  const context = canvas.getContext("2d");
  for (let place = 0; place < count; place++) {
    const pixels = bytes(values.subarray(place * height * width * channels), shape, range);
    const [left, top] = [(place % columns) * (width + GAP), Math.floor(place / columns) * (height + GAP)];
    context.putImageData(new ImageData(pixels, width, height), left, top);
  }
}

function bytes(values, [height, width, channels], [low, high]) {
  const pixels = new Uint8ClampedArray(height * width * 4);
  for (let place = 0; place < height * width; place++) {
    for (let part = 0; part < 3; part++) {
      const value = values[place * channels + (channels >= 3 ? part : 0)];
      pixels[place * 4 + part] = (255 * (value - low)) / (high - low);
    }
    pixels[place * 4 + 3] = 255;
  }
  return pixels;
}

// A few examples do not reach as far as data do: the plane ends at three deviations at least.
function points(canvas, values, size, range) {
  const [low, high] = [Math.min(-REACH, range[0]), Math.max(REACH, range[1])];
  canvas.width = canvas.height = SIDE;
  canvas.style.maxWidth = "min(100%, 32rem)";
  const context = canvas.getContext("2d");
  const scale = (value) => ((value - low) / (high - low)) * SIDE;
  const radius = values.length > size ? 2.5 : 8; // of many, or of one
  context.fillStyle = colour("--link");
  for (let place = 0; place < values.length; place += size) {
    context.beginPath();
    context.arc(scale(values[place]), SIDE - scale(values[place + 1]), radius, 0, 2 * Math.PI);
    context.fill();
  }
}

async function decoded(file) {
  try {
    return await createImageBitmap(file, { colorSpaceConversion: "none" });
  } catch {
    throw new Error(`${file.name} cannot be shown: it is no image that browsers read, or it is damaged.`);
  }
}

// The colours of a bitmap's pixels, four bytes each.
function pixelsOf(bitmap) {
  const { width, height } = bitmap;
  const context = Object.assign(document.createElement("canvas"), { width, height }).getContext("2d");
  context.drawImage(bitmap, 0, 0);
  return context.getImageData(0, 0, width, height).data;
}

// Shares of white in the pixels, in as many channels as the model takes: colours, or their luma.
function shares(pixels, channels, inverted) {
  const values = new Float32Array((pixels.length / 4) * channels);
  for (let place = 0; place < pixels.length / 4; place++) {
    const [red, green, blue] = pixels.subarray(place * 4);
    const parts = channels >= 3 ? [red, green, blue] : [0.299 * red + 0.587 * green + 0.114 * blue];
    parts.forEach((part, channel) => {
      values[place * channels + channel] = inverted ? 1 - part / 255 : part / 255;
    });
  }
  return values;
}

// Reads an image file as the model takes images: its middle, in the model's size, channels and range.
export async function fromFile(file, [height, width, channels], [low, high], inverted) {
  const whole = await decoded(file);
  const scale = Math.min(whole.width / width, whole.height / height);
  const [w, h] = [Math.max(1, Math.round(scale * width)), Math.max(1, Math.round(scale * height))];
  const [left, top] = [Math.floor((whole.width - w) / 2), Math.floor((whole.height - h) / 2)];
  const size = { resizeWidth: width, resizeHeight: height };
  const resized = await createImageBitmap(whole, left, top, w, h, { ...SMOOTH, ...size });
  return shares(pixelsOf(resized), channels, inverted).map((share) => low + (high - low) * share);
}

// Reads an image file in its own size, with values from 0 to 255, in the channels of a model.
export async function fromPicture(file, channels) {
  const bitmap = await decoded(file);
  const pixels = pixelsOf(bitmap);
  if (channels !== 1 && channels !== 3) {
    const text = `the model takes ${channels} channels, and pictures have 1 or 3`;
    throw new Error(`${file.name} cannot be segmented: ${text}.`);
  }
  const values = shares(pixels, channels, false).map((share) => 255 * share);
  const notes = channels === 1 && coloured(pixels) ? ["Its colours have become grey."] : [];
  if (await isDeep(file)) notes.push("The file has 16 bits per channel, of which browsers read eight.");
  const sizes = [bitmap.height, bitmap.width];
  return { values, sizes, channels, spacing: [1, 1], bytes: true, name: file.name, note: notes.join(" ") };
}

const coloured = (pixels) => pixels.some((part, place) => place % 4 === 1 && part !== pixels[place - 1])
  || pixels.some((part, place) => place % 4 === 2 && part !== pixels[place - 1]);

// Whether a file is a PNG of 16 bits per channel.
async function isDeep(file) {
  const bytes = new Uint8Array(await file.slice(0, 26).arrayBuffer());
  return bytes[0] === 0x89 && bytes[1] === 0x50 && bytes[24] === 16;
}

// Shifts an image by whole pixels; what leaves it on one side comes back on the other.
export function shifted(values, [height, width, channels], down, right) {
  const result = new Float32Array(values.length);
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      const [from, at] = [(row - down + 4 * height) % height, (column - right + 4 * width) % width];
      for (let channel = 0; channel < channels; channel++) {
        result[(row * width + column) * channels + channel] = values[(from * width + at) * channels + channel];
      }
    }
  }
  return result;
}

// Turns an image counterclockwise about its middle, by linear interpolation; quarter turns of squares are exact.
export function turned(values, [height, width, channels], degrees, outside = 0) {
  const result = new Float32Array(values.length);
  const [cosine, sine] = [Math.cos, Math.sin].map((f) => Math.round(f((degrees * Math.PI) / 180) * 1e12) / 1e12);
  const [middle, centre] = [(height - 1) / 2, (width - 1) / 2];
  const pixel = (row, column, channel) => {
    const inside = row >= 0 && row < height && column >= 0 && column < width;
    return inside ? values[(row * width + column) * channels + channel] : outside;
  };
  for (let row = 0; row < height; row++) {
    for (let column = 0; column < width; column++) {
      const y = middle + (row - middle) * cosine + (column - centre) * sine;
      const x = centre - (row - middle) * sine + (column - centre) * cosine;
      const [top, left] = [Math.floor(y), Math.floor(x)];
      const [lower, further] = [y - top, x - left];
      for (let channel = 0; channel < channels; channel++) {
        const above = (1 - further) * pixel(top, left, channel) + further * pixel(top, left + 1, channel);
        const below = (1 - further) * pixel(top + 1, left, channel) + further * pixel(top + 1, left + 1, channel);
        result[(row * width + column) * channels + channel] = (1 - lower) * above + lower * below;
      }
    }
  }
  return result;
}
