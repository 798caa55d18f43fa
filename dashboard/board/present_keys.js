// The projector by keyboard and by clicker, wherever the focus is: PageDown and right go to the next patient, PageUp and
// left to the one before, B makes the screen black, Esc ends the black, else leaves a field or a scan, else ends. Keys
// that a field needs stay with it; in a scan up and down turn its slices.
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

// On a low screen everything stands at once, and the course has what head, numbers and foot leave of it: the page is told
// how much, in steps. A patient's course may only become lower, so that no word that comes and goes draws it again and again.
const LOW_PX = 960, NARROW_PX = 1000, STEP_PX = 20, HALF = '.st-key-ct-halves-patient [data-testid="stColumn"]';
const least = { of: '', px: Infinity };

function room() {
  if (innerWidth <= NARROW_PX || innerHeight >= LOW_PX) return 0;
  const half = document.querySelector(HALF), course = half?.querySelector('[data-testid="stElementContainer"]:has(.js-plotly-plot)');
  if (!course) return null; // it is not drawn yet
  const block = half.firstElementChild, feet = [...block.children].map((part) => part.getBoundingClientRect().bottom);
  const others = Math.max(...feet) - block.getBoundingClientRect().top - course.offsetHeight; // not the block: it fills its half
  const of = `${new URLSearchParams(location.search).get('at')} ${innerWidth} ${innerHeight}`;
  if (least.of !== of) Object.assign(least, { of, px: Infinity });
  least.px = Math.min(least.px, Math.max(STEP_PX, STEP_PX * Math.floor((half.clientHeight - others) / STEP_PX)));
  return least.px;
}

export default function ({ data, setStateValue }) {
  let soon = 0;
  function tell() {
    if (document.querySelector('.stApp[data-test-script-state="running"]')) return later(); // parts of another patient may stand yet
    const px = room();
    if (px !== null && px !== data.room) setStateValue('room', px);
  }
  const later = () => { clearTimeout(soon); soon = setTimeout(tell, 100); };
  const sizes = new ResizeObserver(later), parts = new MutationObserver(look);
  function look() { // the page puts other parts in their places as it is drawn
    for (const part of document.querySelectorAll(`${HALF}, ${HALF} > *, ${HALF} .ct-numbers`)) sizes.observe(part);
    later();
  }
  parts.observe(document.body, { childList: true, subtree: true });
  look();
  window.addEventListener('resize', later);
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
  return () => { clearTimeout(soon); sizes.disconnect(); parts.disconnect(); window.removeEventListener('resize', later); window.removeEventListener('keydown', keyed, true); blank()?.remove(); };
}
