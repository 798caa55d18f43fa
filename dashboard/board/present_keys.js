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

export default function () {
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
  return () => { window.removeEventListener('keydown', keyed, true); blank()?.remove(); };
}
