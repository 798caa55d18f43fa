// What lies above NiiVue's pictures, on a canvas of its own for each visit: outlines, scale, and the difference of two
// visits. NiiVue is asked where each of its slices lies on the screen.

const TILES = ["axial", "coronal", "sagittal"]; // of a screen slice's axCorSag

class Sheets {
  // Everything above the picture of pane n.
  mark(n) {
    const viewer = this.viewers[n], canvas = this.canvases[n], sheet = canvas.nextElementSibling;
    const { width, height } = canvas, pen = sheet.getContext("2d"), { view } = this;
    if (sheet.width !== width || sheet.height !== height) Object.assign(sheet, { width, height });
    pen.setTransform(1, 0, 0, 1, 0, 0);
    pen.clearRect(0, 0, width, height);
    if (!viewer?.volumes[0] || view.view === "render") return;
    const ratio = width / canvas.clientWidth || 1;
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    for (const [at, tile] of viewer.screenSlices.entries()) {
      const place = this.tile(n, at, tile, ratio);
      if (!place) continue;
      pen.save();
      pen.beginPath();
      pen.rect(...place.box);
      pen.clip();
      const isDifference = view.mode === "difference" && n === view.second;
      if (isDifference) this.subtract(pen, n, place);
      for (const [pane, dashed] of isDifference ? [[0, true], [n, false]] : [[n, view.mode === "blend" && n === 0]])
        for (const [[value, , colour, filled], path] of this.outlines(pane, place.plane, place.index))
          if (!this.off.has(value)) {
            const hatched = this.data.excluded[pane].includes(value);
            drawOutline(pen, place, { path, colour, filled, dashed, hatched, opacity: view.opacity });
          }
      for (const ring of ringsOf(this.data.spots, this.frames[n], place, place.plane, place.index, view.opacity))
        drawRing(pen, ring);
      if (view.crosshair && !isDifference) this.cross(pen, n, place);
      if (isHere(this.ruler.line, n, place.plane, place.index)) drawRuler(pen, place, this.ruler.line, this.frames[n]);
      this.readout(pen, n, place);
      if (view.view !== "multiplanar") drawScale(pen, { w: place.box[2], h: place.box[3], scale: place.scale });
      pen.restore();
    }
  }

  readout(pen, n, { plane, index, box: [left, top, wide, high] }) {
    const { axis, ends } = PLANES[plane], frame = this.frames[n], mm = frame.toReference(this.voxel(n))[axis];
    const place = frame.isPlaced ? `${ends[mm < 0 ? 1 : 0]} ${Math.abs(mm).toFixed(1)} mm` : "";
    const { scene, volumes: [scan] } = this.viewers[n], preset = this.data.presets[this.view.preset][0];
    const count = frame.shape[axis], lines = readoutOf(`${count - index} of ${count}`, place, [scan.cal_min, scan.cal_max], preset, scene.pan2Dxyzmm[3]);
    pen.save();
    pen.translate(left, top);
    drawReadout(pen, { w: wide, h: high }, this.view.view === "multiplanar" ? lines.slice(0, 1) : lines);
    pen.restore();
  }

  // Where a slice of NiiVue's lies, in CSS pixels: two of its points tell the straight line from voxels to the screen.
  tile(n, at, { axCorSag, leftTopWidthHeight: [left, top, wide, high] }, ratio) {
    const plane = TILES[axCorSag];
    if (!plane || !wide) return null;
    const { axis, u, v } = PLANES[plane], { shape, spacing } = this.frames[n], viewer = this.viewers[n];
    const corner = (share) => [left + share * wide, top + share * high];
    const [from, to] = [corner(0.25), corner(0.75)];
    const [a, b] = [from, to].map(([x, y]) => viewer.screenXY2TextureFrac(x, y, at, false));
    const line = (axisOfVoxel, one, two) => {
      const gain = (two - one) / (b[axisOfVoxel] - a[axisOfVoxel]);
      return [one - gain * a[axisOfVoxel], gain]; // pixel = first + second * share of the volume
    };
    const [x0, xGain] = line(u, from[0], to[0]), [y0, yGain] = line(v, from[1], to[1]);
    const step = [-xGain / shape[u] / ratio, -yGain / shape[v] / ratio];
    return { plane, index: this.voxel(n)[axis], left: (x0 + xGain) / ratio, top: (y0 + yGain) / ratio, step,
      scale: step[0] / spacing[u], box: [left, top, wide, high].map((length) => length / ratio) };
  }

  // Visit n minus the first visit, over NiiVue's own picture.
  subtract(pen, n, place) {
    const { shape } = this.frames[n], { u, edges } = PLANES[place.plane], [x, y, w, h] = place.box;
    const { cal_min: low, cal_max: high } = this.viewers[n].volumes[0];
    const view = { mode: "difference", windows: [[low, high], [low, high]] };
    const [before, now] = [0, n].map((pane) => cut(this.images[pane], shape, place.plane, place.index));
    pen.fillStyle = "#0f1217";
    pen.fillRect(x, y, w, h);
    drawRaster(pen, place, paint(before, now, view, shape[u]), shape[u]);
    pen.save();
    pen.translate(x, y);
    drawEdges(pen, { w, h }, edges);
    pen.restore();
    if (this.view.crosshair) this.cross(pen, n, place);
  }

  // NiiVue's own lines are thinner than a pixel at some sizes, and then one of the two is not drawn.
  cross(pen, n, place) {
    const { shape } = this.frames[n], { u, v } = PLANES[place.plane], [x, y, w, h] = place.box, cross = this.voxel(n);
    const at = [[u, place.left, x, 0], [v, place.top, y, 1]].map(([axis, from, corner, c]) => (
      from - corner + (shape[axis] - cross[axis] - 0.5) * place.step[c]));
    pen.save();
    pen.translate(x, y);
    drawCrosshair(pen, { w, h, at });
    pen.restore();
  }

  // Pictures in as many columns as show them largest; three planes and 3D are about as wide as high.
  lay(panes, count) {
    const plane = PLANES[this.view.view], { shape, spacing } = this.frames[0];
    const [wide, high] = plane ? [plane.u, plane.v].map((axis) => shape[axis] * spacing[axis]) : [1, 1];
    putInColumns(panes, count, wide, high);
  }

  outlines(n, plane, index) {
    const key = [n, plane, index].join();
    if (this.cache.size > 300) this.cache.clear();
    if (!this.cache.has(key))
      this.cache.set(key, outlinesOf(this.labels[n], this.frames[n].shape, plane, index, this.data.colours));
    return this.cache.get(key);
  }

  // One visit over the other: the chosen one lies above the first, faded or clipped.
  arrange() {
    const { mode, second, mix } = this.view, together = mode !== "side", panes = this.root.querySelector(".panes");
    const seen = together ? [0, second] : inLayout(this.canvases.length, this.view);
    panes.classList.toggle("together", together);
    if (!seen.includes(this.leader)) this.handOver(seen[0]);
    showFigures(this.root, this.canvases.map((canvas) => canvas.closest("figure")), seen);
    this.lay(panes, together ? 1 : seen.length);
    this.canvases.forEach((canvas, n) => {
      const figure = canvas.closest("figure"), stage = figure.querySelector(".stage"), isTop = together && n === second;
      figure.classList.toggle("top", isTop);
      stage.style.opacity = isTop && mode === "blend" ? mix : "";
      stage.style.clipPath = isTop && mode === "swipe" ? `inset(0 0 0 ${100 * mix}%)` : "";
      const { titles } = this.data, apart = [titles[n], this.labels[n] ? "" : "no mask for this visit"];
      const [text, note] = together && n === 0 ? comparisonWords(this.view, titles[0], titles[second]) : apart;
      const small = Object.assign(document.createElement("small"), { textContent: note });
      figure.firstElementChild.replaceChildren(text, small);
    });
    const divider = this.root.querySelector(".divider");
    divider.hidden = mode !== "swipe";
    divider.style.left = `${100 * mix}%`;
  }
}
