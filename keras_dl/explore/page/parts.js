// Parts of several views: choosers of images and of classes, numbers beside sliders, work of which the newest counts.

import { draw, fromFile } from "./images.js";

export const byId = (name) => document.getElementById(name);

export function element(tag, properties = {}, ...children) {
  const node = Object.assign(document.createElement(tag), properties);
  node.append(...children);
  return node;
}

// Lets only the newest of several calls follow one that is still at work.
export function newest(work) {
  let waiting = null;
  let busy = false;
  return async (...values) => {
    waiting = values;
    if (busy) return;
    busy = true;
    try {
      while (waiting) {
        const next = waiting;
        waiting = null;
        await work(...next);
      }
    } finally {
      busy = false;
    }
  };
}

// Shows the value of a slider beside its name, and calls `use` when it moves.
export function slider(name, use, unit = "") {
  const input = byId(name);
  const show = () => {
    document.querySelector(`output[for=${name}]`).value = input.value + unit;
  };
  input.addEventListener("input", () => {
    show();
    use(Number(input.value));
  });
  show();
  return input;
}

// Offers what a model's signature takes as a condition: a class, or several attributes, of which those without classes
// are numbers. Calls `use` when another is chosen.
export class Condition {
  constructor(name, explorer, signature, use) {
    const { manifest, models } = explorer;
    const shape = models.takes(signature, "condition") ? models.shape(signature, "condition") : null;
    this.inputs = [];
    if (shape === null) return;
    const label = byId(name).parentElement;
    if (shape.length === 1) {
      const count = manifest.conditions?.[0] ?? 10;
      const names = manifest.classes ?? Array.from({ length: count }, (_, number) => String(number));
      byId(name).append(...options(names));
      label.hidden = false;
      this.inputs.push(byId(name));
    } else {
      this.inputs = Array.from({ length: shape[1] }, (_, place) => attribute(`${name}-${place}`, manifest, place));
      label.after(...this.inputs.map((input, place) => element("label", {}, `Attribute ${place} `, input)));
    }
    this.inputs.forEach((input) => input.addEventListener("change", use));
  }

  // The chosen condition of so many rows, one after another.
  rows(count) {
    const one = this.inputs.map((input) => Number(input.value));
    return Array.from({ length: count }, () => one).flat();
  }

  // Chooses the class of an example.
  choose(label) {
    if (label !== null && this.inputs.length === 1) this.inputs[0].value = label;
  }
}

const options = (names) => names.map((text, value) => element("option", { value }, text));

function attribute(id, manifest, place) {
  const count = manifest.conditions?.[place];
  if (!count) return element("input", { id, type: "number", step: 0.1, value: 0 });
  return element("select", { id }, ...options(Array.from({ length: count }, (_, number) => String(number))));
}

// Offers examples of the data and files, dropped or chosen; `use(values, label)` gets an image as the model takes it. A
// view may read files, take and draw examples in its own way. Returns a function that shows a sentence, or null.
export function chooser(section, explorer, use, own = {}) {
  const { shape, range } = explorer.manifest;
  const ways = {
    accept: "image/*",
    text: "Drop an image here, or choose a file ",
    read: (chosen, inverted) => fromFile(chosen, shape, range, inverted),
    take: ({ values }) => values,
    draw: (canvas, { values }) => draw(canvas, values, shape, range),
    inverts: true,
    ...own,
  };
  const place = section.querySelector(".chooser");
  const file = element("input", { type: "file", accept: ways.accept, className: "file" });
  const zone = element("label", { className: "zone" }, ways.text, file);
  const inverted = element("input", { type: "checkbox" });
  const alarm = element("p", { className: "alarm", hidden: true });
  alarm.setAttribute("role", "alert");
  const say = (text) => Object.assign(alarm, { textContent: text ?? "", hidden: !text });
  let last = null;
  const read = async (chosen) => {
    if (!chosen) return;
    last = chosen;
    say(null);
    try {
      use(await ways.read(chosen, inverted.checked), null);
    } catch (error) {
      say(error.message);
    }
  };
  file.addEventListener("change", () => read(file.files[0]));
  inverted.addEventListener("change", () => read(last));
  zone.addEventListener("dragover", (event) => event.preventDefault());
  zone.addEventListener("drop", (event) => {
    event.preventDefault();
    read(event.dataTransfer.files[0]);
  });
  const box = element("label", {}, inverted, " it is dark on light: invert it");
  place.append(examples(explorer, use, ways), zone, ...(ways.inverts ? [box] : []), alarm);
  return say;
}

function examples(explorer, use, ways) {
  const list = element("div", { className: "examples" });
  explorer.examples.forEach((example, place) => {
    const canvas = element("canvas", { className: "pixels" });
    ways.draw(canvas, example);
    const button = element("button", {}, canvas);
    const { label } = example;
    const of = label === null ? "" : `, class ${explorer.manifest.classes?.[label] ?? label}`;
    button.setAttribute("aria-label", `Example ${place + 1}${of}`);
    button.addEventListener("click", () => use(ways.take(example), label));
    list.append(button);
  });
  return list;
}
