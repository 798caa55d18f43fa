// Visits in NiiVue: three planes and 3D, linked in the reference space. Python joins draw.js, links.js, slices.js,
// niivue_marks.js, niivue_acts.js and this file; where the browser has no WebGL2, or NiiVue does not start, the plain viewer of
// slices.js is shown and says why.
//
// NiiVue draws the scans, a viewer of its own for each. The one that was touched last leads, the others follow it after
// every drawing: by the place of its crosshair's voxel, by zoom, turn and window. A mask becomes a volume of NiiVue only
// when somebody asks for 3D, which makes the start quick; elsewhere outlines are drawn by niivue_marks.js.

const VIEWS = { axial: 0, coronal: 1, sagittal: 2, multiplanar: 3, render: 4 }; // NiiVue's SLICE_TYPE
const VOLUME_KEYS = { ...SHARED_KEYS, o: ["view", "multiplanar"], 3: ["view", "render"],
  s: ["view", "sagittal"], a: ["view", "axial"], c: ["view", "coronal"], 0: ["home"] };
const DRAGS = { pan: 3, windowing: 9 }; // NiiVue's DRAG_MODE
const OPTIONS = { isRadiologicalConvention: true, sagittalNoseLeft: true, showAllOrientationMarkers: true,
  fontColor: [0.95, 0.96, 0.97, 1], crosshairColor: [0.75, 0.88, 0.55, 0.45], crosshairWidth: 0, crosshairGap: 6,
  crosshairWidthUnit: "mm", dragModePrimary: 8, multiplanarLayout: 2, multiplanarShowRender: 0,
  clipPlaneColor: [0, 0, 0, 0], isClipAllVolumes: false, renderOverlayBlend: 1, isResizeCanvas: true, loadingText: "",
  backColor: [0.06, 0.07, 0.09, 1], dragAndDropEnabled: false, logLevel: "error" };
const CUT_AWAY = [0, 90, 0]; // clip plane through the middle, seen from the side, so that the lesion shows in 3D
const CROSS_3D_MM = 0.15; // thickness of the crosshair's lines in 3D
const SOLID = 0.6; // how solid masks are in 3D; in planes their outlines are drawn instead
const VOLUMES = new WeakMap();
let library = null; // one copy for all viewers of the page

function showVolumes({ parentElement, data, setTriggerValue }) {
  const before = VOLUMES.get(parentElement);
  if (before?.signature === data.signature) return before.stop;
  before?.stop();
  const shown = { signature: data.signature, stopped: false, stops: [], begun: performance.now() };
  shown.stop = () => { shown.stopped = true; shown.stops.splice(0).forEach((stop) => stop()); };
  VOLUMES.set(parentElement, shown);
  start(parentElement, { ...data, keep: (words) => setTriggerValue("linked", words) }, shown);
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
    note.hidden = false;
    const isOwn = data.grids.some(({ to }) => to), why = `because the 3D viewer did not start: ${error.message}.`;
    parent.querySelector(".slices").hidden = isOwn;
    note.textContent = isOwn ? `Scans in their own grids cannot be shown here, ${why} Switch "own grids" off.`
      : `Plain slice viewer, ${why}`;
    if (!isOwn) shown.stops.push(showSlices({ parentElement: parent, data: { ...data, height: data.height && data.height - 30 } }));
  }
}

class Volumes extends Sheets {
  constructor(root, data, lib) {
    super();
    Object.assign(this, { root, data, lib, viewers: [], off: new Set(), gone: new AbortController(), cache: new Map(),
      frames: framesOf(data), leader: 0 });
    this.ruler = { isOn: false, line: null };
    this.view = { view: data.view, mode: "side", second: data.titles.length - 1, mix: 0.5, layout: 4, alone: data.titles.length - 1, drag: "windowing", opacity: 1,
      preset: 0, crosshair: true };
    this.stop = () => {
      this.gone.abort();
      clearInterval(this.flickering);
      for (const viewer of this.viewers.splice(0)) {
        viewer.cleanup();
        viewer.gl?.getExtension("WEBGL_lose_context")?.loseContext();
      }
    };
    giveHeight(root, data, this.gone.signal);
    buildTools(root, VOLUME_TOOLS);
    this.canvases = buildPanes(root, data);
    for (const canvas of this.canvases) {
      canvas.setAttribute("aria-describedby", "volume-hint");
      canvas.after(Object.assign(document.createElement("canvas"), { className: "marks", ariaHidden: "true" }));
    }
    this.images = data.titles.map((_, n) => bytesOf(data[`v${n}`]));
    this.labels = data.titles.map((_, n) => bytesOf(data[`l${n}`]));
    this.listen();
  }

  listen() {
    const { signal } = this.gone, on = (type, handler) =>
      this.root.addEventListener(type, handler, { signal, capture: true });
    listenForActs(this, signal);
    const sizes = new ResizeObserver(() => this.arrange());
    sizes.observe(this.root.querySelector(".panes"));
    signal.addEventListener("abort", () => sizes.disconnect());
    addEventListener("beforeprint", () => this.still(), { signal });
    addEventListener("afterprint", () => this.root.querySelectorAll("canvas.still").forEach((one) => one.remove()), { signal });
    on("keydown", (event) => this.onKey(event));
    on("keyup", (event) => {
      if (event.target.matches("canvas")) event.stopPropagation(); // or NiiVue's own keys answer too
    });
    for (const type of ["pointerdown", "wheel", "focusin"])
      on(type, ({ target }) => {
        if (!this.canvases.includes(target)) return;
        this.leader = this.canvases.indexOf(target);
        if (type !== "focusin") this.goal = null;
      });
  }

  still() { // a WebGL canvas prints black: what it shows is put into a plain one at the moment in which it is drawn
    if (!this.isReady) return;
    for (const [n, canvas] of this.canvases.entries()) {
      if (canvas.closest("figure").hidden) continue;
      this.viewers[n].drawScene();
      const { width, height } = canvas;
      const copy = Object.assign(document.createElement("canvas"), { className: "still", ariaHidden: "true", width, height });
      const pen = copy.getContext("2d", { alpha: false, willReadFrequently: true }); // one picture, not strokes to be drawn anew
      const marks = canvas.parentElement.querySelector("canvas.marks"); // on paper what was wiped for them would be white
      for (const layer of [canvas, marks]) if (layer?.width && layer.height) pen.drawImage(layer, 0, 0);
      canvas.after(copy);
    }
  }

  onKey(event) {
    if (!event.target.matches("canvas") || event.key === "Tab" || event.ctrlKey || event.metaKey || event.altKey) return;
    event.stopPropagation(); // neither NiiVue's nor Streamlit's own shortcuts
    if (pressPageKey(this, event)) return;
    const key = keyOf(event), act = event.shiftKey && key in MOVES ? ["move", MOVES[key]] : VOLUME_KEYS[key];
    if (!act) return sayUnknown(this.root, key);
    event.preventDefault();
    perform(this, ...act);
  }

  async load(isStopped) {
    for (const [n, canvas] of this.canvases.entries()) {
      const viewer = new this.lib.Niivue(OPTIONS);
      await viewer.attachToCanvas(canvas, false);
      this.viewers.push(viewer);
      const draw = viewer.drawScene.bind(viewer);
      viewer.drawScene = () => {
        if (this.gone.signal.aborted) return; // NiiVue draws once more, late, when its page has gone
        if (viewer.volumes[0]) this.put(n, this.voxel(n)); // on a voxel's centre: no slice is a mix of two
        const said = draw();
        this.mark(n);
        if (n === this.leader && this.isReady) this.follow();
        return said;
      };
      viewer.addVolume(await this.image(n, this.images[n], "scan.nii"));
      if (isStopped()) return this.stop();
      viewer.setClipPlane(CUT_AWAY);
    }
    this.isReady = true;
    this.act("view", this.view.view);
    this.act("drag", this.view.drag);
    this.act("home");
    this.act("open");
    for (const name of ["preset", "mode", "enlarge", "levels"]) this.act(name, this.data[name]);
    Object.assign(this.root.dataset, { ready: "true", readyMs: Math.round(performance.now() - this.begun) });
  }

  // Masks as volumes of NiiVue, for the 3D view only.
  async solids() {
    for (const [n, viewer] of this.viewers.entries()) {
      if (viewer.volumes[1] || !this.labels[n]) continue;
      const mask = await this.image(n, this.labels[n], "mask.nii");
      mask.setColormapLabel(this.lookup());
      viewer.addVolume(mask);
      viewer.setOpacity(1, this.view.view === "render" ? SOLID : 0);
    }
  }

  image(n, bytes, name) {
    const { shape, spacing, origin } = this.frames[n];
    return this.lib.NVImage.new(nifti(bytes, shape, spacing, origin), name, "gray", 1, null, 1, 255, true);
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
    niivueActs(this, value)[name]?.(value);
    this.arrange();
    this.controls();
    this.viewers[this.leader].drawScene();
  }

  // About the crosshair, which stays where it is: NiiVue itself enlarges about the origin of the scanner.
  enlarge(viewer, zoom) {
    const { scene } = viewer, mm = viewer.frac2mm(scene.crosshairPos), before = scene.pan2Dxyzmm;
    scene.pan2Dxyzmm = [...[0, 1, 2].map((c) => before[c] + (before[3] - zoom) * mm[c]), zoom];
  }

  window(viewer, low, high) {
    const [scan] = viewer.volumes;
    if (scan.cal_min === low && scan.cal_max === high) return;
    [scan.cal_min, scan.cal_max] = [low, high];
    viewer.updateGLVolume();
  }

  // The voxel of a pane's crosshair, and the crosshair on the centre of a voxel.
  voxel(n) {
    const { shape } = this.frames[n], share = this.viewers[n].scene.crosshairPos;
    return shape.map((size, axis) => clamp(Math.floor(share[axis] * size), 0, size - 1));
  }

  put(n, voxel) {
    const { shape } = this.frames[n];
    this.viewers[n].scene.crosshairPos = voxel.map((at, c) => (clamp(at, 0, shape[c] - 1) + 0.5) / shape[c]);
  }

  goTo(place) {
    this.goal = place; // until somebody moves on: the voxel of a coarse scan says it less exactly
    this.viewers.forEach((_, n) => this.put(n, this.frames[n].toVoxel(place)));
  }

  // The other panes show what the leading one shows.
  follow() {
    const { leader, viewers } = this, place = this.where();
    viewers.forEach((viewer, n) => {
      if (n === leader || this.canvases[n].closest("figure").hidden) return;
      this.bring(n, leader, place);
      viewer.drawScene();
    });
    this.located(place);
  }

  // One pane to a place, as another one shows it.
  bring(n, leader, place) {
    const { viewers, data } = this, viewer = viewers[n], { scene, volumes: [scan] } = viewers[leader];
    this.put(n, this.frames[n].toVoxel(place));
    viewer.scene.pan2Dxyzmm = [...scene.pan2Dxyzmm];
    for (const turn of ["renderAzimuth", "renderElevation", "volScaleMultiplier"]) viewer.scene[turn] = scene[turn];
    if (data.sequences[n] === data.sequences[leader]) this.window(viewer, scan.cal_min, scan.cal_max);
  }

  // Another pane leads, since this one is put away: it followed nobody while it was not seen.
  handOver(next) {
    const before = this.leader;
    if (this.isReady) {
      this.goal = this.where();
      this.bring(next, before, this.goal);
    }
    this.leader = next;
  }

  // NiiVue draws the crosshair in 3D alone; in planes its lines can be thinner than a pixel (niivue_marks.js).
  cross3D() {
    const width = this.view.crosshair && this.view.view === "render" ? CROSS_3D_MM : 0;
    for (const viewer of this.viewers) if (viewer.opts.crosshairWidth !== width) viewer.setCrosshairWidth(width);
  }

  // What the ruler asks of a viewer.
  frameOf(n) { return this.frames[n]; }
  slicesOn(canvas) {
    const n = this.canvases.indexOf(canvas), ratio = canvas.width / canvas.clientWidth || 1;
    return this.viewers[n].screenSlices.map((tile, at) => this.tile(n, at, tile, ratio)).filter(Boolean)
      .map((place) => ({ pane: n, plane: place.plane, index: place.index, place }));
  }
  atCrosshair() {
    const plane = this.view.view in PLANES ? this.view.view : "sagittal", cross = this.voxel(this.leader);
    return { pane: this.leader, plane, index: cross[PLANES[plane].axis], cross };
  }

  touched() { return this.leader; }
  zoomed() { return this.viewers[this.leader].scene.pan2Dxyzmm[3]; }
  levels() { return this.viewers.map(({ volumes: [scan] }) => [scan.cal_min, scan.cal_max]); }
  looking() { return this.view.view; }
  where() { return this.goal ?? this.frames[this.leader].toReference(this.voxel(this.leader)); }

  located(place) {
    const text = this.frames[0].isPlaced ? `crosshair ${placeWords(place)}` : "crosshair placed";
    if (this.root.querySelector(".where").value !== text) this.root.querySelector(".where").value = text;
    this.canvases.forEach((canvas, n) => {
      const at = this.voxel(n), { axis } = PLANES[this.view.view] ?? PLANES.sagittal, count = this.frames[n].shape[axis];
      canvas.dataset.voxel = at;
      canvas.setAttribute("aria-label", `${this.data.titles[n]}, ${text}, slice ${count - at[axis]} of ${count}`);
    });
  }

  controls() {
    showControls(this.root, this.view, { data: this.data, off: this.off, isFlickering: Boolean(this.flickering), isMeasuring: this.ruler.isOn });
  }
}
