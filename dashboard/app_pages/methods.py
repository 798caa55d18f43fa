"""x."""

from dashboard import frame

frame.open_page()
