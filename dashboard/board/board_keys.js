// The board by keyboard and by click: arrows mark a row, Enter opens it, "/" goes to the search, a click anywhere on a
// row opens it, a click on a head sorts. It marks and clicks what is on the page; it holds nothing of its own.
const ROWS = '.ct-board.ct-rule', HEADS = '.ct-board.ct-head [data-sort]', LEFT_ALONE = 'a, button, summary, details, input, label';

function linkOf(row) { return row.closest('[data-testid="stHorizontalBlock"]')?.querySelector('[data-testid="stPageLink"] a'); }

function marked() { return document.querySelector(`${ROWS}.ct-marked`); }

function mark(row) {
  marked()?.classList.remove('ct-marked');
  row.classList.add('ct-marked');
  linkOf(row)?.focus({ preventScroll: true });
  row.scrollIntoView({ block: 'nearest' });
}

function typing(target) { return target.closest?.('input, textarea, select, [contenteditable=true]'); }

export default function ({ setTriggerValue }) {
  const keyed = (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const search = document.querySelector('.st-key-search input');
    if (event.key === '/' && !typing(event.target)) { search?.focus(); event.preventDefault(); return; }
    if (event.key === 'Escape' && event.target === search) { search.blur(); return; }
    const head = event.target.closest?.(HEADS);
    if (head && (event.key === 'Enter' || event.key === ' ')) { setTriggerValue('sort', head.dataset.sort); event.preventDefault(); return; }
    if (typing(event.target)) return;
    const rows = [...document.querySelectorAll(ROWS)];
    const at = rows.indexOf(marked());
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step && rows.length) { mark(rows[Math.min(Math.max(at + step, 0), rows.length - 1)]); event.preventDefault(); }
    if (event.key === 'Enter' && at >= 0 && !event.target.closest?.(LEFT_ALONE)) linkOf(rows[at])?.click();
  };
  const clicked = (event) => {
    const head = event.target.closest?.(HEADS);
    if (head) { setTriggerValue('sort', head.dataset.sort); return; }
    const row = event.target.closest?.(ROWS);
    if (row && !event.target.closest(LEFT_ALONE) && !String(getSelection())) linkOf(row)?.click();
  };
  document.addEventListener('keydown', keyed);
  document.addEventListener('click', clicked);
  return () => { document.removeEventListener('keydown', keyed); document.removeEventListener('click', clicked); };
}
