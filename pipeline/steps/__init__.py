"""The steps of one patient's story, each a function of its arguments that returns a frozen value.

``read -> align -> mask -> measure -> follow -> judge``; ``pipeline.patient`` joins them.
"""
