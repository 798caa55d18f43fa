// A figure looks for the mark under the pointer as the pointer moves. Drawn anew under a pointer that rests, as a page
// that is still arriving draws it, it would take a click for none, or for one on what stood there before: so it looks
// once more as the button goes down.
addEventListener('pointerdown', (event) => {
  if (!event.target.closest?.('.js-plotly-plot')) return;
  const { clientX, clientY, screenX, screenY } = event;
  event.target.dispatchEvent(new MouseEvent('mousemove', { clientX, clientY, screenX, screenY, bubbles: true, view: window }));
}, true);
