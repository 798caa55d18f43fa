// A ruler on the picture: from where the mouse went down to where it was lifted, or between two places of the crosshair
// (Enter). Ends are voxels of the pane's own grid, so that lengths are those of that scan; nothing of it is kept.

const RULER_COLOUR = "#9be7ff";

// A line counts for the pane, plane and slice it was drawn on, and is seen there alone.
function listenForRuler(viewer, signal) {
  const { root, ruler } = viewer, on = (type, handler) => root.addEventListener(type, handler, { signal, capture: true, passive: false });
  const isOurs = (event) => ruler.isOn && !event.button && event.target.matches("canvas:not(.marks)");
  on("pointerdown", (event) => {
    if (!isOurs(event)) return;
    const canvas = event.target, start = spotUnder(viewer, canvas, event);
    event.preventDefault(); // nor does the viewer beneath take it for a click
    event.stopPropagation();
    canvas.focus({ preventScroll: true });
    if (!start) return;
    const lifted = new AbortController();
    ruler.line = { ...start, from: start.at, to: start.at };
    canvas.setPointerCapture(event.pointerId);
    canvas.addEventListener("pointermove", (move) => {
      if (!ruler.line) return lifted.abort(); // put away meanwhile, by a key
      ruler.line.to = voxelsUnder(start.place, viewer.frameOf(start.pane), start.plane, canvas, move);
      viewer.act("redraw");
    }, { signal: lifted.signal });
    for (const type of ["pointerup", "pointercancel"])
      canvas.addEventListener(type, () => { lifted.abort(); if (ruler.line) tellLength(viewer); }, { signal: lifted.signal });
  });
  for (const type of ["mousedown", "touchstart"])
    on(type, (event) => { if (isOurs(event)) { event.preventDefault(); event.stopPropagation(); } });
}

function rulerActs(viewer) {
  const { ruler } = viewer;
  return {
    ruler: () => {
      Object.assign(ruler, { isOn: !ruler.isOn, line: null });
      if (ruler.isOn) say(viewer.root, "Ruler: drag from end to end, or put an end at the crosshair with Enter.");
    },
    end: () => {
      const { pane, plane, index, cross } = viewer.atCrosshair(), { u, v } = PLANES[plane], at = [cross[u] + 0.5, cross[v] + 0.5];
      const { line } = ruler, isSecond = line?.isOpen && [line.pane, line.plane, line.index].join() === [pane, plane, index].join();
      ruler.line = isSecond ? { ...line, to: at, isOpen: false } : { pane, plane, index, from: at, to: at, isOpen: true };
      if (isSecond) tellLength(viewer);
      else say(viewer.root, "One end is at the crosshair: move it with shift and arrows, then Enter.");
    },
  };
}

function spotUnder(viewer, canvas, event) {
  const shown = viewer.slicesOn(canvas), box = canvas.getBoundingClientRect();
  const [x, y] = [event.clientX - box.left, event.clientY - box.top];
  const spot = shown.find(({ place: { box: [left, top, wide, high] } }) => x >= left && x < left + wide && y >= top && y < top + high);
  return spot && { ...spot, at: voxelsUnder(spot.place, viewer.frameOf(spot.pane), spot.plane, canvas, event) };
}

function voxelsUnder({ left, top, step }, { shape }, plane, canvas, event) {
  const box = canvas.getBoundingClientRect(), { u, v } = PLANES[plane];
  return [shape[u] - (event.clientX - box.left - left) / step[0], shape[v] - (event.clientY - box.top - top) / step[1]];
}

function lengthOf({ plane, from, to }, { spacing }) {
  const { u, v } = PLANES[plane];
  return Math.hypot((to[0] - from[0]) * spacing[u], (to[1] - from[1]) * spacing[v]);
}

function tellLength(viewer) {
  const { line } = viewer.ruler, frame = viewer.frameOf(line.pane), { u, v } = PLANES[line.plane];
  const voxel = [u, v].map((axis) => frame.spacing[axis].toFixed(1)).join(" × ");
  say(viewer.root, `Ruler: ${lengthOf(line, frame).toFixed(1)} mm on this picture, its voxels ${voxel} mm; not on record.`);
}

function drawRuler(pen, { left, top, step }, line, frame) {
  const { u, v } = PLANES[line.plane], { shape } = frame;
  const [from, to] = [line.from, line.to].map(([a, b]) => [left + (shape[u] - a) * step[0], top + (shape[v] - b) * step[1]]);
  const long = Math.hypot(to[0] - from[0], to[1] - from[1]) || 1, tick = [-(to[1] - from[1]) / long, (to[0] - from[0]) / long].map((c) => 5 * c);
  pen.save();
  for (const [width, colour] of [[4, "rgba(0, 0, 0, 0.8)"], [1.6, RULER_COLOUR]]) {
    Object.assign(pen, { lineWidth: width, strokeStyle: colour });
    pen.beginPath();
    pen.moveTo(...from); pen.lineTo(...to);
    for (const [x, y] of [from, to]) { pen.moveTo(x - tick[0], y - tick[1]); pen.lineTo(x + tick[0], y + tick[1]); }
    pen.stroke();
  }
  const isRight = to[0] + 80 < pen.canvas.clientWidth;
  write(pen, `${lengthOf(line, frame).toFixed(1)} mm`, to[0] + (isRight ? 9 : -9), to[1], isRight ? "left" : "right", "middle");
  pen.restore();
}

const isHere = (line, pane, plane, index) => line && line.pane === pane && line.plane === plane && line.index === index;
