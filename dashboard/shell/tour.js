// Points at the part of the page that a step of the tour speaks of, once it is drawn, and brings it into sight; a part
// that is drawn anew is pointed at anew. The keyboard goes to the step's own button, so that Enter leads through; Escape
// ends the tour.
const MARK = 'data-ct-toured', EVERY_MS = 300, OF_THE_TOUR = '.st-key-tour-next button, .st-key-tour-end button';

function unmark() { document.querySelectorAll(`[${MARK}]`).forEach((part) => part.removeAttribute(MARK)); }

export default function ({ data }) {
  let isReached = false;
  const look = () => {
    const parts = [...document.querySelectorAll(`[data-testid=stMain] ${data.selector}`)];
    const part = parts.find((one) => one.getBoundingClientRect().width > 0);
    if (!part || part.hasAttribute(MARK)) return;
    unmark();
    part.setAttribute(MARK, '');
    if (isReached) return;
    isReached = true;
    part.scrollIntoView({ block: 'center' });
    document.querySelector(OF_THE_TOUR)?.focus({ preventScroll: true });
  };
  const timer = setInterval(look, EVERY_MS);
  const keyed = (event) => { if (event.key === 'Escape') document.querySelector('.st-key-tour-end button')?.click(); };
  document.addEventListener('keydown', keyed);
  return () => { clearInterval(timer); document.removeEventListener('keydown', keyed); unmark(); };
}
