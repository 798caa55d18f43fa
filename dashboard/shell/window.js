// Lets a window that is loaded anew give back to the server the secret by which its fields were kept, and the texts
// that the server did not have yet: those still being typed, and those beside a button of their own. The browser keeps
// both for this window alone, and only while something is typed: nothing is asked for in vain. A text is let go as soon
// as the server has it, or has emptied its field; of another person who signs in here nothing is left at once.
const KEY = 'cordtrack-window';
const TEXTS = 'cordtrack-texts';
const HOURS_MS = 12 * 3600 * 1000;
let latest = null;
let asked = '';
let askedAt = 0;
const PATIENCE_MS = 5000;
let isBringing = false;

function kept() {
  try {
    return JSON.parse(sessionStorage.getItem(TEXTS)) || {};
  } catch {
    return {};
  }
}

function keep(texts) {
  if (Object.keys(texts).length) sessionStorage.setItem(TEXTS, JSON.stringify(texts));
  else sessionStorage.removeItem(TEXTS);
}

// The key of the field that an element is of: a class of the nearest place that has one.
function keyOf(element) {
  for (let at = element; at; at = at.parentElement) {
    const name = [...at.classList].find((each) => each.startsWith('st-key-'));
    if (name) return latest.begins.some((begin) => name.startsWith(`st-key-${begin}`)) ? name.slice(7) : '';
  }
  return '';
}

function note(event) {
  const field = event.target;
  const key = latest && field.matches('textarea, input[type=text]') && keyOf(field);
  if (!key) return;
  const { window, owner, chosen, emptied } = latest;
  const one = { text: field.value, window, owner, chosen, emptied: emptied[key] || 0, at: Date.now() };
  keep({ ...kept(), [key]: one });
}

function isNeeded(key, one, data) {
  if (one.owner !== data.owner || Date.now() - one.at > HOURS_MS) return false;
  if (one.window !== data.window) return !asked || data.heard !== asked; // given back: the server keeps it from now on
  return data.held[key] !== one.text && (data.emptied[key] || 0) <= one.emptied;
}

addEventListener('input', note, true);
addEventListener('change', (event) => { isBringing ||= event.target.type === 'file'; }, true);
addEventListener('beforeunload', (event) => { if (latest && (latest.files || isBringing)) event.preventDefault(); });

export default function ({ data, setTriggerValue }) {
  latest = data;
  isBringing = false;
  const texts = Object.fromEntries(Object.entries(kept()).filter(([key, one]) => isNeeded(key, one, data)));
  keep(texts);
  if (asked && data.heard === asked) asked = '';
  else if (asked && Date.now() - askedAt < PATIENCE_MS) return;
  const strange = Object.fromEntries(Object.entries(texts).filter(([, one]) => one.window !== data.window));
  const before = sessionStorage.getItem(KEY);
  if ((before && before !== data.window && !data.heard) || Object.keys(strange).length) {
    askedAt = Date.now();
    asked = `${askedAt}-${Math.random()}`;
    setTriggerValue('before', { ask: asked, window: before || '', texts: strange });
    return;
  }
  if (data.typed) sessionStorage.setItem(KEY, data.window);
  else sessionStorage.removeItem(KEY);
}
