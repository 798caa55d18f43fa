"""``cordtrack``, and ``python -P -m pipeline``, the same program."""

from pipeline.cli import ending


def main() -> None:
    """Run the command, whatever lies in the folder it was started from."""
    ending.obey_signals()  # before anything else is read: people press Ctrl+C at once
    from pipeline.files import child_process  # noqa: PLC0415

    child_process.isolate()
    child_process.keep_private()
    from pipeline.cli import commands  # noqa: PLC0415  # looked for only now that the current folder is left out

    commands.main()


if __name__ == "__main__":
    main()
