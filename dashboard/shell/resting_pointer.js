// A figure looks for the mark under the pointer as the pointer moves. Drawn anew under a pointer that rests, as a page
// that is still arriving draws it, it would take a click for none, or for one on what stood there before: so it looks
// once more as the button goes down. A look that the figure put off until after that (it looks every 50 ms at most)
// finds it being dragged and forgets the mark: so what was under the pointer then is given back as the button goes up.
const NEAR_PX = 3;
let pressed = null;

addEventListener('pointerdown', (event) => {
  const figure = event.target.closest?.('.js-plotly-plot');
  pressed = null;
  if (!figure) return;
  const { clientX, clientY, screenX, screenY } = event;
  event.target.dispatchEvent(new MouseEvent('mousemove', { clientX, clientY, screenX, screenY, bubbles: true, view: window }));
  pressed = { figure, clientX, clientY, marks: figure._hoverdata };
}, true);

addEventListener('pointerup', (event) => {
  if (!pressed?.marks?.length) return;
  const { figure, clientX, clientY, marks } = pressed;
  const isClick = Math.hypot(event.clientX - clientX, event.clientY - clientY) <= NEAR_PX;
  if (isClick && !figure._hoverdata?.length) figure._hoverdata = marks;
}, true);
