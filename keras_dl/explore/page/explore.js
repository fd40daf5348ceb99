// The page: reads what the model is, and opens the views that the manifest names.

import { Classify } from "./classify.js";
import { Latents } from "./latents.js";
import { Models } from "./models.js";
import { byId, element } from "./parts.js";
import { Posterior } from "./posterior.js";
import { Pyramid } from "./pyramid.js";
import { Segment } from "./segment.js";
import { Styles } from "./styles.js";
import { Trajectory } from "./trajectory.js";
import { Translate } from "./translate.js";
import { Zoom } from "./zoom.js";

const VIEWS = {
  latents: Latents, posterior: Posterior, classify: Classify, segment: Segment, translate: Translate,
  trajectory: Trajectory, zoom: Zoom, pyramid: Pyramid, styles: Styles,
};

async function fetched(name, kind) {
  const answer = await fetch(name);
  if (!answer.ok) throw new Error(`${name} is missing beside the page.`);
  return answer[kind]();
}

// Examples of the data: their values as the model takes them, their shapes and labels, and what else is known of them.
async function examples(about) {
  if (!about) return [];
  const all = new Float32Array(await fetched(about.file, "arrayBuffer"));
  let start = 0;
  return about.shapes.map((shape, place) => {
    const end = start + shape.reduce((product, length) => product * length, 1);
    const values = all.subarray(start, end);
    start = end;
    return { values, shape, label: about.labels?.[place] ?? null, ...about.details?.[place] };
  });
}

async function open() {
  const manifest = await fetched("manifest.json", "json");
  document.title = byId("title").textContent = manifest.title;
  byId("about").textContent = manifest.about;
  const explorer = { manifest, models: new Models(manifest.signatures), examples: await examples(manifest.examples) };
  explorer.views = {};
  globalThis.explorer = explorer; // for the browser's console, and the tests
  for (const name of Object.keys(manifest.views)) {
    byId(name).hidden = false;
    byId("links").append(element("li", {}, element("a", { href: `#${name}` }, byId(`${name}-title`).textContent)));
    explorer.views[name] = new VIEWS[name](explorer);
  }
  window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
    Object.values(explorer.views).forEach((view) => view.paint());
  });
  await explorer.models.turn; // what the views have asked for first
  byId("status").textContent = "The model is computed here, in the browser.";
  document.documentElement.dataset.ready = "true";
  performance.mark("interactive");
}

open().catch((error) => {
  byId("status").textContent = `The model cannot be shown: ${error.message}`;
  byId("status").className = "alarm";
  console.error(error);
});
