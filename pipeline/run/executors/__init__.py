"""Where patients are worked on: in processes of this machine, by Dask workers, or as jobs of a Slurm queue.

Imports what ``run`` may import; ``dask_workers`` and ``slurm_jobs`` alone import distributed and submitit (extra
``cluster``), when they are asked for. It never publishes and never decides what a result is: records come back, and
the run keeps them.
"""
