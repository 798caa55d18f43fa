// The projector by keyboard and by clicker, wherever the focus is: PageDown and right go to the next patient, PageUp and
// left to the one before, B makes the screen black, Esc ends the black, else leaves a field or a scan, else ends. Keys
// that a field needs stay with it; in a scan up and down turn its slices. Figures, whose letters are counted in pixels,
// grow with the screen.
const STEPS = { PageDown: 'Right', ArrowRight: 'Right', PageUp: 'Left', ArrowLeft: 'Left' };
const OWN_KEYS = 'input, textarea, select, [contenteditable=true], [role=listbox], [role=option]';

function blank() { return document.querySelector('.ct-black'); }

function turnBlack() {
  if (blank()) { blank().remove(); return; }
  const black = Object.assign(document.createElement('div'), { className: 'ct-black', title: 'B or Esc shows the page again' });
  black.addEventListener('click', () => black.remove());
  document.body.append(black);
}

function leave() {
  const at = document.activeElement;
  if (blank()) turnBlack();
  else if (at && at !== document.body) at.blur();
  else document.querySelector('.st-key-ct-end a')?.click();
}

const USUAL = { width: 1700, height: 950 }, EVERY_MS = 400;

function grow() { // as one transform, which Plotly takes into account where it looks for the mark under the pointer
  const factor = Math.max(1, Math.min(innerWidth / USUAL.width, innerHeight / USUAL.height));
  for (const figure of document.querySelectorAll('[data-testid=stMain] [data-testid=stPlotlyChart]')) {
    const place = figure.closest('[data-testid=stElementContainer]');
    const grown = factor === 1 ? {} : {
      transform: `scale(${factor})`, transformOrigin: '0 0', width: `${100 / factor}%`, minWidth: '0',
      marginBottom: `${Math.round((factor - 1) * place.offsetHeight)}px`,
    };
    const style = { transform: '', transformOrigin: '', width: '', minWidth: '', marginBottom: '', ...grown };
    for (const [name, value] of Object.entries(style)) if (place.style[name] !== value) place.style[name] = value;
  }
}

export default function () {
  const growing = setInterval(grow, EVERY_MS);
  const keyed = (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const at = event.composedPath()[0], isOwn = at.matches?.(OWN_KEYS) ?? false, step = STEPS[event.key];
    if (step && (!isOwn || event.key.startsWith('Page'))) document.querySelector(`.st-key-present-${step} button`)?.click();
    else if (event.key.toLowerCase() === 'b' && !isOwn) turnBlack();
    else if (event.key === 'Escape' && !(isOwn && at.getAttribute('aria-expanded') === 'true')) leave();
    else return;
    event.preventDefault();
    event.stopImmediatePropagation(); // or the scan, or the button's own key, answers too
  };
  window.addEventListener('keydown', keyed, true);
  return () => { clearInterval(growing); window.removeEventListener('keydown', keyed, true); blank()?.remove(); };
}
