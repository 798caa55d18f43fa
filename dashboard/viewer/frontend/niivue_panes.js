// Visits in NiiVue: three planes and 3D, linked in millimetres. Python joins draw.js, slices.js and this file; where
// the browser has no WebGL2, or NiiVue does not start, the plain viewer of slices.js is shown and says why.

const VIEWS = { axial: 0, coronal: 1, sagittal: 2, multiplanar: 3, render: 4 }; // NiiVue's SLICE_TYPE
const DRAGS = { pan: 3, windowing: 9 }; // NiiVue's DRAG_MODE
const OPTIONS = { isRadiologicalConvention: true, sagittalNoseLeft: true, showAllOrientationMarkers: true,
  fontColor: [0.95, 0.96, 0.97, 1], crosshairColor: [0.75, 0.88, 0.55, 0.7], crosshairWidth: 0.25, crosshairGap: 2,
  crosshairWidthUnit: "mm", dragModePrimary: 8, multiplanarLayout: 2, multiplanarShowRender: 1,
  clipPlaneColor: [0, 0, 0, 0], isClipAllVolumes: false, renderOverlayBlend: 1, isResizeCanvas: true, loadingText: "",
  backColor: [0.06, 0.07, 0.09, 1], dragAndDropEnabled: false, logLevel: "error" };
const CUT_AWAY = [0, 90, 0]; // clip plane through the middle, seen from the side, so that the lesion shows in 3D
const VOLUMES = new WeakMap();
let library = null; // one copy for all viewers of the page

function showVolumes({ parentElement, data }) {
  const before = VOLUMES.get(parentElement);
  if (before?.signature === data.signature) return before.stop;
  before?.stop();
  const shown = { signature: data.signature, stopped: false, stops: [] };
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
    const volumes = new Volumes(root, data, await library);
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

async function openLibrary(packed) {
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("gzip"));
  const text = await new Response(stream).text();
  const address = URL.createObjectURL(new Blob([text], { type: "text/javascript" }));
  try { return await import(address); } finally { URL.revokeObjectURL(address); }
}

// A NIfTI file around bytes stored with k running fastest: its first axis is superior, its last one right.
function nifti(bytes, shape, spacing, origin) {
  const file = new ArrayBuffer(352 + bytes.length), head = new DataView(file);
  const short = (at, ...values) => values.forEach((value, n) => head.setInt16(at + 2 * n, value, true));
  const float = (at, ...values) => values.forEach((value, n) => head.setFloat32(at + 4 * n, value, true));
  head.setInt32(0, 348, true);
  short(40, 3, shape[2], shape[1], shape[0], 1, 1, 1, 1);
  short(70, 2, 8); // unsigned bytes
  float(76, 1, spacing[2], spacing[1], spacing[0]);
  float(108, 352, 1); // first voxel, slope
  head.setUint8(123, 2); // millimetres
  short(254, 1); // the matrix below is the scanner's
  float(280, 0, 0, spacing[0], origin[0], 0, spacing[1], 0, origin[1], spacing[2], 0, 0, origin[2]);
  head.setInt32(344, 0x00312b6e, true); // "n+1"
  new Uint8Array(file, 352).set(bytes);
  return file;
}

class Volumes {
  constructor(root, data, lib) {
    Object.assign(this, { root, data, lib, viewers: [], off: new Set(), gone: new AbortController() });
    this.view = { view: "multiplanar", drag: "windowing", opacity: 0.45 };
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
    });
    this.listen();
  }

  listen() {
    const { signal } = this.gone;
    this.root.addEventListener("click", ({ target }) => {
      const act = target.closest("[data-act]")?.dataset.act.split(":");
      if (act) this.act(...act);
    }, { signal });
    this.root.addEventListener("input", ({ target }) => this.act(target.dataset.value, Number(target.value)), { signal });
    this.root.addEventListener("keydown", (event) => {
      if (event.target.matches("canvas")) event.stopPropagation(); // or Streamlit's own shortcuts answer too
    }, { signal });
  }

  async load(isStopped) {
    const { data } = this;
    for (const [n, canvas] of this.canvases.entries()) {
      const viewer = new this.lib.Niivue(OPTIONS);
      await viewer.attachToCanvas(canvas, false);
      this.viewers.push(viewer);
      viewer.addVolume(await this.image(bytesOf(data[`v${n}`]), "scan.nii"));
      const labels = bytesOf(data[`l${n}`]);
      if (labels) {
        const mask = await this.image(labels, "mask.nii");
        mask.setColormapLabel(this.lookup());
        viewer.addVolume(mask);
      }
      if (isStopped()) return this.stop();
      viewer.setClipPlane(CUT_AWAY);
      viewer.onLocationChange = ({ mm }) => this.located(mm);
    }
    const links = { "2d": true, "3d": true, zoomPan: true, cal_min: true, cal_max: true };
    for (const viewer of this.viewers) viewer.broadcastTo(this.viewers.filter((other) => other !== viewer), links);
    this.act("home");
    for (const [name, value] of Object.entries(this.view)) this.act(name, name === "opacity" ? 100 * value : value);
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

  act(name, value) {
    const each = (change) => this.viewers.forEach(change);
    const masks = (change) => each((viewer) => { if (viewer.volumes[1]) change(viewer, viewer.volumes[1]); });
    const acts = {
      view: () => { this.view.view = value; each((viewer) => viewer.setSliceType(VIEWS[value])); },
      drag: () => { this.view.drag = value; each((viewer) => { viewer.opts.dragMode = DRAGS[value]; }); },
      opacity: () => { this.view.opacity = value / 100; masks((viewer) => viewer.setOpacity(1, value / 100)); },
      preset: () => each((viewer) => {
        [viewer.volumes[0].cal_min, viewer.volumes[0].cal_max] = this.data.presets[value].slice(1);
        viewer.updateGLVolume();
      }),
      outline: () => {
        if (!this.off.delete(Number(value))) this.off.add(Number(value));
        masks((viewer, mask) => { mask.setColormapLabel(this.lookup()); viewer.updateGLVolume(); });
      },
      home: () => {
        const mm = this.data.start.map((at, axis) => this.origin[axis] + at * this.data.spacing_mm[axis]);
        each((viewer) => {
          viewer.scene.pan2Dxyzmm = [0, 0, 0, 1];
          viewer.scene.crosshairPos = viewer.mm2frac(mm);
        });
        this.act("preset", 0);
        this.located(mm);
      },
    };
    acts[name]?.();
    each((viewer) => viewer.drawScene());
    this.controls();
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
    }
    this.root.querySelector("[data-value='opacity']").value = 100 * this.view.opacity;
  }
}
