// Lets a window that is loaded anew give back to the server the secret by which its fields were kept. The browser keeps
// it for this window alone, and only while something is typed: nothing is asked for in vain.
const KEY = 'cordtrack-window';
let asked = '';

export default function ({ data, setTriggerValue }) {
  const before = sessionStorage.getItem(KEY);
  if (before && before !== data.window && before !== data.heard) {
    if (asked !== before) setTriggerValue('before', before);
    asked = before;
    return;
  }
  if (data.typed) sessionStorage.setItem(KEY, data.window);
  else sessionStorage.removeItem(KEY);
}
