"""One file per page: what stands on it, in which order.

Imports the rooms of the dashboard; nothing imports a page.
A page never computes a number and never takes a sentence apart.
"""
