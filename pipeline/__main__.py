"""``python -m pipeline`` is the ``cordtrack`` command."""

from pipeline.cli import main

main()
