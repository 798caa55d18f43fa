"""A seeded generator of a small synthetic study, and the study it made (``study/``, ``truth/``)."""
