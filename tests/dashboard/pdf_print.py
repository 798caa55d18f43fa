"""What a PDF looks like on paper: how high letters are set."""

import math


def smallest_print(pages):
    """The smallest size that any words of the pages are set in, points, whatever they were scaled by."""
    sizes = []

    def visit(text, cm, tm, _, size):
        if text.strip():
            sizes.append(size * math.hypot(tm[2], tm[3]) * math.hypot(cm[2], cm[3]))

    for page in pages:
        page.extract_text(visitor_text=visit)
    return round(min(sizes), 2)


def filled(page):
    """The share of a page's height down to its lowest words."""
    heights = []

    def visit(text, cm, tm, *_):
        if text.strip():
            heights.append(cm[1] * tm[4] + cm[3] * tm[5] + cm[5])

    page.extract_text(visitor_text=visit)
    return 1 - min(heights) / float(page.mediabox.height)
