// The tools of both viewers: one list makes the buttons, what is said of them on hover and to a screen reader, and the
// table of keys, so that none of them can say another thing. Python joins this file with the viewers into one module.
//
// Icons are drawn here, on a field of 20 by 20: no font and no file is fetched for them.
const ICONS = {
  sagittal: "M3 3h5v3H3zM3 9h5v3H3zM3 15h5v3H3zM12 2q3 8-1 16M17 2q3 8-1 16",
  axial: "M10 4c5 0 7 3 7 6s-3 6-7 6-7-3-7-6 2-6 7-6zM10 8c2 0 2.5 1 2.5 2s-1 2-2.5 2-2.5-1-2.5-2 .5-2 2.5-2z",
  coronal: "M6 2h8v3.5H6zM6 8.200h8v3.5H6zM6 14.5h8V18H6zM2 10h2M16 10h2",
  multiplanar: "M2 2h7v7H2zM11 2h7v7h-7zM2 11h7v7H2z",
  render: "M10 2l7 4v8l-7 4-7-4V6zM3 6l7 4 7-4M10 10v8",
  side: "M2 4h7v12H2zM11 4h7v12h-7z",
  blend: "M7.5 4a6 6 0 1 0 0 12 6 6 0 0 0 0-12zM12.5 4a6 6 0 1 1 0 12 6 6 0 0 1 0-12z",
  swipe: "M2 4h16v12H2zM10 2v16M7 8l-2 2 2 2M13 8l2 2-2 2",
  difference: "M2 4h16v12H2zM4.5 8h5M7 5.5v5M11.5 13h4",
  flicker: "M3 7h12l-3-4M17 13H5l3 4",
  "largest-sagittal": "M10 5c2 0 3 2 3 5s-1 5-3 5-3-2-3-5 1-5 3-5zM10 1v2M10 17v2M2 10h2M16 10h2",
  "largest-axial": "M10 7c3 0 5 1 5 3s-2 3-5 3-5-1-5-3 2-3 5-3zM10 1v3M10 16v3M1 10h2M17 10h2",
  spot: "M10 3a7 7 0 1 1-.1 0zM10 8v4M8 10h4",
  window: "M10 3a7 7 0 1 1-.1 0zM10 3v14M12 5v10M14 6.5v7",
  smaller: "M8.5 3a5.5 5.5 0 1 1-.1 0zM12.5 12.5L18 18M6 8.5h5",
  larger: "M8.5 3a5.5 5.5 0 1 1-.1 0zM12.5 12.5L18 18M6 8.5h5M8.5 6v5",
  crosshair: "M10 1v6M10 13v6M1 10h6M13 10h6",
  ruler: "M2 13L13 2l5 5L7 18zM5 10l2 2M8 7l2 2M11 4l2 2",
  reset: "M4 10a6 6 0 1 0 2-4.5M6 2v4h4",
  link: "M8 12l4-4M9 6l2-2a3.5 3.5 0 0 1 5 5l-2 2M11 14l-2 2a3.5 3.5 0 0 1-5-5l2-2",
  one: "M3 3h14v14H3z",
  two: "M2 3h7v14H2zM11 3h7v14h-7z",
  four: "M2 2h7v7H2zM11 2h7v7h-7zM2 11h7v7H2zM11 11h7v7h-7z",
  screen: "M2 7V2h5M13 2h5v5M18 13v5h-5M7 18H2v-5",
  pan: "M10 2v16M2 10h16M8 4l2-2 2 2M8 16l2 2 2-2M4 8l-2 2 2 2M16 8l2 2-2 2",
};

// A group, and its tools: act, icon, name, key, and what the key alone cannot say. Either viewer leaves out what it has not.
const PLANE_TOOLS = (act) => [[`${act}:sagittal`, "sagittal", "sagittal", "s"], [`${act}:axial`, "axial", "axial", "a"],
  [`${act}:coronal`, "coronal", "coronal", "c"]];
const COMPARING = ["Comparison", "modes", [
  ["mode:side", "side", "side by side", "m"], ["mode:blend", "blend", "blend", "b", "one over the other, faded"],
  ["mode:swipe", "swipe", "swipe", "w", "one beside the other in one picture; drag the line"],
  ["mode:difference", "difference", "difference", "d", "later minus earlier, same sequence only"]]];
const FLICKERING = ["Flicker", "flickers", [["flicker", "flicker", "flicker", "f", "two visits in turn, in one place"]]];
const PICTURES = ["Pictures", "layouts", [["layout:1", "one", "one picture", "1", "the one touched last; again for the next"],
  ["layout:2", "two", "two pictures", "2"], ["layout:4", "four", "all pictures", "4"]]];
const GOING = ["Go to", "", [
  ["largest:sagittal", "largest-sagittal", "largest sagittal section", "l", "of the tumour, of all visits shown"],
  ["largest:axial", "largest-axial", "largest axial section", "k", "of the tumour, of all visits shown"],
  ["spot", "spot", "new signal", "j"]]];
const PICTURE = (reset) => ["Picture", "", [
  ["zoom:0.8", "smaller", "Zoom out", "-"], ["zoom:1.25", "larger", "Zoom in", "+"],
  ["crosshair", "crosshair", "crosshair", "x", "on or off"], ["ruler", "ruler", "ruler", "r", "drag from end to end"], reset,
  ["link", "link", "link here", "", "puts this plane and place into the address of the page: copy it, or come back to it"],
  ["screen", "screen", "full screen", "v", "Esc ends it"]]];
const WINDOWING = ["Window", "windows", []];
const PLAIN_TOOLS = [["Plane", "", PLANE_TOOLS("plane")], COMPARING, FLICKERING, PICTURES, GOING, WINDOWING,
  PICTURE(["reset", "reset", "reset", "0", "whole image, full window"])];
const VOLUME_TOOLS = [["View", "", [...PLANE_TOOLS("view"), ["view:multiplanar", "multiplanar", "all planes", "o"],
  ["view:render", "render", "3D", "3"]]], COMPARING, FLICKERING, PICTURES, GOING, WINDOWING,
["Right drag and wheel", "", [["drag:windowing", "window", "right drag: window", "", "the wheel changes the slice"],
  ["drag:pan", "pan", "right drag: pan", "", "the wheel zooms"]]],
PICTURE(["home", "reset", "reset", "0", "largest section, whole image, full window"])];
const FURTHER_KEYS = [["click", "crosshair, in all visits"], ["right drag", "window, or pan"], ["ctrl + wheel", "zoom"],
  ["shift + arrows", "crosshair within the picture"], ["Enter", "end of the ruler at the crosshair"], ["Home End", "first, last slice"],
  [", . g", "to first, to second; next window"], ["Tab", "next visit or tool; keys work in a picture"]];
const SCAN_KEYS = [["wheel, arrows", "slice; Page up and down: five"]];
const PROJECTOR_KEYS = [["wheel, up, down", "slice"], ["left, right", "patient before, next patient; Page up and down, too"],
  ["b", "black screen"]];

function icon(name) {
  const holder = document.createElement("template"); // a parser names the language of pictures by itself
  holder.innerHTML = '<svg viewBox="0 0 20 20" aria-hidden="true"><path/></svg>';
  holder.content.querySelector("path").setAttribute("d", ICONS[name]);
  return holder.content.firstElementChild;
}

// Fills the bar and the table of keys.
function buildTools(root, groups) {
  const isProjector = Boolean(document.querySelector(".ct-present"));
  root.querySelector(".bar").replaceChildren(...groups.map(([label, className, tools]) => {
    const group = make("span", { className: `choice ${className}`, role: "group", ariaLabel: label });
    group.append(...tools.map(toolButton));
    if (className === "windows") group.append(icon("window"), make("span", { className: "presets" }));
    if (className === "modes") group.append(...mixers());
    return group;
  }));
  const isListed = ([, , , key]) => key && !(isProjector && key === "b"); // which is the black screen there
  const listed = groups.map(([, , tools]) => tools.filter(isListed)).filter((tools) => tools.length)
    .map((tools) => [tools.map(([, , , key]) => key).join(" "), tools.map(([, , name]) => name).join(", ")]);
  root.querySelector(".keys dl").replaceChildren(...[...(isProjector ? PROJECTOR_KEYS : SCAN_KEYS), ...FURTHER_KEYS, ...listed]
    .flatMap(([key, words]) => [make("dt", { textContent: key }), make("dd", { textContent: words })]));
}

function toolButton([act, drawn, name, key, more]) {
  const element = button(act, icon(drawn));
  element.ariaLabel = name;
  if (act === "spot") element.className = "spot";
  if (act === "link") element.className = "link";
  if (key) element.setAttribute("aria-keyshortcuts", key);
  return withTip(element, `${name}${more ? `: ${more}` : ""}${key ? ` (${key})` : ""}`, more);
}

// What is shown under the mouse and the focus, and what a screen reader adds to the name.
function withTip(element, words, description) {
  element.dataset.tip = words;
  if (description) element.setAttribute("aria-description", description);
  return element;
}

// What a picture of two visits is made with: the visit compared with the first, and how much of which.
function mixers() {
  const second = make("select", { ariaLabel: "Visit compared with the first" });
  const share = make("input", { type: "range", min: 0, max: 100, step: 1, ariaLabel: "From the first visit to the second, percent" });
  second.dataset.value = "second";
  share.dataset.value = "mix";
  return [make("label", { className: "second" }, "of first with ", second), make("label", { className: "mix" }, "first to second ", share)];
}

// The name of the tool under the mouse or the focus, inside the viewer whatever edge the tool stands at.
function showTips(root, signal) {
  const tip = make("span", { className: "tip", ariaHidden: "true", hidden: true });
  root.append(tip);
  const show = (tool) => {
    tip.hidden = !tool;
    if (!tool) return;
    tip.textContent = tool.dataset.tip;
    const [at, all] = [tool.getBoundingClientRect(), root.getBoundingClientRect()];
    tip.style.top = `${at.bottom - all.top + 3}px`;
    tip.style.left = `${clamp(at.left - all.left, 0, Math.max(0, all.width - tip.offsetWidth))}px`;
  };
  const of = ({ target }) => target.closest("[data-tip]");
  root.addEventListener("pointerover", (event) => show(of(event)), { signal });
  root.addEventListener("pointerleave", () => show(null), { signal });
  root.addEventListener("focusin", (event) => show(of(event)?.matches(":focus-visible") ? of(event) : null), { signal });
  root.addEventListener("focusout", () => show(null), { signal });
  root.addEventListener("click", () => show(null), { signal });
  root.addEventListener("keydown", ({ key }) => { if (key === "Escape") show(null); }, { signal });
}

// Why a tool has nothing to do here, in words; nothing where it has.
function refusal(viewer, name, value) {
  const { data, view } = viewer, count = data.titles.length, isOwn = data.grids.some(({ to }) => to);
  const together = name === "mode" && value !== "side";
  if (count < 2 && (together || ["flicker", "shift"].includes(name))) return "One scan is shown: choose a second visit to compare.";
  if (isOwn && together) return 'Scans in their own grids lie side by side; switch "own grids" off to lay them over each other.';
  if (together && value === "difference" && !areAlike(data, view.second)) return "A difference needs two scans of the same sequence.";
  if (together && value === "difference" && view.view === "render") return "A difference is shown in planes: leave 3D first.";
  if (name === "shift" && !["blend", "swipe"].includes(view.mode)) return "Comma and full stop shift a blend (b) or a swipe (w).";
  if (name === "spot" && !data.spots.length) return "No new signal is marked on these scans.";
  if (name === "window" && data.presets.length < 2) return "There is one window for these scans.";
  if (name === "layout" && count < { 1: 2, 2: 2, 4: 3 }[value]) return `${count === 1 ? "One scan is" : "Two scans are"} shown: add visits above.`;
  if (name === "end" && !viewer.ruler.isOn) return "Enter puts an end of the ruler at the crosshair: r switches it on first.";
  if (["ruler", "end"].includes(name) && view.view === "render") return "The ruler measures in planes: leave 3D first.";
  return "";
}

// A refused or an unknown key says so, where a screen reader hears it as well; the next act takes the words away.
function say(root, words) {
  const place = root.querySelector(".said");
  if (place.textContent !== words) place.textContent = words;
}

const PLAIN_ONLY = { o: "All planes", 3: "3D" };
function sayUnknown(root, key) {
  if (key.length !== 1 || " np/".includes(key)) return; // the page's own
  const name = PLAIN_ONLY[key];
  say(root, name ? `${name}: switch "plain slices" off.` : `${key} is no key of the viewer; ? lists them.`);
}

async function toggleScreen(root) {
  try {
    if (root.getRootNode().fullscreenElement) await document.exitFullscreen();
    else await root.requestFullscreen();
  } catch (error) {
    say(root, `This browser gives no full screen: ${error.message}`);
  }
}

// Into how many columns pictures of a width and height go, so that they are drawn largest in a room.
function columnsFor(count, wide, high, room) {
  const scale = (columns) => Math.min(room.width / columns / wide, room.height / Math.ceil(count / columns) / high);
  return [1, 2, 3, 4].slice(0, count).reduce((best, columns) => (scale(columns) > scale(best) + 1e-9 ? columns : best), 1);
}

// Shows some of the pictures; the keyboard goes on in one that is seen when its own is put away.
function showFigures(root, figures, seen) {
  const at = root.getRootNode().activeElement, isLost = figures.some((figure, n) => !seen.includes(n) && figure.contains(at));
  figures.forEach((figure, n) => { figure.hidden = !seen.includes(n); });
  if (isLost) figures[seen[0]].querySelector("canvas").focus({ preventScroll: true });
}

function putInColumns(panes, count, wide, high) {
  const columns = columnsFor(count, wide, high, { width: panes.clientWidth, height: panes.clientHeight });
  panes.style.setProperty("--columns", columns);
  panes.style.setProperty("--rows", Math.ceil(count / columns));
}

// Which pictures of a viewer are seen in a layout: the one touched last, it and its neighbour, or all.
function inLayout(count, { layout, alone }) {
  if (layout >= count) return [...Array(count).keys()];
  if (layout === 1) return [alone];
  return alone ? [alone - 1, alone] : [0, 1];
}
