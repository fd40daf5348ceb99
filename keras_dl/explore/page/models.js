// Exported signatures, computed by ONNX Runtime Web: in one thread, so that a server needs no headers of its own.

import * as ort from "./runtime/ort.js";

const ARRAYS = { float32: Float32Array, int32: Int32Array, int64: BigInt64Array, bool: Uint8Array };

const beside = (name) => new URL(`./runtime/${name}`, import.meta.url).href;
ort.env.wasm.numThreads = 1;
ort.env.wasm.wasmPaths = { mjs: beside("ort-wasm.js"), wasm: beside("ort.wasm") };

export class Models {
  constructor(signatures) {
    this.signatures = signatures;
    this.sessions = {};
    this.turn = Promise.resolve(); // a session computes one thing at a time
  }

  // The first of some signatures that there is.
  first(...names) {
    return names.find((name) => name in this.signatures);
  }

  takes(name, input) {
    return name !== undefined && this.signatures[name].inputs.some((value) => value.name === input);
  }

  // The shape of an input, of which the first axis is open.
  shape(name, input) {
    return this.signatures[name].inputs.find((value) => value.name === input).shape;
  }

  // Computes a signature. Inputs by name are values in a flat array, or { values, shape } where axes but the first are
  // open; outputs by name are { values, shape }. An input that the signature does not take is passed over.
  run(name, inputs) {
    const result = this.turn.then(() => this.compute(name, inputs));
    this.turn = result.catch(() => {});
    return result;
  }

  async compute(name, inputs) {
    const { file, inputs: expected, outputs } = this.signatures[name];
    this.sessions[name] ??= ort.InferenceSession.create(file);
    const session = await this.sessions[name];
    const feeds = {};
    for (const value of expected) feeds[value.name] = tensor(inputs[value.name], value);
    const results = await session.run(feeds);
    const tensors = outputs.map(({ name, called }) => [name, results[called]]);
    return Object.fromEntries(tensors.map(([name, { data, dims }]) => [name, { values: data, shape: dims }]));
  }
}

function tensor(input, { type, shape }) {
  const { values, shape: sizes } = input.shape ? input : { values: input, shape: [-1, ...shape.slice(1)] };
  const row = sizes.slice(1).reduce((product, size) => product * size, 1);
  const typed = ARRAYS[type].from(values, type === "int64" ? BigInt : undefined);
  return new ort.Tensor(type, typed, [values.length / row, ...sizes.slice(1)]);
}

export function softmax(scores) {
  const largest = Math.max(...scores);
  const powers = Array.from(scores, (score) => Math.exp(score - largest));
  const total = powers.reduce((sum, power) => sum + power, 0);
  return powers.map((power) => power / total);
}

// The same of each row of so many scores, in single precision.
export function softmaxRows(scores, count) {
  const result = new Float32Array(scores.length);
  for (let start = 0; start < scores.length; start += count) {
    let [largest, total] = [-Infinity, 0];
    for (let part = start; part < start + count; part++) largest = Math.max(largest, scores[part]);
    for (let part = start; part < start + count; part++) {
      result[part] = Math.exp(scores[part] - largest);
      total += result[part];
    }
    for (let part = start; part < start + count; part++) result[part] /= total;
  }
  return result;
}
