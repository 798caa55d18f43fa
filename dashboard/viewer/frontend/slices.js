// Linked slice viewer: one to four scans on one grid, plain canvases (draw.js). All state lives in the browser, so
// no action here makes Streamlit run again.

const KEYS = { ...SHARED_KEYS, s: ["plane", "sagittal"], a: ["plane", "axial"], c: ["plane", "coronal"], 0: ["reset"] };
const MOVES = { ArrowRight: [-1, 0], ArrowLeft: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }; // screen axes run against voxel axes
const VIEWERS = new WeakMap();

// Mounts the viewer, or leaves it as it is when the same scans come again (Python adds the export).
function showSlices({ parentElement, data: sent, setTriggerValue }) {
  const before = VIEWERS.get(parentElement), data = { keep: (words) => setTriggerValue("linked", words), ...sent };
  if (before?.data.signature === data.signature) { before.schedule(); return before.stop; }
  before?.stop();
  const viewer = new Viewer(parentElement.querySelector(".slices"), data, before);
  VIEWERS.set(parentElement, viewer);
  return viewer.stop;
}

class Viewer {
  constructor(root, data, before) {
    const grid = framesOf(data)[0];
    Object.assign(this, { root, data, grid, shape: grid.shape, spacing: grid.spacing, cache: new Map(), wheel: 0, ruler: { isOn: false, line: null } });
    this.panes = data.titles.map((title, n) => (
      { title, image: bytesOf(data[`v${n}`]), labels: bytesOf(data[`l${n}`]) }));
    const kept = before && String(before.shape) === String(this.shape) ? before.view : {};
    this.view = { plane: data.view in PLANES ? data.view : "sagittal", mode: data.mode, cross: grid.toVoxel(data.start),
      zoom: 1, pan: [0, 0], preset: data.preset, opacity: 1, mix: 0.5, crosshair: true, off: new Set(),
      layout: 4, alone: this.panes.length - 1, ...kept, second: this.panes.length - 1 };
    this.view.alone = Math.min(this.view.alone, this.panes.length - 1);
    if (!comparable(data)) this.view.mode = "side";
    this.windows = (data.levels ?? data.presets[this.view.preset][1]).map((window) => [...window]);
    if (!before) this.enlarge(data.zoom);
    this.gone = new AbortController();
    this.stop = () => { this.gone.abort(); this.sizes.disconnect(); clearInterval(this.flickering); };
    this.schedule = () => { this.frame ??= requestAnimationFrame(() => { this.frame = null; this.render(); }); };
    this.sizes = new ResizeObserver(this.schedule);
    this.build();
    this.listen();
    this.render();
  }

  build() {
    giveHeight(this.root, this.data, this.gone.signal);
    buildTools(this.root, PLAIN_TOOLS);
    const canvases = buildPanes(this.root, this.data);
    this.figures = canvases.map((canvas) => canvas.closest("figure"));
    for (const canvas of canvases) {
      canvas.setAttribute("aria-describedby", "hint");
      this.sizes.observe(canvas);
    }
  }

  listen() {
    const on = (type, handler, options) =>
      this.root.addEventListener(type, handler.bind(this), { signal: this.gone.signal, ...options });
    listenForActs(this, this.gone.signal);
    on("keydown", this.onKey);
    on("wheel", this.onWheel, { passive: false });
    on("pointerdown", this.onPress);
    on("contextmenu", (event) => { if (event.target.matches("canvas")) event.preventDefault(); });
    window.addEventListener("resize", this.schedule, { signal: this.gone.signal });
  }

  // Everything a person can do, by mouse, key or control.
  act(name, value) {
    const view = this.view, plane = PLANES[view.plane], last = this.shape[plane.axis] - 1;
    const whole = () => { view.zoom = 1; view.pan = [0, 0]; };
    const acts = {
      plane: () => { view.plane = value; whole(); },
      step: () => this.act("slice", last - view.cross[plane.axis] - value),
      slice: () => { view.cross = view.cross.with(plane.axis, clamp(last - value, 0, last)); },
      zoom: () => this.zoomAt(Number(value)),
      reset: () => { whole(); this.act("preset", 0); this.ruler.line = null; },
      move: ([u, v]) => { view.cross = view.cross.map((at, axis) => clamp(at + (axis === plane.u ? u : 0) + (axis === plane.v ? v : 0), 0, this.shape[axis] - 1)); },
      largest: () => { Object.assign(view, { plane: value, cross: this.grid.toVoxel(this.data.largest[value]) }); whole(); },
      preset: () => { view.preset = Number(value); this.windows = this.data.presets[value][1].map((window) => [...window]); },
      opacity: () => { view.opacity = value / 100; },
      crosshair: () => { view.crosshair = !view.crosshair; },
      outline: () => { if (!view.off.delete(Number(value))) view.off.add(Number(value)); },
      ...comparisonActs(this, comparable(this.data)),
    };
    acts[name]?.(value);
    this.schedule();
  }

  onKey(event) {
    const key = keyOf(event);
    const here = event.target.matches("canvas, .slider") && !event.ctrlKey && !event.metaKey && !event.altKey;
    if (here && pressPageKey(this, event)) return event.stopPropagation();
    if (!here || (key === "Enter" && event.target.matches(".slider"))) return;
    const act = event.shiftKey && key in MOVES ? ["move", MOVES[key]] : KEYS[key];
    if (!act) return sayUnknown(this.root, key);
    event.preventDefault();
    event.stopPropagation();
    perform(this, ...act);
  }

  onWheel(event) {
    if (!event.target.matches("canvas")) return;
    event.preventDefault();
    if (event.ctrlKey) { this.zoomAt(Math.exp(-event.deltaY / 300), event); return this.schedule(); }
    const turn = event.deltaY * (event.deltaMode ? 33 : 1);
    this.wheel = Math.sign(turn) === Math.sign(this.wheel) ? this.wheel + turn : turn;
    if (Math.abs(this.wheel) < 50) return; // a notch of a mouse wheel, or a short stroke on a touch pad
    this.act("step", -Math.sign(this.wheel));
    this.wheel = 0;
  }

  // Left: click sets the crosshair, drag pans. Right drag: sideways the window's width, up and down its level.
  onPress(event) {
    const canvas = event.target, view = this.view, start = { x: event.clientX, y: event.clientY };
    if (!canvas.matches("canvas")) return;
    const { pan } = view, before = this.windows, { scale } = this.place(canvas), lifted = new AbortController();
    let moved = false;
    canvas.focus({ preventScroll: true });
    canvas.setPointerCapture(event.pointerId);
    const move = ({ clientX, clientY }) => {
      const dx = clientX - start.x, dy = clientY - start.y;
      moved ||= Math.hypot(dx, dy) > 3;
      if (!moved) return;
      if (event.button === 2) {
        this.windows = before.map(([low, high]) => {
          const half = clamp((high - low) / 2 + dx / 2, 4, 200), level = clamp((high + low) / 2 + dy / 2, 1, 254);
          return [level - half, level + half];
        });
      } else view.pan = [pan[0] + dx / scale, pan[1] + dy / scale];
      this.schedule();
    };
    const lift = (up) => { lifted.abort(); if (!moved && up.type === "pointerup" && event.button === 0) this.point(canvas, up); };
    canvas.addEventListener("pointermove", move, { signal: lifted.signal });
    for (const type of ["pointerup", "pointercancel"]) canvas.addEventListener(type, lift, { signal: lifted.signal });
  }

  point(canvas, event) {
    const { u, v } = PLANES[this.view.plane], { left, top, step } = this.place(canvas);
    const box = canvas.getBoundingClientRect(), cross = [...this.view.cross];
    const voxel = (at, n, size) => clamp(n - 1 - Math.floor(at / size), 0, n - 1);
    cross[u] = voxel(event.clientX - box.left - left, this.shape[u], step[0]);
    cross[v] = voxel(event.clientY - box.top - top, this.shape[v], step[1]);
    this.view.cross = cross;
    this.schedule();
  }

  // Zoom about the pointer, or about the crosshair when there is none; the spot itself stays where it is.
  zoomAt(factor, event) {
    const view = this.view, canvas = event?.target ?? this.figures.find((figure) => !figure.hidden).querySelector("canvas");
    const { w, h, at, scale } = this.place(canvas), box = canvas.getBoundingClientRect();
    const spot = event ? [event.clientX - box.left, event.clientY - box.top] : at, middle = [w / 2, h / 2];
    const zoom = clamp(view.zoom * factor, 0.5, 20), ratio = zoom / view.zoom;
    view.pan = view.pan.map((p, c) => p + ((spot[c] - middle[c]) / scale) * (1 / ratio - 1));
    view.zoom = zoom;
  }

  // Where the slice lies on a canvas, in CSS pixels: its corner, its size per voxel, and the crosshair.
  place(canvas) {
    const { plane, zoom, pan, cross } = this.view, { u, v } = PLANES[plane];
    const w = canvas.clientWidth, h = canvas.clientHeight;
    const wide = this.shape[u] * this.spacing[u], tall = this.shape[v] * this.spacing[v];
    const scale = Math.min(w / wide, h / tall) * zoom, step = [this.spacing[u] * scale, this.spacing[v] * scale];
    const left = w / 2 + (pan[0] - wide / 2) * scale, top = h / 2 + (pan[1] - tall / 2) * scale;
    const at = [left + (this.shape[u] - cross[u] - 0.5) * step[0], top + (this.shape[v] - cross[v] - 0.5) * step[1]];
    return { w, h, left, top, scale, step, at, box: [0, 0, w, h] };
  }

  render() {
    const { view, panes, shape } = this, { axis, u, edges } = PLANES[view.plane], index = view.cross[axis];
    const seen = view.mode === "side" ? inLayout(panes.length, view) : [0], shown = panes.map((_, n) => (view.mode === "side" ? [n] : [0, view.second]));
    this.lay(seen);
    this.figures.forEach((figure, n) => {
      if (figure.hidden) return;
      const canvas = figure.querySelector("canvas"), slices = shown[n].map((pane) => this.slice(pane, index));
      const outlines = slices.flatMap((slice, nth) => this.marks(slice, slices.length > 1, nth));
      this.caption(figure, shown[n], outlines);
      const place = this.place(canvas), rings = ringsOf(this.data.spots, this.grid, place, view.plane, index, view.opacity);
      const { line } = this.ruler, ruler = isHere(line, n, view.plane, index) ? { line, frame: this.grid } : null;
      draw(canvas, place, { rgba: this.paint(shown[n], slices), width: shape[u], outlines, rings, edges,
        crosshair: view.crosshair, ruler, readout: this.readout(n, index) });
    });
    this.controls(index);
  }

  // Pictures in as many columns as show them largest.
  lay(seen) {
    const { u, v } = PLANES[this.view.plane], room = this.root.querySelector(".panes");
    const [wide, high] = [u, v].map((axis) => this.shape[axis] * this.spacing[axis]);
    showFigures(this.root, this.figures, seen);
    putInColumns(room, seen.length, wide, high);
  }

  readout(n, index) {
    const { axis, ends } = PLANES[this.view.plane], mm = this.where()[axis], { preset, zoom } = this.view;
    const place = this.grid.isPlaced ? `${ends[mm < 0 ? 1 : 0]} ${Math.abs(mm).toFixed(1)} mm` : "";
    return readoutOf(`${this.shape[axis] - index} of ${this.shape[axis]}`, place, this.windows[n], this.data.presets[preset][0], zoom);
  }

  paint([first, second], slices) {
    const windows = [this.windows[first], this.windows[second ?? first]];
    return paint(slices[0].grey, slices[1]?.grey, { ...this.view, windows }, this.shape[PLANES[this.view.plane].u]);
  }

  slice(pane, index) {
    const { plane } = this.view, key = [pane, plane, index].join();
    if (this.cache.size > 200) this.cache.clear();
    if (!this.cache.has(key)) {
      const { image, labels } = this.panes[pane];
      const excluded = this.data.excluded[pane];
      const paths = outlinesOf(labels, this.shape, plane, index, this.data.colours)
        .map(([colour, path]) => [colour, path, excluded.includes(colour[0])]);
      this.cache.set(key, { grey: cut(image, this.shape, plane, index), paths });
    }
    return this.cache.get(key);
  }

  // Two visits in one picture: the first one's outlines are dashed, and in a blend each fades with its own scan.
  marks({ paths }, together, nth) {
    const { off, mode, mix, opacity } = this.view;
    const fade = together && mode === "blend" ? Math.min(1, 2 * (nth ? mix : 1 - mix)) : 1;
    const part = together && mode === "swipe" ? (nth ? [mix, 1] : [0, mix]) : null;
    return paths.filter(([[value]]) => !off.has(value)).map(([[, name, colour, filled], path, hatched]) => (
      { name, path, hatched, colour, filled, opacity: opacity * fade, part, dashed: together && nth === 0 && mode !== "swipe" }));
  }

  caption(figure, [first, second], outlines) {
    const { view, panes } = this, title = panes[first].title, other = panes[second]?.title;
    const [text, note] = other === undefined ? [title, panes[first].labels ? "" : "no mask for this visit"]
      : comparisonWords(view, title, other);
    const small = Object.assign(document.createElement("small"), { textContent: note });
    figure.firstElementChild.replaceChildren(text, small);
    const marked = [...new Set(outlines.map(({ name }) => name))].join(", ") || "nothing";
    figure.querySelector("canvas").setAttribute("aria-label", `${text}, ${this.position()}; outlined: ${marked}`);
  }

  // About the crosshair, which stays where it is.
  enlarge(zoom) {
    const { plane, cross } = this.view, { u, v } = PLANES[plane];
    this.view.zoom = zoom;
    this.view.pan = [u, v].map((c) => (this.shape[c] / 2 - cross[c] - 0.5) * this.spacing[c] * (1 / zoom - 1));
  }

  // What the ruler asks of a viewer.
  frameOf() { return this.grid; }
  slicesOn(canvas) {
    const { plane, cross } = this.view;
    return [{ pane: this.figures.indexOf(canvas.closest("figure")), plane, index: cross[PLANES[plane].axis], place: this.place(canvas) }];
  }
  atCrosshair() {
    const { plane, cross, mode } = this.view;
    return { pane: mode === "side" ? this.touched() : 0, plane, index: cross[PLANES[plane].axis], cross };
  }

  touched() {
    const at = this.figures.indexOf(this.root.getRootNode().activeElement?.closest("figure"));
    if (at >= 0 && this.view.mode === "side") this.last = at;
    return this.last ?? this.view.alone;
  }

  zoomed() { return this.view.zoom; }
  levels() { return this.windows; }
  goTo(place) { this.view.cross = this.grid.toVoxel(place); }
  looking() { return this.view.plane; }
  where() { return this.grid.toReference(this.view.cross); }

  position() {
    const { axis, ends, first } = PLANES[this.view.plane], index = this.view.cross[axis], count = this.shape[axis];
    const mm = this.grid.toReference(this.view.cross)[axis];
    const place = this.grid.isPlaced ? `${ends[mm < 0 ? 1 : 0]} ${Math.abs(mm).toFixed(1)} mm`
      : `${(index * this.spacing[axis]).toFixed(1)} mm from the ${first} slice`;
    return `${this.view.plane} slice ${count - index} of ${count} · ${place}`;
  }

  controls(index) {
    const { view, root, data } = this, last = this.shape[PLANES[view.plane].axis] - 1, slider = root.querySelector(".slider");
    showControls(root, view, { data, off: view.off, isFlickering: Boolean(this.flickering), isMeasuring: this.ruler.isOn });
    Object.assign(slider, { max: last, value: last - index });
    const text = this.position();
    slider.setAttribute("aria-valuetext", text);
    if (root.querySelector(".where").value !== text) root.querySelector(".where").value = text;
  }
}
