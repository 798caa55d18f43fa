// Pictures of slices: the half of the viewer that knows voxels and canvases, and nothing of people's actions.
// Python joins this file with slices.js into one module.
//
// Voxels come indexed [i, j, k] with i towards right, j towards anterior, k towards superior. Every screen axis runs
// against its voxel axis: head up, anterior to the left in sagittal, patient right on the left in axial and coronal.

const PLANES = {
  sagittal: { axis: 0, u: 1, v: 2, edges: ["A", "P", "S", "I"], ends: ["R", "L"], first: "left" },
  axial: { axis: 2, u: 0, v: 1, edges: ["R", "L", "A", "P"], ends: ["S", "I"], first: "lowest" },
  coronal: { axis: 1, u: 0, v: 2, edges: ["R", "L", "S", "I"], ends: ["A", "P"], first: "hindmost" },
};
const LOWER = [28, 32, 38], BRIGHTER = [255, 120, 84], DARKER = [84, 170, 255]; // difference: none, up, down

const RING = "#ffffff", RING_GAP = 4; // around a spot: its colour, and how far in pixels it stays away from what it marks

const HALO = [[6, "rgba(0, 0, 0, 0.85)"], [4.4, "rgba(244, 246, 248, 0.9)"]]; // width in pixels and colour, beneath an outline
const LINE_PX = 2;

const clamp = (x, low, high) => Math.min(high, Math.max(low, x));
const blend = (a, b, t) => a + (b - a) * t;

// One slice as it appears on the screen, row by row from the top left.
function cut(bytes, shape, plane, index) {
  const { axis, u, v } = PLANES[plane], strides = [shape[1] * shape[2], shape[2], 1];
  const out = new Uint8Array(shape[u] * shape[v]);
  let n = 0;
  for (let y = shape[v] - 1; y >= 0; y--)
    for (let x = shape[u] - 1; x >= 0; x--)
      out[n++] = bytes[index * strides[axis] + x * strides[u] + y * strides[v]];
  return out;
}

// Marching squares over pixel centres: segments run with the inside on their right, each corner pattern (top left 8,
// top right 4, bottom right 2, bottom left 1) giving entry and exit edges; touching diagonals stay apart.
const SEGMENTS = ["", "LB", "BR", "LR", "RT", "RTLB", "BT", "LT", "TL", "TB", "TLBR", "TR", "RL", "RB", "BL", ""];
const MIDPOINT = { T: [1, 0], B: [1, 2], L: [0, 1], R: [2, 1] };

function outline(values, w, h, label) {
  const at = (x, y) => (x >= 0 && y >= 0 && x < w && y < h && values[y * w + x] === label ? 1 : 0);
  const next = new Map(), width = 2 * w + 3, key = (x, y, [dx, dy]) => (2 * y + 2 + dy) * width + 2 * x + 2 + dx;
  for (let y = -1; y < h; y++)
    for (let x = -1; x < w; x++) {
      const edges = SEGMENTS[8 * at(x, y) + 4 * at(x + 1, y) + 2 * at(x + 1, y + 1) + at(x, y + 1)];
      for (let n = 0; n < edges.length; n += 2)
        next.set(key(x, y, MIDPOINT[edges[n]]), key(x, y, MIDPOINT[edges[n + 1]]));
    }
  return rings(next, (k) => [((k % width) - 1) / 2, (Math.floor(k / width) - 1) / 2]);
}

// Closed rings through the midpoints of the chain, each chain point a control point: smooth, within half a voxel.
function rings(next, place) {
  const path = new Path2D();
  while (next.size) {
    const points = [];
    for (let k = next.keys().next().value; next.has(k);) {
      const to = next.get(k);
      next.delete(k); points.push(place(k)); k = to;
    }
    const half = (n) => [0, 1].map((c) => (points[n % points.length][c] + points[(n + 1) % points.length][c]) / 2);
    path.moveTo(...half(0));
    for (let n = 1; n <= points.length; n++) path.quadraticCurveTo(...points[n % points.length], ...half(n));
    path.closePath();
  }
  return path;
}

// The outlines of one slice: for every colour that is present there, [colour, path] in the pixels of cut(); the first
// colour, the tumour's, comes last and lies above those that share its edge.
function outlinesOf(labels, shape, plane, index, colours) {
  if (!labels) return [];
  const { u, v } = PLANES[plane], here = cut(labels, shape, plane, index), present = new Set(here);
  return colours.filter(([value]) => present.has(value))
    .map((colour) => [colour, outline(here, shape[u], shape[v], colour[0])]).reverse();
}

// Grey values of one slice, or of two that are blended, laid side by side or subtracted, each in its own window. 0 means
// that the scan does not reach there: left transparent.
function paint(first, second, { mode, mix, windows }, width) {
  const rgba = new Uint8ClampedArray(4 * first.length), gains = windows.map(([low, high]) => 255 / Math.max(1, high - low));
  const grey = (value, n) => clamp((value - windows[n][0]) * gains[n], 0, 255);
  for (let n = 0; n < first.length; n++) {
    const a = first[n], b = second ? second[n] : a, isRight = (n % width) + 0.5 > mix * width;
    const t = !second ? 0 : mode === "blend" ? mix : Number(isRight);
    if (!second || mode === "blend" || mode === "swipe") {
      rgba.fill(blend(grey(a, 0), grey(b, 1), t), 4 * n, 4 * n + 3);
      rgba[4 * n + 3] = 255 * blend(a > 0, b > 0, t);
    } else if (a && b) {
      const change = clamp(((b - a) * gains[0]) / 128, -1, 1), end = change > 0 ? BRIGHTER : DARKER;
      for (let c = 0; c < 3; c++) rgba[4 * n + c] = blend(LOWER[c], end[c], Math.abs(change));
      rgba[4 * n + 3] = 255;
    }
  }
  return rgba;
}

// One picture: grey values, outlines in order, then what lets a reader find the way on it.
function draw(canvas, place, { rgba, width, outlines, rings, edges, crosshair, ruler, readout }) {
  const ratio = window.devicePixelRatio || 1, pen = canvas.getContext("2d");
  const [w, h] = [Math.round(place.w * ratio), Math.round(place.h * ratio)];
  if (canvas.width !== w || canvas.height !== h) Object.assign(canvas, { width: w, height: h });
  pen.setTransform(ratio, 0, 0, ratio, 0, 0);
  pen.clearRect(0, 0, place.w, place.h);
  drawRaster(pen, place, rgba, width);
  for (const mark of outlines) drawOutline(pen, place, mark, width);
  for (const ring of rings) drawRing(pen, ring);
  if (crosshair) drawCrosshair(pen, place);
  drawEdges(pen, place, edges);
  drawScale(pen, place);
  if (ruler) drawRuler(pen, place, ruler.line, ruler.frame);
  if (readout) drawReadout(pen, place, readout);
}

function drawRaster(pen, { left, top, step }, rgba, width) {
  const raster = new OffscreenCanvas(width, rgba.length / 4 / width);
  raster.getContext("2d").putImageData(new ImageData(rgba, width), 0, 0);
  pen.imageSmoothingQuality = "high";
  pen.drawImage(raster, left, top, raster.width * step[0], raster.height * step[1]);
}

function drawOutline(pen, { left, top, step }, { path, colour, opacity, filled, dashed, hatched, part }, width) {
  const here = new Path2D();
  here.addPath(path, new DOMMatrix([step[0], 0, 0, step[1], left, top]));
  pen.save();
  if (part) { // of the picture's width
    const [from, to] = part.map((share) => left + share * width * step[0]);
    pen.beginPath();
    pen.rect(from, 0, to - from, 1e5);
    pen.clip();
  }
  pen.lineJoin = "round";
  for (const [width, colour] of HALO) { // dark and light: one of the two is seen on any grey, by every kind of colour vision
    Object.assign(pen, { lineWidth: width, strokeStyle: colour, globalAlpha: opacity });
    pen.stroke(here);
  }
  pen.fillStyle = pen.strokeStyle = colour;
  pen.globalAlpha = 0.3 * opacity;
  if (filled) pen.fill(here);
  pen.globalAlpha = opacity;
  pen.lineWidth = LINE_PX;
  if (dashed || hatched) pen.setLineDash(hatched ? [2, 4] : [5, 4]);
  pen.stroke(here);
  if (hatched) hatch(pen, here);
  pen.restore();
}

// A mask that a person excluded: lines across it, so that it is never taken for one that counts.
function hatch(pen, here) {
  pen.clip(here);
  pen.setLineDash([]);
  pen.lineWidth = 1;
  pen.beginPath();
  const { width, height } = pen.canvas;
  for (let x = -height; x < width; x += 7) pen.moveTo(x, 0), pen.lineTo(x + height, height);
  pen.stroke();
}

// Where a slice cuts the ball around each spot, in CSS pixels.
function ringsOf(spots, frame, { left, top, step, scale }, plane, index, opacity) {
  const { axis, u, v } = PLANES[plane], { shape, spacing } = frame;
  return spots.flatMap(({ place, radius_mm: radius }) => {
    const at = frame.fromReference(place), away = Math.max(0, Math.abs(at[axis] - index) - 0.5) * spacing[axis];
    if (away >= radius) return [];
    const [x, y] = [[u, left, step[0]], [v, top, step[1]]].map(([c, from, size]) => from + (shape[c] - at[c] - 0.5) * size);
    return [{ x, y, radius: Math.sqrt(radius ** 2 - away ** 2) * scale + RING_GAP, opacity }];
  });
}

function drawRing(pen, { x, y, radius, opacity }) {
  pen.save();
  for (const [width, colour] of [[4, "rgba(0, 0, 0, 0.6)"], [2, RING]]) {
    Object.assign(pen, { lineWidth: width, strokeStyle: colour, globalAlpha: opacity });
    pen.setLineDash([6, 5]);
    pen.beginPath();
    pen.arc(x, y, radius, 0, 2 * Math.PI);
    pen.stroke();
  }
  pen.restore();
}

function drawCrosshair(pen, { w, h, at }) {
  const [x, y] = at.map((place) => Math.floor(place) + 0.5); // on whole pixels, or one of the lines is hardly seen
  const gap = 12, rim = 24; // neither the spot itself nor the letters at the rim are crossed out
  pen.strokeStyle = "rgba(190, 225, 140, 0.55)";
  pen.lineWidth = 1;
  pen.beginPath();
  for (const [x0, y0, x1, y1] of [[rim, y, x - gap, y], [x + gap, y, w - rim, y],
    [x, rim, x, y - gap], [x, y + gap, x, h - rim]]) {
    pen.moveTo(x0, y0);
    pen.lineTo(x1, y1);
  }
  pen.stroke();
}

const letterPx = () => Math.max(13, 0.8125 * parseFloat(getComputedStyle(document.documentElement).fontSize)); // as the page grows

function write(pen, text, x, y, align, baseline, weight = 600) {
  Object.assign(pen, { font: `${weight} ${letterPx()}px system-ui, sans-serif`, textAlign: align, textBaseline: baseline,
    lineJoin: "round", lineWidth: 3, strokeStyle: "rgba(0, 0, 0, 0.8)", fillStyle: "#f2f4f6" });
  pen.strokeText(text, x, y);
  pen.fillText(text, x, y);
}

// Slice and window, lower right, above the letter of the edge where they would meet; left out where a picture is too
// narrow for them. The cord is in the middle: words that would reach it stand below each other.
function drawReadout(pen, { w, h }, words) {
  const step = 1.3 * letterPx();
  if (w < 13 * letterPx() || h < 12 * letterPx()) return;
  pen.font = `500 ${letterPx()}px system-ui, sans-serif`;
  const widestOf = (lines) => Math.max(...lines.map((line) => pen.measureText(line).width));
  const lines = widestOf(words) > 0.4 * w ? words.flatMap((line) => line.split(" · ")) : words;
  const widest = widestOf(lines), lift = widest > w / 2 - 2 * step ? step : 0;
  lines.toReversed().forEach((line, n) => write(pen, line, w - 8, h - 5 - lift - n * step, "right", "bottom", 500));
}

function drawEdges(pen, { w, h }, [left, right, top, bottom]) {
  write(pen, left, 6, h / 2, "left", "middle");
  write(pen, right, w - 6, h / 2, "right", "middle");
  write(pen, top, w / 2, 5, "center", "top");
  write(pen, bottom, w / 2, h - 5, "center", "bottom");
}

function drawScale(pen, { w, h, scale }) {
  const mm = [100, 50, 20, 10, 5, 2].find((length) => length * scale <= 0.25 * w) ?? 1, x = 10, y = h - 9;
  for (const [width, colour] of [[4, "rgba(0, 0, 0, 0.8)"], [2, "#f2f4f6"]]) {
    Object.assign(pen, { lineWidth: width, strokeStyle: colour });
    pen.beginPath();
    pen.moveTo(x, y - 4); pen.lineTo(x, y); pen.lineTo(x + mm * scale, y); pen.lineTo(x + mm * scale, y - 4);
    pen.stroke();
  }
  write(pen, `${mm} mm`, x, y - 7, "left", "bottom");
}
