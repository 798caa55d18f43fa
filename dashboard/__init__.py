"""The pages that show what the pipeline stored; nothing here measures, judges or computes a change."""
