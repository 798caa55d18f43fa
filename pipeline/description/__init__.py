"""What a scan says of a lesion beside its size: signal, uptake, cord, edge, cysts, blood, diffusion, place.

Imports ``core``, ``measure``, ``cord`` and ``files``; its limits stand in one TOML file with their sources.
It never judges a course, never says "absent" where nobody looked, and computes no probability of a diagnosis.
"""
