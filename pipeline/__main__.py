"""``python -m pipeline`` is the ``cordtrack`` command."""

from pipeline.cli.commands import main

main()
