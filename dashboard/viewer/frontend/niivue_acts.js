// Everything a person can do with visits in NiiVue (niivue_panes.js), by mouse, key or control: name to function.

function niivueActs(panes, value) {
  const { view, data } = panes, each = (change) => panes.viewers.forEach(change), lead = panes.viewers[panes.leader];
  const plane = PLANES[view.view] ?? PLANES.sagittal;
  return {
    view: () => {
      view.view = value;
      if (value === "render" && view.mode === "difference") view.mode = "side";
      each((viewer) => { viewer.opts.sliceType = VIEWS[value]; });
      panes.cross3D();
      each((viewer) => { if (viewer.volumes[1]) viewer.setOpacity(1, value === "render" ? SOLID : 0); });
      if (value === "render") panes.solids().catch((error) => { panes.root.querySelector(".where").value = error.message; });
    },
    drag: () => { view.drag = value; each((viewer) => { viewer.opts.dragMode = DRAGS[value]; }); },
    opacity: () => { view.opacity = value / 100; },
    preset: () => {
      view.preset = Number(value);
      each((viewer, n) => panes.window(viewer, ...data.presets[value][1][n]));
    },
    outline: () => {
      if (!panes.off.delete(Number(value))) panes.off.add(Number(value));
      each((viewer) => {
        if (!viewer.volumes[1]) return;
        viewer.volumes[1].setColormapLabel(panes.lookup());
        viewer.updateGLVolume();
      });
    },
    crosshair: () => { view.crosshair = !view.crosshair; panes.cross3D(); },
    step: () => {
      const at = panes.voxel(panes.leader);
      panes.goal = null;
      panes.put(panes.leader, at.with(plane.axis, clamp(at[plane.axis] + value, 0, Infinity)));
    },
    move: ([along, up]) => {
      const at = panes.voxel(panes.leader), { u, v } = plane;
      panes.goal = null;
      panes.put(panes.leader, at.with(u, clamp(at[u] + along, 0, Infinity)).with(v, clamp(at[v] + up, 0, Infinity)));
    },
    zoom: () => panes.enlarge(lead, clamp(lead.scene.pan2Dxyzmm[3] * Number(value), 0.5, 20)),
    largest: () => { panes.act("view", value); panes.goTo(data.largest[value]); },
    home: () => {
      each((viewer) => { viewer.scene.pan2Dxyzmm = [0, 0, 0, 1]; });
      panes.act("preset", 0);
      panes.ruler.line = null;
      panes.goTo(data.largest.sagittal);
    },
    open: () => panes.goTo(data.start),
    enlarge: () => each((viewer) => panes.enlarge(viewer, data.zoom)),
    levels: () => { if (value) each((viewer, n) => panes.window(viewer, ...value[n])); },
    ...comparisonActs(panes, comparable(data)),
  };
}
