"""A small PACS for tests: holds data sets in memory, answers C-FIND, C-GET, C-MOVE and C-STORE, and can misbehave."""

from __future__ import annotations

import ssl
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian
from pynetdicom import AE, StoragePresentationContexts, build_context, evt
from pynetdicom.sop_class import (
    StudyRootQueryRetrieveInformationModelFind,
    StudyRootQueryRetrieveInformationModelGet,
    StudyRootQueryRetrieveInformationModelMove,
)

LEVELS = {"STUDY": "StudyInstanceUID", "SERIES": "SeriesInstanceUID", "IMAGE": "SOPInstanceUID"}


@dataclass
class Server:
    """What the server holds and how it behaves.

    Attributes
    ----------
    dies_after
        Associations are aborted after this many images, once; None never.
    delay_s
        Wait before each image.
    grows_by
        Data sets that appear once something was fetched.
    """

    title: str = "ARCHIVE"
    store: list[Dataset] = field(default_factory=list)
    dies_after: int | None = None
    delay_s: float = 0.0
    grows_by: list[Dataset] = field(default_factory=list)
    sent: int = 0
    received: list[Dataset] = field(default_factory=list)
    associations: int = 0
    destination: tuple[str, int] | None = None
    only_from: str | None = None
    tls: ssl.SSLContext | None = None
    tls_out: ssl.SSLContext | None = None
    server: Any = None

    @property
    def port(self) -> int:
        return int(self.server.socket.getsockname()[1])

    def start(self) -> Server:
        entity = AE(ae_title=self.title)
        entity.require_called_aet = True
        entity.require_calling_aet = [self.only_from] if self.only_from else []
        for model in (
            StudyRootQueryRetrieveInformationModelFind, StudyRootQueryRetrieveInformationModelGet,
            StudyRootQueryRetrieveInformationModelMove,
        ):  # fmt: skip
            entity.add_supported_context(model)
        for context in StoragePresentationContexts:
            entity.add_supported_context(context.abstract_syntax, scu_role=True, scp_role=True)
        handlers = [
            (evt.EVT_C_FIND, self._find), (evt.EVT_C_GET, self._get), (evt.EVT_C_MOVE, self._move),
            (evt.EVT_C_STORE, self._store), (evt.EVT_ACCEPTED, self._accepted),
        ]  # fmt: skip
        address = ("127.0.0.1", 0)
        self.server = entity.start_server(address, block=False, evt_handlers=handlers, ssl_context=self.tls)
        return self

    def stop(self) -> None:
        self.server.shutdown()

    def _accepted(self, _event: Any) -> None:
        self.associations += 1

    def _find(self, event: Any) -> Iterator[tuple[int, Dataset | None]]:
        query = event.identifier
        key = LEVELS[query.QueryRetrieveLevel]
        answers: dict[str, Dataset] = {}
        keys = ("PatientID", *LEVELS.values())
        for dataset in self.store:
            if all(not query.get(name) or str(dataset.get(name)) == str(query.get(name)) for name in keys):
                answer = Dataset()
                answer.QueryRetrieveLevel = query.QueryRetrieveLevel
                for name in ("PatientID", "Modality", *LEVELS.values()):
                    setattr(answer, name, dataset.get(name))
                answers[str(dataset.get(key))] = answer
        for answer in answers.values():
            yield 0xFF00, answer
        yield 0x0000, None

    def _wanted(self, event: Any) -> list[Dataset]:
        return [d for d in self.store if d.SeriesInstanceUID == event.identifier.SeriesInstanceUID]

    def _get(self, event: Any) -> Iterator[Any]:
        yield from self._images(event)

    def _move(self, event: Any) -> Iterator[Any]:
        assert self.destination is not None
        kinds = [build_context(kind, ExplicitVRLittleEndian) for kind in {d.SOPClassUID for d in self._wanted(event)}]
        secure = {"tls_args": (self.tls_out, self.destination[0])} if self.tls_out else {}
        yield (*self.destination, {"contexts": kinds, **secure})
        yield from self._images(event)

    def _images(self, event: Any) -> Iterator[Any]:
        wanted = self._wanted(event)
        yield len(wanted)
        for dataset in wanted:
            time.sleep(self.delay_s)
            if self.dies_after is not None and self.sent >= self.dies_after:
                self.dies_after = None
                event.assoc.abort()
                return
            self.sent += 1
            yield 0xFF00, with_meta(dataset)
        self.store += self.grows_by
        self.grows_by = []

    def _store(self, event: Any) -> int:
        if self.dies_after is not None and len(self.received) >= self.dies_after:
            self.dies_after = None
            event.assoc.abort()
            return 0xA700
        dataset = event.dataset
        dataset.file_meta = event.file_meta
        self.received.append(dataset)
        return 0x0000


def with_meta(dataset: Dataset) -> Dataset:
    """Give a data set the file meta information that sending it needs."""
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    return dataset
