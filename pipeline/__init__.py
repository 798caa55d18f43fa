"""cordtrack's pipeline: from a study folder of serial spinal MRIs to measured, judged, stored follow-up.

Read ``docs/architecture.md`` first; ``pipeline.run`` tells the story in order.
"""

__version__ = "0.1.0"
