// Visits in NiiVue: three planes and 3D, linked in millimetres. Python joins draw.js, slices.js and this file; where
// the browser has no WebGL2, or NiiVue does not start, the plain viewer of slices.js is shown and says why.
//
// NiiVue draws the scans. Outlines are drawn by draw.js on a canvas above each, so that both viewers show the same
// lines; a mask becomes a volume of NiiVue only when somebody asks for 3D, which makes the start quick.

const VIEWS = { axial: 0, coronal: 1, sagittal: 2, multiplanar: 3, render: 4 }; // NiiVue's SLICE_TYPE
const TILES = ["axial", "coronal", "sagittal"]; // of a screen slice's axCorSag
const VOLUME_KEYS = {
  ArrowDown: ["step", -1], ArrowRight: ["step", -1], ArrowUp: ["step", 1], ArrowLeft: ["step", 1],
  PageDown: ["step", -5], PageUp: ["step", 5], Home: ["step", 1e6], End: ["step", -1e6],
  "+": ["zoom", 1.25], "=": ["zoom", 1.25], "-": ["zoom", 0.8], 0: ["home"], l: ["home"], k: ["largest", "axial"],
  s: ["view", "sagittal"], a: ["view", "axial"], c: ["view", "coronal"], m: ["view", "multiplanar"], 3: ["view", "render"],
  w: ["window"], x: ["crosshair"],
};
const DRAGS = { pan: 3, windowing: 9 }; // NiiVue's DRAG_MODE
const OPTIONS = { isRadiologicalConvention: true, sagittalNoseLeft: true, showAllOrientationMarkers: true,
  fontColor: [0.95, 0.96, 0.97, 1], crosshairColor: [0.75, 0.88, 0.55, 0.45], crosshairWidth: 0.15, crosshairGap: 6,
  crosshairWidthUnit: "mm", dragModePrimary: 8, multiplanarLayout: 2, multiplanarShowRender: 0,
  clipPlaneColor: [0, 0, 0, 0], isClipAllVolumes: false, renderOverlayBlend: 1, isResizeCanvas: true, loadingText: "",
  backColor: [0.06, 0.07, 0.09, 1], dragAndDropEnabled: false, logLevel: "error" };
const CUT_AWAY = [0, 90, 0]; // clip plane through the middle, seen from the side, so that the lesion shows in 3D
const SOLID = 0.6; // how solid masks are in 3D; in planes their outlines are drawn instead
const VOLUMES = new WeakMap();
let library = null; // one copy for all viewers of the page

function showVolumes({ parentElement, data }) {
  const before = VOLUMES.get(parentElement);
  if (before?.signature === data.signature) return before.stop;
  before?.stop();
  const shown = { signature: data.signature, stopped: false, stops: [], begun: performance.now() };
  shown.stop = () => { shown.stopped = true; shown.stops.splice(0).forEach((stop) => stop()); };
  VOLUMES.set(parentElement, shown);
  start(parentElement, data, shown);
  return shown.stop;
}

async function start(parent, data, shown) {
  const root = parent.querySelector(".volumes"), note = parent.querySelector(".fallback");
  try {
    if (!new OffscreenCanvas(1, 1).getContext("webgl2")) throw new Error("this browser offers no WebGL2");
    root.hidden = false;
    parent.querySelector(".slices").hidden = note.hidden = true;
    library ??= openLibrary(bytesOf(data.library));
    const volumes = Object.assign(new Volumes(root, data, await library), { begun: shown.begun });
    shown.stops.push(volumes.stop);
    await volumes.load(() => shown.stopped);
  } catch (error) {
    if (shown.stopped) return;
    shown.stop();
    shown.stopped = root.hidden = true;
    parent.querySelector(".slices").hidden = note.hidden = false;
    note.textContent = `Plain slice viewer, because the 3D viewer did not start: ${error.message}.`;
    shown.stops.push(showSlices({ parentElement: parent, data: { ...data, height: data.height - 30 } }));
  }
}

class Volumes {
  constructor(root, data, lib) {
    Object.assign(this, { root, data, lib, viewers: [], off: new Set(), gone: new AbortController(), cache: new Map() });
    this.view = { view: "sagittal", drag: "windowing", opacity: 1, preset: 0, crosshair: true };
    this.origin = data.origin_mm ?? [0, 0, 0];
    this.stop = () => {
      this.gone.abort();
      for (const viewer of this.viewers.splice(0)) {
        viewer.cleanup();
        viewer.gl?.getExtension("WEBGL_lose_context")?.loseContext();
      }
    };
    this.root.style.height = `${data.height}px`;
    this.canvases = buildPanes(root, data);
    this.canvases.forEach((canvas, n) => {
      const note = Object.assign(document.createElement("small"), { textContent: "no mask for this visit" });
      if (!data[`l${n}`]) canvas.closest("figure").firstElementChild.append(note);
      canvas.setAttribute("aria-describedby", "volume-hint");
      canvas.after(Object.assign(document.createElement("canvas"), { className: "marks", ariaHidden: "true" }));
    });
    this.labels = data.titles.map((_, n) => bytesOf(data[`l${n}`]));
    this.listen();
  }

  listen() {
    const { signal } = this.gone;
    this.root.addEventListener("click", ({ target }) => {
      const act = target.closest("[data-act]")?.dataset.act.split(":");
      if (act) this.act(...act);
    }, { signal });
    this.root.addEventListener("input", ({ target }) => this.act(target.dataset.value, Number(target.value)), { signal });
    this.root.addEventListener("keydown", (event) => this.onKey(event), { signal, capture: true });
    this.root.addEventListener("keyup", (event) => {
      if (event.target.matches("canvas")) event.stopPropagation(); // or NiiVue's own keys answer too
    }, { signal, capture: true });
  }

  onKey(event) {
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    if (!event.target.matches("canvas") || event.key === "Tab" || event.ctrlKey || event.metaKey || event.altKey) return;
    event.stopPropagation(); // neither NiiVue's nor Streamlit's own shortcuts
    if (!(key in VOLUME_KEYS)) return;
    event.preventDefault();
    this.act(...VOLUME_KEYS[key]);
  }

  async load(isStopped) {
    const { data } = this;
    for (const [n, canvas] of this.canvases.entries()) {
      const viewer = new this.lib.Niivue(OPTIONS);
      await viewer.attachToCanvas(canvas, false);
      this.viewers.push(viewer);
      const draw = viewer.drawScene.bind(viewer);
      viewer.drawScene = () => { const said = draw(); this.mark(n); return said; };
      viewer.addVolume(await this.image(bytesOf(data[`v${n}`]), "scan.nii"));
      if (isStopped()) return this.stop();
      viewer.setClipPlane(CUT_AWAY);
      viewer.onLocationChange = ({ mm }) => this.located(mm);
    }
    const links = { "2d": true, "3d": true, zoomPan: true, cal_min: true, cal_max: true };
    for (const viewer of this.viewers) viewer.broadcastTo(this.viewers.filter((other) => other !== viewer), links);
    this.act("view", this.view.view);
    this.act("drag", this.view.drag);
    this.act("home");
    Object.assign(this.root.dataset, { ready: "true", readyMs: Math.round(performance.now() - this.begun) });
  }

  // Masks as volumes of NiiVue, for the 3D view only.
  async solids() {
    for (const [n, viewer] of this.viewers.entries()) {
      if (viewer.volumes[1] || !this.labels[n]) continue;
      const mask = await this.image(this.labels[n], "mask.nii");
      mask.setColormapLabel(this.lookup());
      viewer.addVolume(mask);
      viewer.setOpacity(1, this.view.view === "render" ? SOLID : 0);
    }
  }

  // The outlines of every slice on the screen, where NiiVue says that its slice lies.
  mark(n) {
    const viewer = this.viewers[n], canvas = this.canvases[n], sheet = canvas.nextElementSibling;
    const { width, height } = canvas, pen = sheet.getContext("2d"), { data, view } = this;
    if (sheet.width !== width || sheet.height !== height) Object.assign(sheet, { width, height });
    pen.setTransform(1, 0, 0, 1, 0, 0);
    pen.clearRect(0, 0, width, height);
    if (!viewer?.volumes[0] || view.view === "render") return;
    const ratio = width / canvas.clientWidth || 1;
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    for (const [at, tile] of viewer.screenSlices.entries()) {
      const place = this.tile(viewer, at, tile, ratio);
      if (!place) continue;
      pen.save();
      pen.beginPath();
      pen.rect(...place.box);
      pen.clip();
      for (const [[value, , colour, filled], path] of this.outlines(n, place.plane, place.index))
        if (!this.off.has(value)) drawOutline(pen, place, { path, colour, filled, opacity: view.opacity });
      pen.restore();
    }
  }

  // Where a slice of NiiVue's lies, in CSS pixels: two of its points tell the straight line from voxels to the screen.
  tile(viewer, at, { axCorSag, leftTopWidthHeight: [left, top, wide, high] }, ratio) {
    const plane = TILES[axCorSag];
    if (!plane || !wide) return null;
    const { axis, u, v } = PLANES[plane], { shape } = this.data;
    const corner = (share) => [left + share * wide, top + share * high];
    const [from, to] = [corner(0.25), corner(0.75)];
    const [a, b] = [from, to].map(([x, y]) => viewer.screenXY2TextureFrac(x, y, at, false));
    const line = (axisOfVoxel, one, two) => {
      const gain = (two - one) / (b[axisOfVoxel] - a[axisOfVoxel]);
      return [one - gain * a[axisOfVoxel], gain]; // pixel = first + second * share of the volume
    };
    const [x0, xGain] = line(u, from[0], to[0]), [y0, yGain] = line(v, from[1], to[1]);
    const index = clamp(Math.floor(viewer.scene.crosshairPos[axis] * shape[axis]), 0, shape[axis] - 1);
    return { plane, index, left: (x0 + xGain) / ratio, top: (y0 + yGain) / ratio,
      step: [-xGain / shape[u] / ratio, -yGain / shape[v] / ratio],
      box: [left, top, wide, high].map((length) => length / ratio) };
  }

  outlines(n, plane, index) {
    const key = [n, plane, index].join();
    if (this.cache.size > 300) this.cache.clear();
    if (!this.cache.has(key))
      this.cache.set(key, outlinesOf(this.labels[n], this.data.shape, plane, index, this.data.colours));
    return this.cache.get(key);
  }

  image(bytes, name) {
    const file = nifti(bytes, this.data.shape, this.data.spacing_mm, this.origin);
    return this.lib.NVImage.new(file, name, "gray", 1, null, 1, 255, true);
  }

  lookup() {
    const table = { R: [0], G: [0], B: [0], A: [0], I: [0], labels: [""] };
    for (const [value, name, colour] of this.data.colours) {
      const pen = Object.assign(new OffscreenCanvas(1, 1).getContext("2d"), { fillStyle: colour }); // any CSS colour
      const [r, g, b] = pen.fillStyle.match(/[0-9a-f]{2}/g).map((pair) => parseInt(pair, 16));
      table.R.push(r); table.G.push(g); table.B.push(b); table.I.push(value); table.labels.push(name);
      table.A.push(this.off.has(value) ? 0 : 255);
    }
    return table;
  }

  // Everything a person can do, by mouse, key or control.
  act(name, value) {
    const { view, data } = this, each = (change) => this.viewers.forEach(change);
    const plane = PLANES[view.view] ?? PLANES.sagittal;
    const acts = {
      view: () => {
        view.view = value;
        each((viewer) => viewer.setSliceType(VIEWS[value]));
        each((viewer) => { if (viewer.volumes[1]) viewer.setOpacity(1, value === "render" ? SOLID : 0); });
        if (value === "render") this.solids().catch((error) => { this.root.querySelector(".where").value = error.message; });
      },
      drag: () => { view.drag = value; each((viewer) => { viewer.opts.dragMode = DRAGS[value]; }); },
      opacity: () => { view.opacity = value / 100; },
      window: () => this.act("preset", (view.preset + 1) % data.presets.length),
      preset: () => {
        view.preset = Number(value);
        each((viewer) => {
          [viewer.volumes[0].cal_min, viewer.volumes[0].cal_max] = data.presets[value].slice(1);
          viewer.updateGLVolume();
        });
      },
      outline: () => {
        if (!this.off.delete(Number(value))) this.off.add(Number(value));
        each((viewer) => {
          if (!viewer.volumes[1]) return;
          viewer.volumes[1].setColormapLabel(this.lookup());
          viewer.updateGLVolume();
        });
      },
      crosshair: () => {
        view.crosshair = !view.crosshair;
        each((viewer) => viewer.setCrosshairWidth(view.crosshair ? OPTIONS.crosshairWidth : 0));
      },
      step: () => {
        const last = data.shape[plane.axis] - 1, cross = this.voxel();
        cross[plane.axis] = clamp(cross[plane.axis] + value, 0, last);
        this.goTo(cross);
      },
      zoom: () => each((viewer) => {
        const [x, y, z, before] = viewer.scene.pan2Dxyzmm;
        viewer.scene.pan2Dxyzmm = [x, y, z, clamp(before * Number(value), 0.5, 20)];
      }),
      largest: () => { this.act("view", value); this.goTo(data.largest[value]); },
      home: () => {
        each((viewer) => { viewer.scene.pan2Dxyzmm = [0, 0, 0, 1]; });
        this.act("preset", 0);
        this.goTo(data.start);
      },
    };
    acts[name]?.();
    each((viewer) => viewer.drawScene());
    this.controls();
  }

  voxel() {
    const share = this.viewers[0].scene.crosshairPos;
    return this.data.shape.map((size, axis) => clamp(Math.floor(share[axis] * size), 0, size - 1));
  }

  goTo(voxel) {
    const mm = voxel.map((at, axis) => this.origin[axis] + at * this.data.spacing_mm[axis]);
    this.viewers.forEach((viewer) => { viewer.scene.crosshairPos = viewer.mm2frac(mm); });
    this.located(mm);
  }

  located(mm) {
    const letters = ["RL", "AP", "SI"].map((pair, axis) => `${pair[mm[axis] < 0 ? 1 : 0]} ${Math.abs(mm[axis]).toFixed(1)}`);
    const text = this.data.origin_mm ? `crosshair ${letters.join(" · ")} mm` : "crosshair placed";
    this.root.querySelector(".where").value = text;
    this.canvases.forEach((canvas, n) => canvas.setAttribute("aria-label", `${this.data.titles[n]}, ${text}`));
  }

  controls() {
    for (const button of this.root.querySelectorAll("[data-act]")) {
      const [name, value] = button.dataset.act.split(":");
      if (name === "outline") button.setAttribute("aria-pressed", !this.off.has(Number(value)));
      if (name === "view" || name === "drag") button.setAttribute("aria-pressed", this.view[name] === value);
      if (name === "preset") button.setAttribute("aria-pressed", this.view.preset === Number(value));
      if (name === "crosshair") button.setAttribute("aria-pressed", this.view.crosshair);
    }
    this.root.querySelector("[data-value='opacity']").value = 100 * this.view.opacity;
  }
}
