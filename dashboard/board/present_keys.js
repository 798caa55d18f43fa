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
// how much, in steps, so that a toolbar that comes and goes draws nothing anew.
const LOW_PX = 960, NARROW_PX = 1000, AROUND_PX = 474, AROUND_NARROW_PX = 576, STEP_PX = 20;

function room() {
  if (innerWidth <= NARROW_PX || innerHeight >= LOW_PX) return 0;
  const left = innerHeight - (innerWidth <= 1100 ? AROUND_NARROW_PX : AROUND_PX);
  return Math.max(STEP_PX, STEP_PX * Math.floor(left / STEP_PX));
}

export default function ({ data, setStateValue }) {
  const tell = () => { if (room() !== data.room) setStateValue('room', room()); };
  tell();
  window.addEventListener('resize', tell);
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
  return () => { window.removeEventListener('resize', tell); window.removeEventListener('keydown', keyed, true); blank()?.remove(); };
}
