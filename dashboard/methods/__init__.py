"""Rules, formulas and columns in words, made from the objects that judge.

Imports ``words`` and the pipeline's rules.
A number is never written here.
"""
