// What a reader cannot read on a whole page, however far it scrolls: words outside of the box that cuts them, words that
// stand on other words, answers that their field cuts, names of buttons that end in dots, pictures beyond the screen.
() => {
  const SLACK = 1.5, LEFT_ALONE = 'script, style, noscript, title, desc, select, option, [aria-hidden=true], '
    + '.modebar-container, [data-testid=stSidebar], [data-testid=stSkipToContent], [data-testid=stStatusWidget]';
  const words = (node) => node.textContent.trim().replace(/\s+/g, ' ').slice(0, 60);
  const over = (style, axis) => style[`overflow${axis}`] !== 'visible';

  function cut(box, element) { // what remains of a line inside all that cuts it, and what cuts it without being scrolled
    const left = { left: box.left, right: box.right, top: box.top, bottom: box.bottom };
    let by = null;
    for (let at = element; at && at !== document.body && at.dataset.testid !== 'stMain'; at = at.parentElement) {
      const style = getComputedStyle(at), edge = at.getBoundingClientRect();
      if (style.display !== 'inline' && (over(style, 'X') || over(style, 'Y'))) {
        const isScrolled = /auto|scroll/.test(style.overflowX + style.overflowY), isMeant = style.textOverflow === 'ellipsis' && !at.closest('button, label');
        const sticksOut = left.right > edge.right + SLACK || left.left < edge.left - SLACK || left.bottom > edge.bottom + 3 * SLACK || left.top < edge.top - 3 * SLACK;
        if (sticksOut && !isScrolled && !isMeant) by ??= at;
        Object.assign(left, { left: Math.max(left.left, edge.left), right: Math.min(left.right, edge.right), top: Math.max(left.top, edge.top), bottom: Math.min(left.bottom, edge.bottom) });
      }
      if (style.position === 'fixed') break;
    }
    return { left, by };
  }

  function layer(element) { // what is fixed lies over what is scrolled, and is meant to
    for (let at = element; at; at = at.parentElement) if (['fixed', 'sticky'].includes(getComputedStyle(at).position)) return 'fixed';
    return 'page';
  }

  const outside = new Set(), onEachOther = new Set(), shown = [], pen = document.createElement('canvas').getContext('2d');
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walk.nextNode(); node; node = walk.nextNode()) {
    const element = node.parentElement;
    if (!node.textContent.trim() || element.closest(LEFT_ALONE)) continue;
    if (!element.checkVisibility({ opacityProperty: true, visibilityProperty: true, contentVisibilityAuto: true })) continue;
    if (/rotate\((?!0)/.test(element.getAttribute('transform') ?? '')) continue; // the box of slanted words is not theirs
    const range = document.createRange();
    range.selectNodeContents(node);
    const lines = [];
    for (const box of range.getClientRects()) {
      if (box.width < 2 || box.height < 2) continue;
      const { left, by } = cut(box, element);
      if (by) outside.add(`${words(node)}: cut by ${by.dataset?.testid || by.className?.baseVal || by.className || by.tagName}`);
      else if (left.right > innerWidth + SLACK || left.left < -SLACK) outside.add(`${words(node)}: beyond the screen`);
      if (left.right - left.left > 2 && left.bottom - left.top > 2) lines.push(left);
    }
    shown.push({ node, lines, on: layer(element) });
  }
  for (const field of document.querySelectorAll('input:not([type=checkbox], [type=radio], [type=file], [type=range]), [role=combobox]')) {
    const box = field.getBoundingClientRect(), style = getComputedStyle(field), text = field.value || field.placeholder;
    if (!text || box.width < 8 || !field.checkVisibility({ opacityProperty: true, visibilityProperty: true })) continue;
    pen.font = style.font;
    const room = field.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight) + SLACK;
    if (pen.measureText(text).width > room && (field.value || style.textOverflow !== 'ellipsis')) outside.add(`${text}: cut by its field`);
    shown.push({ node: { textContent: text }, lines: [box], on: layer(field) });
  }
  for (const picture of document.querySelectorAll('img, canvas, .js-plotly-plot')) {
    const { left, right, width } = picture.getBoundingClientRect();
    if (width > 2 && picture.checkVisibility({ visibilityProperty: true }) && (right > innerWidth + SLACK || left < -SLACK)) outside.add(`${picture.alt || picture.tagName}: picture beyond the screen`);
  }
  const meet = (a, b) => Math.min(a.right, b.right) - Math.max(a.left, b.left) > 2
    && Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 0.35 * Math.min(a.bottom - a.top, b.bottom - b.top);
  shown.forEach((one, place) => {
    for (const other of shown.slice(place + 1)) {
      if (one.on === other.on && one.lines.some((a) => other.lines.some((b) => meet(a, b)))) onEachOther.add(`${words(one.node)} | ${words(other.node)}`);
    }
  });
  return [...outside, ...onEachOther];
}
