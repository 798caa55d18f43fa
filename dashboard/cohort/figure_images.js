// Two buttons that save a figure as SVG or PNG: the figure's own camera is told the format and pressed, so that nothing
// leaves the browser and the picture is what is seen.
export default function ({ parentElement, data }) {
  const take = (event) => {
    const kind = event.target.closest?.('button')?.dataset.kind;
    const plot = kind && document.querySelector(`.st-key-${data.figure} .js-plotly-plot`);
    const camera = plot?.querySelector('.modebar-btn[data-title^="Download"]');
    if (!camera) return;
    plot._context.toImageButtonOptions = { format: kind, scale: kind === 'png' ? data.scale : 1, filename: data.name };
    camera.click();
  };
  parentElement.addEventListener('click', take);
  return () => parentElement.removeEventListener('click', take);
}
