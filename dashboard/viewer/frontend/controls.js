// What both viewers have around their pictures: panes, buttons, keys, and words about what is shown.

// The page itself answers to n and p (next and previous patient), so that neither is used here.
const SHARED_KEYS = {
  ArrowDown: ["step", -1], ArrowRight: ["step", -1], ArrowUp: ["step", 1], ArrowLeft: ["step", 1],
  PageDown: ["step", -5], PageUp: ["step", 5], Home: ["step", 1e6], End: ["step", -1e6],
  "+": ["zoom", 1.25], "=": ["zoom", 1.25], "-": ["zoom", 0.8], v: ["screen"], r: ["ruler"], Enter: ["end"],
  1: ["layout", 1], 2: ["layout", 2], 4: ["layout", 4], l: ["largest", "sagittal"], k: ["largest", "axial"], j: ["spot"],
  m: ["mode", "side"], b: ["mode", "blend"], w: ["mode", "swipe"], d: ["mode", "difference"], f: ["flicker"],
  ",": ["shift", -0.05], ".": ["shift", 0.05], g: ["window"], x: ["crosshair"], "?": ["keys"],
};
const MODES_OF_TWO = ["blend", "swipe", "difference"];

const bytesOf = (table) => table?.getChildAt(0).get(0) ?? null;
const SCREEN_SHARE = 0.62; // of the screen's height that a viewer in a page takes at most
const LEAST_PX = 260; // of a viewer that is as high as the screen allows
const keyOf = (event) => (event.key.length === 1 ? event.key.toLowerCase() : event.key);
// Some keys are the page's own, as while masks are reviewed: they press its buttons from within the picture, too.
function pressPageKey({ root, data }, event) {
  const name = data.page_keys?.[keyOf(event)];
  if (!name) return false;
  event.preventDefault();
  root.getRootNode().host?.ownerDocument.querySelector(`.st-key-${name} button`)?.click();
  return true;
}
const comparable = ({ titles, grids }) => titles.length > 1 && !grids.some(({ to }) => to);
const areAlike = ({ sequences }, second) => sequences[0] === sequences[second];

function make(tag, properties, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children);
  return element;
}

function button(act, ...children) {
  const element = make("button", { type: "button" }, ...children);
  element.dataset.act = act;
  return element;
}

// One captioned canvas per visit, a button per window preset and per compartment; returns the canvases.
function buildPanes(root, { titles, presets, colours, spots }) {
  const canvases = titles.map(() => make("canvas", { tabIndex: 0, role: "application" }));
  const divider = make("div", { className: "divider", hidden: true });
  root.querySelector(".panes").replaceChildren(...canvases.map((canvas, n) => make("figure", {},
    make("figcaption", { textContent: titles[n] }), make("div", { className: "stage" }, canvas))), divider);
  root.querySelector(".presets").replaceChildren(...presets.map(([name, , words], n) => (
    withTip(button(`preset:${n}`, name), `window ${name}: ${words} (g for the next)`, words))));
  root.querySelector(".legend").replaceChildren(...colours.map(([value, name, colour]) => {
    const swatch = make("i", {});
    swatch.style.color = colour;
    return button(`outline:${value}`, swatch, name);
  }));
  const jump = root.querySelector(".spot");
  jump.hidden = !spots.length;
  const places = spots.map(({ words }) => words).join("; ");
  withTip(jump, `new signal: ${places} (j)`, places);
  root.querySelector("select").replaceChildren(...titles.slice(1).map((title, n) => new Option(title, n + 1)));
  return canvases;
}

// A viewer as high as was asked for, or as a low screen shows beside its tools; without a height, so that the page ends
// where the screen does, whatever is written above and below the row that the viewer stands in.
function giveHeight(root, { height }, signal) {
  const host = root.getRootNode().host, page = host?.closest("[data-testid=stMainBlockContainer]");
  if (height || !page) {
    root.style.height = `${Math.min(height || 2 * LEAST_PX, Math.max(LEAST_PX, Math.round(SCREEN_SHARE * innerHeight)))}px`;
    return;
  }
  const main = page.closest("[data-testid=stMain]"), rows = "[data-testid=stHorizontalBlock]";
  let row = host;
  while (row.parentElement.closest(rows)) row = row.parentElement.closest(rows);
  const fit = () => {
    const [ours, its, whole, screen] = [root, row, page, main].map((element) => element.getBoundingClientRect());
    const start = ours.top - screen.top + main.scrollTop, below = whole.bottom - its.bottom;
    root.style.height = `${Math.max(LEAST_PX, Math.floor(main.clientHeight - start - below))}px`;
  };
  const sizes = new ResizeObserver(fit);
  sizes.observe(page);
  sizes.observe(main);
  signal.addEventListener("abort", () => sizes.disconnect());
}

// Buttons, sliders and the divider of a swipe, all to viewer.act.
function listenForActs(viewer, signal) {
  const { root } = viewer, panes = root.querySelector(".panes"), divider = root.querySelector(".divider");
  showTips(root, signal);
  listenForRuler(viewer, signal);
  root.addEventListener("click", ({ target }) => {
    const act = target.closest("[data-act]")?.dataset.act.split(":");
    if (act) perform(viewer, ...act);
  }, { signal });
  root.addEventListener("fullscreenchange", () => viewer.act("redraw"), { signal });
  root.addEventListener("input", ({ target }) => viewer.act(target.dataset.value, Number(target.value)), { signal });
  divider.addEventListener("mousedown", (event) => event.preventDefault(), { signal }); // keys go on working in the picture
  divider.addEventListener("pointerdown", ({ pointerId }) => divider.setPointerCapture(pointerId), { signal });
  divider.addEventListener("pointermove", (event) => {
    if (!divider.hasPointerCapture(event.pointerId)) return;
    const { left, width } = panes.getBoundingClientRect();
    viewer.act("mix", (100 * (event.clientX - left)) / width);
  }, { signal });
}

// One act that a person asked for; what cannot be done here is refused in words.
function perform(viewer, name, value) {
  const words = refusal(viewer, name, value);
  say(viewer.root, words);
  if (!words) viewer.act(name, value);
}

// Putting two visits into one picture: acts on viewer.view that both viewers know.
function comparisonActs(viewer, isComparable) {
  const { view } = viewer;
  const still = () => { clearInterval(viewer.flickering); viewer.flickering = null; };
  const flicker = () => { // on one grid one visit over the other; else one picture in the place of the other
    const { mode, mix, layout, alone } = view, before = { mode, mix, layout, alone }, count = viewer.data.titles.length;
    if (viewer.flickering) { still(); Object.assign(view, viewer.unflickered); return; }
    viewer.unflickered = before;
    Object.assign(view, isComparable ? { mode: "blend", mix: Math.round(mix) } : { layout: 1 });
    const turn = () => { if (isComparable) view.mix = view.mix < 0.5 ? 1 : 0; else view.alone = (view.alone + 1) % count; };
    viewer.flickering = setInterval(() => { turn(); viewer.act("redraw"); }, 600);
  };
  const mix = (share) => { still(); view.mix = clamp(share, 0, 1); };
  return {
    mode: (value) => {
      const isAllowed = value !== "difference" || (areAlike(viewer.data, view.second) && view.view !== "render");
      still();
      if (isComparable && isAllowed) view.mode = value;
    },
    second: (value) => {
      view.second = value;
      if (view.mode === "difference" && !areAlike(viewer.data, value)) view.mode = "side";
    },
    mix: (value) => mix(value / 100),
    shift: (value) => mix(view.mix + value),
    flicker,
    layout: (value) => {
      const layout = Number(value), count = viewer.data.titles.length;
      still();
      view.alone = layout === 1 && view.layout === 1 ? (view.alone + 1) % count : viewer.touched();
      Object.assign(view, { layout, mode: "side" });
    },
    screen: () => { toggleScreen(viewer.root); },
    ...rulerActs(viewer),
    link: () => viewer.data.keep?.([viewer.looking(), ...viewer.where().map((mm) => mm.toFixed(1)), view.mode,
      viewer.data.presets[view.preset][0], ...changed(viewer)].join("_")),
    spot: () => {
      const { spots } = viewer.data;
      if (spots.length) viewer.goTo(spots[viewer.spotted = ((viewer.spotted ?? -1) + 1) % spots.length].place);
    },
    window: () => viewer.act("preset", (view.preset + 1) % viewer.data.presets.length),
    keys: () => {
      const help = viewer.root.querySelector(".keys");
      help.open = !help.open;
      if (help.open) help.querySelector("dl").scrollIntoView({ block: "nearest" });
    },
  };
}

// Zoom and windows of all pictures as a link keeps them: nothing where neither was changed, no windows where they are
// those of the preset.
function changed(viewer) {
  const preset = viewer.data.presets[viewer.view.preset][1], levels = viewer.levels();
  const isSame = levels.every((pair, n) => pair.every((level, end) => Math.abs(level - preset[n][end]) < 0.5));
  const byHand = levels.map((pair) => pair.map((level) => clamp(level, 0, 255).toFixed(0)).join("~")).join(",");
  return isSame && viewer.zoomed() === 1 ? [] : [viewer.zoomed().toFixed(2), isSame ? "" : byHand];
}

// Which buttons are pressed, and which controls have something to do now.
function showControls(root, view, { data, off, isFlickering, isMeasuring }) {
  const isComparable = comparable(data), together = MODES_OF_TWO.includes(view.mode);
  const isScreen = root.getRootNode().fullscreenElement === root, count = data.titles.length;
  const pressed = { crosshair: () => view.crosshair, flicker: () => isFlickering, ruler: () => isMeasuring, screen: () => isScreen,
    layout: (value) => view.mode === "side" && Math.min(count, view.layout) === Math.min(count, Number(value)),
    preset: (value) => Number(value) === view.preset, outline: (value) => !off.has(Number(value)) };
  for (const name of ["view", "plane", "mode", "drag"]) pressed[name] = (value) => value === view[name];
  for (const element of root.querySelectorAll("[data-act]")) {
    const [name, value] = element.dataset.act.split(":");
    if (name in pressed) element.setAttribute("aria-pressed", pressed[name](value));
    if (name === "mode") element.disabled = value === "difference" && !(areAlike(data, view.second) && view.view !== "render");
  }
  const show = (selector, visible) => { for (const e of root.querySelectorAll(selector)) e.hidden = !visible; };
  show(".modes", isComparable);
  show(".link", data.is_linkable);
  show("label.mix", together && view.mode !== "difference");
  show(".flickers, .layouts", count > 1);
  show("[data-act='layout:4']", count > 2);
  show(".second", together && data.titles.length > 2);
  const set = (name, value) => { root.querySelector(`[data-value='${name}']`).value = value; };
  set("mix", 100 * view.mix); set("opacity", 100 * view.opacity); set("second", view.second);
}

// What a picture of two visits shows: a title and a note.
function comparisonWords({ mode, mix }, first, second) {
  if (mode === "swipe") return [`${first} | ${second}`, "left: first · right: second"];
  if (mode === "difference") return [`${second} minus ${first}`, "orange: brighter now · blue: darker now"];
  if (mix === 0 || mix === 1) return [mix ? second : first, ""];
  return [`${first} → ${second}`, `${Math.round(100 * mix)} % · dashed: first · solid: second`];
}

// What stands on a picture itself: its slice, the grey values shown (of 0 to 255), and how far it is enlarged.
function readoutOf(slice, place, [low, high], preset, zoom) {
  const levels = [low, high].map((level) => Math.round(clamp(level, 0, 255))).join("–");
  return [[slice, place].filter(Boolean).join(" · "), `${preset} ${levels}${Math.abs(zoom - 1) > 0.005 ? ` · ×${zoom.toFixed(1)}` : ""}`];
}

const placeWords = (place) => `${["RL", "AP", "SI"].map((pair, axis) => (
  `${pair[place[axis] < 0 ? 1 : 0]} ${Math.abs(place[axis]).toFixed(1)}`)).join(" · ")} mm`;
