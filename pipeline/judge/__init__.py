"""Criteria and their files, courses, comparison, verdict, confirmation, sentences, outcomes.

Pure but for the criteria files; imports ``core``, ``measure``, ``files`` and ``errors``.
It never reads an image, a store or a clock, and never turns missing into zero.
"""
