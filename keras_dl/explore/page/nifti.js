// NIfTI files as keras_dl.data.segmentation.nifti reads them: checked, scaled, turned to the canonical orientation.

import { affineOf, invertible, norms, orientation } from "./orientation.js";

const GZIP = [0x1f, 0x8b];
const MILLIMETRES = { 1: 1000, 2: 1, 3: 0.001 }; // of the units of length: metres, millimetres, micrometres
const CONTRADICTION = 2; // times that the sizes of a voxel may differ in one header
// Where the fields of the two kinds of header are, and of which type; magic: bytes that say that voxels follow.
const HEADERS = {
  348: {
    magic: [344, [0x6e, 0x2b, 0x31, 0]],
    dim: [40, "Int16", 8], type: [70, "Int16"], pixdim: [76, "Float32", 8], offset: [108, "Float32"],
    slope: [112, "Float32"], inter: [116, "Float32"], units: [123, "Uint8"], qform: [252, "Int16"],
    sform: [254, "Int16"], quatern: [256, "Float32", 3], srow: [280, "Float32", 12],
  },
  540: {
    magic: [4, [0x6e, 0x2b, 0x32, 0, 0x0d, 0x0a, 0x1a, 0x0a]],
    dim: [16, "BigInt64", 8], type: [12, "Int16"], pixdim: [104, "Float64", 8], offset: [168, "BigInt64"],
    slope: [176, "Float64"], inter: [184, "Float64"], units: [500, "Int32"], qform: [344, "Int32"],
    sform: [348, "Int32"], quatern: [352, "Float64", 3], srow: [400, "Float64", 12],
  },
};
// Codes of the types of voxels that are one real number.
const TYPES = {
  2: "Uint8", 4: "Int16", 8: "Int32", 16: "Float32", 64: "Float64", 256: "Int8", 512: "Uint16", 768: "Uint32",
  1024: "BigInt64", 1280: "BigUint64",
};

const bytesOf = (type) => Number(type.match(/\d+/)[0]) / 8;

export const isNifti = (name) => /\.nii(\.gz)?$/i.test(name);

// Reads a file: `values` of voxels with the channels last, `sizes` and `spacing` in mm along the right, the front and
// up, as far as the axes run so. Sentences say what is wrong with a file.
export async function readNifti(file) {
  const fault = (text) => new Error(`${file.name} cannot be shown: ${text}.`);
  const view = new DataView(await content(file, fault));
  const header = read(view, fault);
  const shape = shapeOf(header, fault);
  check(header, shape, view.byteLength, fault);
  const affine = affineOf(header);
  if (!invertible(affine)) throw fault("its header's matrix has no inverse, so that its axes have no direction");
  const { values, sizes, from } = turned(view, header, shape, orientation(affine));
  const edges = norms(affine).map((edge) => edge * (MILLIMETRES[header.units & 7] ?? 1));
  const flat = from.indexOf(2);
  const kept = [0, 1, 2].filter((axis) => !shape.flat || axis !== flat);
  return {
    values,
    sizes: kept.map((axis) => sizes[axis]),
    spacing: kept.map((axis) => edges[from[axis]]),
    channels: shape.channels,
    oriented: !shape.flat,
    name: file.name,
  };
}

// The bytes of a file, decompressed, its checksum among what is checked.
async function content(file, fault) {
  const bytes = await file.arrayBuffer();
  if (!new Uint8Array(bytes.slice(0, 2)).every((byte, place) => byte === GZIP[place])) return bytes;
  if (bytes.byteLength < 2) return bytes;
  try {
    return await new Response(new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"))).arrayBuffer();
  } catch {
    throw fault("its compression is damaged, or the file ends too early");
  }
}

function read(view, fault) {
  const first = [true, false].map((little) => (view.byteLength < 4 ? 0 : view.getInt32(0, little)));
  const size = first.find((number) => number in HEADERS);
  if (!size || view.byteLength < size) throw fault("it is no NIfTI file, which begins with the size of its header");
  const little = first[0] === size;
  const { magic: [start, bytes], ...fields } = HEADERS[size];
  if (bytes.some((byte, place) => view.getUint8(start + place) !== byte)) {
    throw fault("its header does not say that voxels follow, as those of a NIfTI file (.nii) do");
  }
  const number = ([at, type], place = 0) => Number(view[`get${type}`](at + place * bytesOf(type), little));
  const entries = Object.entries(fields).map(([name, field]) => {
    const [, , count] = field;
    return [name, count ? Array.from({ length: count }, (_, place) => number(field, place)) : number(field)];
  });
  return { ...Object.fromEntries(entries), little, size };
}

// The sizes of the three axes, the number of channels, and whether there are but two axes.
function shapeOf({ dim }, fault) {
  const [rank, ...lengths] = dim;
  const shape = lengths.slice(0, Math.max(0, rank));
  if (shape.length === 4 && shape[3] === 1) shape.pop();
  if (rank < 1 || rank > 7 || shape.length < 2 || shape.length > 4 || shape.some((length) => length < 1)) {
    throw fault(`a volume has three axes, or four with channels, and this one is ${shape.join(" x ") || "empty"}`);
  }
  const [width, height, depth = 1, channels = 1] = shape;
  return { sizes: [width, height, depth], channels, flat: shape.length === 2 };
}

// Refuses headers that contradict themselves or their file; see keras_dl.data.segmentation.nifti_header.
function check(header, { sizes, channels, flat }, length, fault) {
  if (!(header.type in TYPES)) throw fault("its voxels are colours or complex numbers, not one real number each");
  const axes = flat ? 2 : 3;
  const pixels = header.pixdim.slice(1, 1 + axes).map(Math.abs);
  if (header.sform <= 0 && !pixels.every((pixel) => Number.isFinite(pixel) && pixel > 0)) {
    throw fault("its header does not say how large voxels are");
  }
  if (header.sform > 0 && header.qform > 0) {
    const edges = norms(affineOf(header)).slice(0, axes);
    if (edges.some((edge, axis) => Math.max(edge, pixels[axis]) > CONTRADICTION * Math.min(edge, pixels[axis]))) {
      throw fault("its header gives voxels two sizes, by its s-form and by its q-form");
    }
  }
  const slice = sizes[0] * sizes[1] * bytesOf(TYPES[header.type]);
  const rest = length - header.offset - slice * sizes[2] * channels;
  if (header.offset < header.size || rest < 0) {
    throw fault(`it ends too early: its header speaks of ${sizes.join(" x ")} voxels`);
  }
  if (rest >= slice) throw fault(`its header speaks of ${sizes.join(" x ")} voxels, behind which there are more`);
}

// Voxels in canonical orientation: `from` is the axis of the file that each canonical one is.
function turned(view, header, { sizes, channels }, axes) {
  const [type, { little, offset }] = [TYPES[header.type], header];
  const scaled = header.slope !== 0 && Number.isFinite(header.slope);
  const [slope, inter] = scaled ? [header.slope, header.inter] : [1, 0];
  const from = [0, 1, 2].map((axis) => axes.findIndex((one) => one.axis === axis));
  const lengths = from.map((axis) => sizes[axis]);
  const strides = [1, sizes[0], sizes[0] * sizes[1]];
  const [bytes, size] = [bytesOf(type), sizes[0] * sizes[1] * sizes[2]];
  const get = view[`get${type}`].bind(view);
  const values = new Float32Array(size * channels);
  const step = from.map((axis) => (axes[axis].reversed ? -1 : 1) * strides[axis]);
  const start = from.reduce((sum, axis) => sum + (axes[axis].reversed ? (sizes[axis] - 1) * strides[axis] : 0), 0);
  let place = 0;
  for (let i = 0; i < lengths[0]; i++) {
    for (let j = 0; j < lengths[1]; j++) {
      for (let k = 0; k < lengths[2]; k++) {
        const voxel = start + i * step[0] + j * step[1] + k * step[2];
        for (let channel = 0; channel < channels; channel++) {
          const raw = Number(get(offset + (voxel + channel * size) * bytes, little));
          values[place++] = raw * slope + inter;
        }
      }
    }
  }
  return { values, sizes: lengths, from };
}
