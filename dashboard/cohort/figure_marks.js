// In a figure of many patients the line under the pointer stands out, and a click on a mark opens its patient, as a link
// would: Back returns to the same cohort. A mark says whose it is in its customdata; what says nobody leads nowhere.
const FIGURES = '[class*="st-key-figure-"] .js-plotly-plot', LINES = '[class*="st-key-figure-course"], [class*="st-key-figure-cysts"]';
const PALE = '0.15';

function pale(plot, lit) {
  for (const line of plot.querySelectorAll('.scatterlayer .trace')) {
    const number = line.__data__?.[0]?.trace?.index;
    line.style.opacity = lit === undefined || number === undefined || lit.has(number) ? '' : PALE;
  }
}

function open(points) {
  const whose = points.map((point) => [point.customdata].flat()[0]).find(Boolean);
  if (!whose) return;
  history.pushState({}, '', `patient?${new URLSearchParams({ patient: whose })}`);
  dispatchEvent(new PopStateEvent('popstate'));
}

export default function () {
  const listened = (event) => {
    const plot = event.target.closest?.(FIGURES);
    if (!plot?.on || plot.dataset.led) return;
    plot.dataset.led = 'yes';
    plot.on('plotly_click', (click) => open(click.points));
    if (!plot.closest(LINES)) return;
    plot.on('plotly_hover', (hover) => pale(plot, new Set(hover.points.map((point) => point.curveNumber))));
    plot.on('plotly_unhover', () => pale(plot));
  };
  document.addEventListener('mouseover', listened);
  return () => document.removeEventListener('mouseover', listened);
}
