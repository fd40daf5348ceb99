// The view of a field: a network of coordinates, computed again at every enlargement.

import { draw } from "./images.js";
import { byId, newest } from "./parts.js";

const SIZE = 128; // pixels per side
const MOST = 64; // times enlarged
const STEP = 0.2; // of the window, that an arrow key moves it by
const KEYS = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };

export class Zoom {
  constructor(explorer) {
    this.explorer = explorer;
    this.shown = null;
    this.show = newest(() => this.compute());
    const field = byId("field");
    byId("nearer").addEventListener("click", () => this.enlarge(2));
    byId("further").addEventListener("click", () => this.enlarge(1 / 2));
    byId("whole").addEventListener("click", () => this.look(0, 0, 1));
    field.addEventListener("wheel", (event) => {
      event.preventDefault();
      this.enlarge(event.deltaY < 0 ? 1.25 : 1 / 1.25);
    });
    field.addEventListener("pointerdown", (event) => field.setPointerCapture(event.pointerId));
    field.addEventListener("pointermove", (event) => {
      if (!event.buttons) return;
      const side = field.getBoundingClientRect().width / 2;
      this.move(-event.movementY / side, -event.movementX / side);
    });
    field.addEventListener("keydown", (event) => {
      if (event.key === "+" || event.key === "-") this.enlarge(event.key === "+" ? 2 : 1 / 2);
      if (!(event.key in KEYS)) return;
      event.preventDefault();
      this.move(...KEYS[event.key].map((sign) => sign * STEP));
    });
    this.look(0, 0, 1);
  }

  // Looks at the square around a place, in coordinates from -1 to 1; `half` is half its side.
  look(down, right, half) {
    const inside = (value) => Math.min(1 - half, Math.max(half - 1, value));
    this.half = half;
    [this.down, this.right] = [inside(down), inside(right)];
    this.show();
  }

  enlarge(factor) {
    this.look(this.down, this.right, Math.min(1, Math.max(1 / MOST, this.half / factor)));
  }

  move(down, right) {
    this.look(this.down + down * this.half, this.right + right * this.half, this.half);
  }

  async compute() {
    const { down, right, half } = this;
    const x = new Float32Array(SIZE * SIZE * 2);
    for (let place = 0; place < SIZE * SIZE; place++) {
      const [row, column] = [Math.floor(place / SIZE), place % SIZE];
      x[2 * place] = down + half * ((2 * row) / (SIZE - 1) - 1);
      x[2 * place + 1] = right + half * ((2 * column) / (SIZE - 1) - 1);
    }
    const [{ values }] = Object.values(await this.explorer.models.run("predict", { x }));
    draw(byId("field"), values, [SIZE, SIZE, values.length / (SIZE * SIZE)], this.explorer.manifest.views.zoom.range);
    const text = `${(1 / half).toFixed(1)} times enlarged, around row ${down.toFixed(3)}, column ${right.toFixed(3)}`;
    byId("field-caption").textContent = text;
    byId("field").setAttribute("aria-label", `The field, ${text}`);
    this.shown = { x, values };
  }

  paint() {}
}
