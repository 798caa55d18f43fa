"""What a board asks beside the verdict: other compartments, extent of resection, growth rates, surveillance.

Pure but for the schedule files; imports ``core``, ``measure``, ``judge`` and ``files``.
Nothing here decides a category.
"""
