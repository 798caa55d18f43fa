"""Words, units, colours, sentences, tables and markup: rows of the store in, text out.

Imports the pipeline's ``core``.
Text from the data is only ever text; a number is never computed here.
"""
