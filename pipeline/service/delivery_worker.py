"""Deliveries looked at and added, one after the other, each step in a process of its own within limits of its own.

A thread of the worker (``worker``): a delivery does not wait for the runs that people asked for.
"""

from __future__ import annotations

import json
import subprocess
import threading
import time
from importlib.util import find_spec
from pathlib import Path

from pipeline.errors import StoreError
from pipeline.files import child_process
from pipeline.service import archive_fetch, deliveries, jobs
from pipeline.service.deliveries import Delivery, DeliveryState

LOOK_SECONDS = 0.25
LOG = "log.txt"
NEEDED = ("pydicom", "skimage")


def serve_deliveries(bids_dir: Path, out_dir: Path) -> None:
    """Do what is due until this process ends, beside whatever else it does."""
    deliveries.take_up_again(out_dir)
    threading.Thread(target=_serve, args=(bids_dir, out_dir), daemon=True, name="deliveries").start()


def do_next(bids_dir: Path, out_dir: Path) -> bool:
    """Do the step of one delivery that is due; False where none is."""
    delivery = deliveries.take_next(out_dir)
    if delivery is None:
        return False
    missing = [module for module in NEEDED if find_spec(module) is None]
    if missing:
        words = f"adding scans needs {' and '.join(missing)}; install with: pip install 'cordtrack[hospital]'"
        deliveries.end(out_dir, delivery.delivery_id, DeliveryState.FAILED, words)
        return True
    folder = deliveries.folder_of(out_dir, delivery.delivery_id)
    command = child_process.module_command("pipeline.service.delivery_run", bids_dir, out_dir, delivery.delivery_id)
    environment = child_process.child_environment() | {"OMP_NUM_THREADS": "1", "MALLOC_ARENA_MAX": "2"}
    with (folder / LOG).open("wb") as log:
        child = subprocess.Popen(command, env=environment, cwd=folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
    is_to_end = False
    while child.poll() is None:
        time.sleep(LOOK_SECONDS)
        stands = deliveries.delivery_of(out_dir, delivery.delivery_id)
        if not is_to_end and stands is not None and stands.is_to_end:
            is_to_end = True
            child.terminate()
    _put_down(bids_dir, out_dir, delivery, child.returncode)
    return True


def _serve(bids_dir: Path, out_dir: Path) -> None:
    while True:
        try:
            is_done = do_next(bids_dir, out_dir)
        except (OSError, StoreError):  # a disk that is full for a moment; what is due stays so
            is_done = False
        if not is_done:
            time.sleep(LOOK_SECONDS)


def _put_down(bids_dir: Path, out_dir: Path, delivery: Delivery, code: int) -> None:
    stands = deliveries.delivery_of(out_dir, delivery.delivery_id)
    words = _last_words(out_dir, delivery, code)
    is_adding = delivery.state == DeliveryState.ADDING
    if code == 0:
        state = DeliveryState.ADDED if is_adding else DeliveryState.LOOKED
        words = words if is_adding else ""
    elif stands is not None and stands.is_to_end:
        state, words = DeliveryState.CANCELLED, stands.message
        if is_adding and (added := _added_so_far(bids_dir, out_dir, delivery)):
            deliveries.record(out_dir, delivery, added, jobs.now())
            words += f"; {len(added)} {'file was' if len(added) == 1 else 'files were'} added before"
    else:
        state = DeliveryState.LOOKED if is_adding else DeliveryState.FAILED
    deliveries.end(out_dir, delivery.delivery_id, state, words)
    if state in deliveries.ENDED:
        archive_fetch.forget(bids_dir, delivery.delivery_id)


def _last_words(out_dir: Path, delivery: Delivery, code: int) -> str:
    if code < 0:
        return "its process was ended by the system, for want of memory or of time; bring less at once"
    text = (deliveries.folder_of(out_dir, delivery.delivery_id) / LOG).read_text(encoding="utf-8", errors="replace")
    return (text.strip().splitlines()[-1:] or [f"its process ended with code {code}"])[0]


def _added_so_far(bids_dir: Path, out_dir: Path, delivery: Delivery) -> list[str]:
    """Return the images that a step which was ended had added: those that bear a token of the delivery's series."""
    folder = deliveries.folder_of(out_dir, delivery.delivery_id)
    try:
        before = set(json.loads((folder / "before.json").read_text(encoding="utf-8")))
    except (OSError, ValueError):
        return []
    tokens = {str(one["token"]) for one in deliveries.decisions_of(out_dir, delivery.delivery_id).get("series", [])}
    added = []
    for path in sorted(bids_dir.glob("sub-*/ses-*/*/*.nii.gz")):
        relative = path.relative_to(bids_dir).as_posix()
        sidecar = path.with_name(path.name.removesuffix(".nii.gz") + ".json")
        if relative not in before and sidecar.is_file() and any(token in sidecar.read_text() for token in tokens):
            added.append(relative)
    return added
