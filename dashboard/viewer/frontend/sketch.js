// Drawing a mask on a scan in its own grid: clicks that the server answers with an outline, brush, eraser, undo.
// Python joins draw.js, controls.js and this file. Strokes stay where they were drawn when a new outline comes.

const SKETCHES = new WeakMap();
const TOOL_KEYS = { i: "inside", o: "outside", b: "brush", e: "eraser" };
const VIEWS_DRAWN = ["sagittal", "axial"];
const MOST_UNDONE = 20, ADDED = 1, ERASED = 2;
const CLICK_COLOURS = { inside: "#7fe08a", outside: "#ff8a65" };

function showSketch({ parentElement, data, setTriggerValue }) {
  let sketch = SKETCHES.get(parentElement);
  if (sketch?.data.signature !== data.signature) {
    sketch?.stop();
    sketch = new Sketch(parentElement.querySelector(".sketch"), data);
    SKETCHES.set(parentElement, sketch);
  }
  sketch.send = setTriggerValue;
  sketch.receive(data);
  return () => sketch.stop();
}

class Sketch {
  constructor(root, data) {
    const { shape } = data, first = bytesOf(data.labels);
    Object.assign(this, { root, data, shape, spacing: data.spacing_mm, tool: "inside", size: 2, bright: 100, serial: 0,
      images: [bytesOf(data.image), bytesOf(data.second)], shown: 0, at: [...data.start], clicks: [], shaped: [], undone: [], drawnIn: 0, both: false, gone: new AbortController(),
      labels: first ? first.slice() : new Uint8Array(shape[0] * shape[1] * shape[2]) });
    this.strokes = new Uint8Array(this.labels.length);
    this.canvases = [...root.querySelectorAll("canvas")];
    root.style.height = `${data.height}px`;
    this.listen();
    this.say(data.hint);
    this.redraw();
    if (data.takes_focus) this.canvases[0].focus();
  }

  stop() { this.gone.abort(); this.sizes?.disconnect(); }

  listen() {
    const { signal } = this.gone, { root } = this;
    root.addEventListener("click", ({ target }) => {
      const act = target.closest("[data-act]")?.dataset.act.split(":");
      if (act) this.act(...act);
    }, { signal });
    root.addEventListener("input", ({ target }) => {
      this[target.dataset.value] = Number(target.value);
      this.redraw();
    }, { signal });
    root.addEventListener("keydown", (event) => this.onKey(event), { signal });
    this.canvases.forEach((canvas, n) => {
      const on = (type, handler) => canvas.addEventListener(type, handler, { signal, passive: false });
      on("contextmenu", (event) => event.preventDefault());
      on("wheel", (event) => { event.preventDefault(); this.step(n, Math.sign(event.deltaY)); });
      on("pointerdown", (event) => this.onDown(n, event));
      on("pointermove", (event) => { if (this.stroke === n) this.paintTo(n, this.voxelOf(n, event)); });
      for (const type of ["pointerup", "pointercancel"]) on(type, () => { this.stroke = null; this.redraw(); });
    });
    this.sizes = new ResizeObserver(() => this.redraw());
    this.sizes.observe(root);
  }

  onKey(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || !event.target.matches("canvas, .sketch")) return;
    const key = keyOf(event), n = Math.max(0, this.canvases.indexOf(event.target));
    const { u, v } = PLANES[VIEWS_DRAWN[n]], moves = { ArrowUp: [v, 1], ArrowDown: [v, -1], ArrowLeft: [u, 1], ArrowRight: [u, -1] };
    if (event.shiftKey && moves[key]) { event.preventDefault(); event.stopPropagation(); return this.move(...moves[key]); }
    const acts = { " ": () => this.apply(n), f: () => this.act("shape", "between"), m: () => this.act("shape", "smooth"), t: () => this.act("scan"), u: () => this.act("undo"), Enter: () => this.act("done"), "?": () => this.act("keys"),
      "[": () => this.resize(-0.5), "]": () => this.resize(0.5), ArrowUp: () => this.step(n, -1), ArrowLeft: () => this.step(n, -1),
      ArrowDown: () => this.step(n, 1), ArrowRight: () => this.step(n, 1) };
    const act = acts[key] ?? (TOOL_KEYS[key] && (() => this.act("tool", TOOL_KEYS[key])));
    if (!act) return;
    event.preventDefault();
    event.stopPropagation();
    act();
  }

  act(name, value) {
    if (name === "tool") this.tool = value;
    if (name === "keys") { const help = this.root.querySelector(".keys"); help.open = !help.open; }
    if (name === "undo") this.back();
    if (name === "scan" && this.images[1]) this.shown = 1 - this.shown;
    if (name === "shape") this.reshape(value);
    if (name === "clear") { this.remember(); this.labels.fill(0); this.strokes.fill(0); this.clicks = []; this.shaped = []; this.both = false; this.say(this.data.hint); }
    if (name === "done" && !this.isWaiting) this.send("done", { runs: this.runs(), clicks: this.clicks, brushed: this.brushed(), shaped: this.shaped, both: this.both });
    this.redraw();
  }

  resize(by) { this.size = clamp(this.size + by, 1, 12); this.redraw(); }

  step(n, by) {
    const { axis } = PLANES[VIEWS_DRAWN[n]];
    this.at[axis] = clamp(this.at[axis] - by, 0, this.shape[axis] - 1);
    this.redraw();
  }

  onDown(n, event) {
    event.preventDefault();
    const canvas = this.canvases[n], voxel = this.voxelOf(n, event);
    canvas.focus({ preventScroll: true });
    if (!voxel) return;
    this.at = voxel;
    if (event.button !== 0) return this.redraw();
    if (!CLICK_COLOURS[this.tool]) canvas.setPointerCapture(event.pointerId);
    this.apply(n);
    if (!CLICK_COLOURS[this.tool]) this.stroke = n;
  }

  // The tool at the crosshair.
  apply(n) {
    if (CLICK_COLOURS[this.tool]) return this.ask([...this.at]);
    this.remember();
    Object.assign(this, { drawnIn: n, last: [...this.at] });
    this.paintTo(n, [...this.at]);
  }

  move(axis, by) {
    this.at[axis] = clamp(this.at[axis] + by, 0, this.shape[axis] - 1);
    this.redraw();
  }

  // The server fills between slices, or smooths; what it changes counts as drawn.
  reshape(what) {
    if (this.isWaiting || !this.labels.some(Boolean)) return;
    this.remember();
    this.shaped.push(what);
    Object.assign(this, { isWaiting: true, isShaping: true, asked: performance.now() });
    this.send("asked", { serial: ++this.serial, clicks: this.clicks, shape: what, runs: this.runs(), axis: PLANES[VIEWS_DRAWN[this.drawnIn]].axis });
  }

  // The outline is asked for; until it comes the old one stands.
  ask(voxel) {
    if (this.isWaiting) return;
    if (this.tool === "outside" && !this.clicks.some(({ kind }) => kind === "inside")) {
      this.say("First click inside the lesion.");
      return this.redraw();
    }
    this.remember();
    this.clicks.push({ kind: this.tool, voxel });
    this.isWaiting = true;
    this.asked = performance.now();
    this.say("…");
    this.both = Boolean(this.shown); // a click on the other scan is answered from both
    this.send("asked", { serial: ++this.serial, clicks: this.clicks, both: this.both });
    this.redraw();
  }

  receive({ answer, outline }) {
    if (!answer || answer.serial !== this.serial || !this.isWaiting) return;
    this.isWaiting = false;
    if (answer.refusal) this.back();
    else if (this.isShaping) {
      const before = this.labels;
      this.labels = bytesOf(outline).slice();
      this.labels.forEach((label, n) => { if (label !== before[n]) this.strokes[n] = label ? ADDED : ERASED; });
    } else {
      this.labels = bytesOf(outline).slice();
      this.strokes.forEach((stroke, n) => { if (stroke) this.labels[n] = stroke === ADDED ? 1 : 0; });
    }
    this.isShaping = false;
    this.root.dataset.answered = String(answer.serial);
    this.root.dataset.answerMs = String(Math.round(performance.now() - this.asked));
    this.say(answer.refusal ?? answer.words);
    this.redraw();
  }

  remember() {
    this.undone.push({ labels: this.labels.slice(), strokes: this.strokes.slice(), clicks: [...this.clicks], shaped: [...this.shaped], both: this.both, words: this.root.querySelector(".words").value });
    if (this.undone.length > MOST_UNDONE) this.undone.shift();
  }

  back() {
    if (!this.undone.length || this.isWaiting) return;
    const { words, ...before } = this.undone.pop();
    Object.assign(this, before);
    this.say(words); // doubts are those of the outline that is shown again
  }

  // A disc of some mm on the slice, drawn along the way from the last place.
  paintTo(n, voxel) {
    if (!voxel) return;
    const { axis, u, v } = PLANES[VIEWS_DRAWN[n]], { shape, spacing, size, last } = this, isAdded = this.tool === "brush";
    const steps = Math.max(1, Math.abs(voxel[u] - last[u]), Math.abs(voxel[v] - last[v]));
    const reach = [u, v].map((c) => Math.ceil(size / spacing[c]));
    for (let s = 0; s <= steps; s++) {
      const [mu, mv] = [u, v].map((c) => Math.round(blend(last[c], voxel[c], s / steps)));
      for (let a = -reach[0]; a <= reach[0]; a++)
        for (let b = -reach[1]; b <= reach[1]; b++) {
          const place = [0, 0, 0];
          [place[axis], place[u], place[v]] = [this.at[axis], mu + a, mv + b];
          if (Math.hypot(a * spacing[u], b * spacing[v]) > size || place.some((at, c) => at < 0 || at >= shape[c])) continue;
          const index = (place[0] * shape[1] + place[1]) * shape[2] + place[2];
          this.labels[index] = isAdded ? 1 : 0;
          this.strokes[index] = isAdded ? ADDED : ERASED;
        }
    }
    this.last = voxel;
    this.redraw();
  }

  brushed() { return this.strokes.reduce((count, stroke) => count + (stroke ? 1 : 0), 0); }

  // Start and length of each run of marked voxels.
  runs() {
    const runs = [];
    for (let n = 0; n < this.labels.length; n++)
      if (this.labels[n] && !(n && this.labels[n - 1])) runs.push(n, 1);
      else if (this.labels[n]) runs[runs.length - 1]++;
    return runs;
  }

  say(words) { this.root.querySelector(".words").value = words; }

  place(n) {
    const { u, v, axis } = PLANES[VIEWS_DRAWN[n]], { shape, spacing } = this, canvas = this.canvases[n];
    const [w, h] = [canvas.clientWidth, canvas.clientHeight];
    const scale = Math.min(w / (shape[u] * spacing[u]), h / (shape[v] * spacing[v])), step = [spacing[u] * scale, spacing[v] * scale];
    const left = (w - shape[u] * step[0]) / 2, top = (h - shape[v] * step[1]) / 2;
    return { w, h, left, top, step, scale, axis, u, v, at: [this.at[u], this.at[v]].map((at, c) => (
      [left, top][c] + (shape[[u, v][c]] - at - 0.5) * step[c])) };
  }

  voxelOf(n, event) {
    const { left, top, step, axis, u, v } = this.place(n), box = this.canvases[n].getBoundingClientRect(), voxel = [...this.at];
    voxel[u] = this.shape[u] - 1 - Math.floor((event.clientX - box.left - left) / step[0]);
    voxel[v] = this.shape[v] - 1 - Math.floor((event.clientY - box.top - top) / step[1]);
    voxel[axis] = this.at[axis];
    return voxel.every((at, c) => at >= 0 && at < this.shape[c]) ? voxel : null;
  }

  redraw() {
    if (this.gone.signal.aborted) return;
    VIEWS_DRAWN.forEach((plane, n) => this.redrawOne(plane, n));
    const { root } = this, count = this.labels.reduce((sum, label) => sum + label, 0), [x, y, z] = this.spacing;
    root.querySelector(".size-words").value = count ? `${((count * x * y * z) / 1000).toPrecision(3)} mL · ${this.lengthMm().toFixed(0)} mm long` : "nothing drawn";
    for (const element of root.querySelectorAll("[data-act^='tool:']"))
      element.setAttribute("aria-pressed", element.dataset.act === `tool:${this.tool}`);
    const other = root.querySelector(".second");
    Object.assign(other, { hidden: !this.images[1], textContent: this.data.second_name ?? "" });
    other.setAttribute("aria-pressed", String(Boolean(this.shown)));
    root.querySelector("[data-act=undo]").disabled = !this.undone.length;
    root.querySelector(".size").hidden = Boolean(CLICK_COLOURS[this.tool]);
    for (const name of ["size", "bright"]) root.querySelector(`[data-value=${name}]`).value = this[name];
    Object.assign(root.dataset, { voxels: String(count), ready: "true", shown: String(this.shown), waiting: String(Boolean(this.isWaiting)) });
  }

  lengthMm() {
    const { labels, shape } = this;
    let low = shape[2], high = -1;
    labels.forEach((label, n) => { if (label) { low = Math.min(low, n % shape[2]); high = Math.max(high, n % shape[2]); } });
    return (high - low + 1) * this.spacing[2];
  }

  redrawOne(plane, n) {
    const canvas = this.canvases[n], place = this.place(n), { axis, u, v } = place, { shape } = this;
    if (!place.w) return;
    const grey = cut(this.images[this.shown], shape, plane, this.at[axis]), white = (255 * this.bright) / 100;
    const path = outline(cut(this.labels, shape, plane, this.at[axis]), shape[u], shape[v], 1);
    draw(canvas, place, { rgba: paint(grey, null, { mode: "side", mix: 0, windows: [[0, white], [0, white]] }, shape[u]), width: shape[u],
      outlines: [{ path, colour: this.data.colour, opacity: 1 }], rings: [], edges: PLANES[plane].edges, crosshair: true });
    const pen = canvas.getContext("2d");
    for (const { kind, voxel } of this.clicks) {
      if (voxel[axis] !== this.at[axis]) continue;
      const [cx, cy] = [u, v].map((c, side) => [place.left, place.top][side] + (shape[c] - voxel[c] - 0.5) * place.step[side]);
      pen.beginPath();
      pen.arc(cx, cy, 4, 0, 2 * Math.PI);
      Object.assign(pen, { fillStyle: CLICK_COLOURS[kind], strokeStyle: "#000", lineWidth: 1.5 });
      pen.fill();
      pen.stroke();
    }
    Object.assign(canvas.dataset, { at: this.at.join(), crosshair: place.at.map(Math.round).join() });
    canvas.closest("figure").querySelector("small").textContent = `slice ${shape[axis] - this.at[axis]} of ${shape[axis]}`;
  }
}
