// Which way the axes of a NIfTI file run: its header's matrix, and the canonical axis that each axis is nearest to.

const column = (matrix, axis) => matrix.map((row) => row[axis]);

// The lengths of a matrix's columns.
export const norms = (matrix) => [0, 1, 2].map((axis) => Math.hypot(...column(matrix, axis)));

// The 3 x 3 matrix from voxels to space, without the shift: by the s-form, or else the q-form, or else the sizes alone,
// which are taken to run to the left, as nibabel does.
export function affineOf({ sform, qform, srow, quatern, pixdim }) {
  if (sform > 0) return [0, 4, 8].map((start) => srow.slice(start, start + 3));
  const [right, front, up] = pixdim.slice(1, 4).map((size) => Math.abs(size) || 1);
  if (qform <= 0) return [[-right, 0, 0], [0, front, 0], [0, 0, up]];
  const edges = [right, front, pixdim[0] === -1 ? -up : up];
  return rotation(quatern).map((row) => row.map((part, axis) => part * edges[axis]));
}

// The rotation of a unit quaternion, of which the last three parts are given.
function rotation([b, c, d]) {
  const a = Math.sqrt(Math.max(0, 1 - (b * b + c * c + d * d)));
  return [
    [a * a + b * b - c * c - d * d, 2 * (b * c - a * d), 2 * (b * d + a * c)],
    [2 * (b * c + a * d), a * a + c * c - b * b - d * d, 2 * (c * d - a * b)],
    [2 * (b * d - a * c), 2 * (c * d + a * b), a * a + d * d - b * b - c * c],
  ];
}

function cross([a, b, c], [d, e, f]) {
  return [b * f - c * e, c * d - a * f, a * e - b * d];
}

const dot = (one, other) => one.reduce((sum, part, place) => sum + part * other[place], 0);

// The transposed inverse, whose rows are cross products over the determinant.
function transposedInverse([a, b, c]) {
  const determinant = dot(a, cross(b, c));
  return [cross(b, c), cross(c, a), cross(a, b)].map((row) => row.map((part) => part / determinant));
}

// Whether the axes span space, whatever their unit.
export function invertible(matrix) {
  const edges = norms(matrix);
  if (!edges.every((edge) => Number.isFinite(edge) && edge > 0)) return false;
  const [a, b, c] = matrix.map((row) => row.map((part, axis) => part / edges[axis]));
  return Math.abs(dot(a, cross(b, c))) > 1e-6;
}

// For each axis of the file: the canonical axis that it is nearest to, and whether it runs against it. Shears are taken
// out first: the nearest rotation is the limit of the mean of a matrix and its transposed inverse (Higham 1986).
export function orientation(matrix) {
  const edges = norms(matrix);
  let turned = matrix.map((row) => row.map((part, axis) => part / edges[axis]));
  for (let step = 0; step < 100; step++) {
    const other = transposedInverse(turned);
    turned = turned.map((row, place) => row.map((part, axis) => (part + other[place][axis]) / 2));
  }
  const strength = (axis) => Math.max(...column(turned, axis).map(Math.abs));
  const order = [0, 1, 2].sort((one, other) => strength(other) - strength(one));
  const [axes, free] = [[], [0, 1, 2]];
  for (const axis of order) { // the strongest choose first
    const parts = column(turned, axis);
    const chosen = free.reduce((best, one) => (Math.abs(parts[one]) > Math.abs(parts[best]) ? one : best));
    free.splice(free.indexOf(chosen), 1);
    axes[axis] = { axis: chosen, reversed: parts[chosen] < 0 };
  }
  return axes;
}
