"""A PACS by DIMSE: C-FIND, C-GET or C-MOVE, C-STORE; one association at a time, each with its time limits."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pydicom
from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian
from pynetdicom import AE, ALL_TRANSFER_SYNTAXES, build_context, build_role, evt
from pynetdicom.sop_class import (
    EnhancedMRImageStorage,
    LegacyConvertedEnhancedMRImageStorage,
    MRImageStorage,
    RTStructureSetStorage,
    SegmentationStorage,
    StudyRootQueryRetrieveInformationModelFind,
    StudyRootQueryRetrieveInformationModelGet,
    StudyRootQueryRetrieveInformationModelMove,
)

from pipeline.errors import RemoteError, SettingsError
from pipeline.hospital.archive.encryption import Encryption
from pipeline.hospital.archive.transfer import MOST_TO_CONNECT_S, WANTED_MODALITIES, Remote, Spool
from pipeline.hospital.read.bounded import quietly
from pipeline.hospital.read.header_values import text

PENDING = frozenset({0xFF00, 0xFF01})
WARNINGS = frozenset({0xB000, 0xB006, 0xB007})
STORED_KINDS = (
    MRImageStorage, EnhancedMRImageStorage, LegacyConvertedEnhancedMRImageStorage, SegmentationStorage,
    RTStructureSetStorage,
)  # fmt: skip
SYNTAXES = [
    ExplicitVRLittleEndian, ImplicitVRLittleEndian, "1.2.840.10008.1.2.5", "1.2.840.10008.1.2.4.70",
    "1.2.840.10008.1.2.4.80", "1.2.840.10008.1.2.4.90",
]  # fmt: skip
REJECTED_FOR_NOW = 2


@dataclass(frozen=True)
class Pacs:
    """A PACS and how to speak to it.

    Attributes
    ----------
    called, calling
        Application entity titles: the archive's, and ours as the archive knows it.
    listen_port
        Where the archive sends to after C-MOVE; None asks by C-GET, over the same connection.
    patience_s
        Seconds to wait for an answer.
    listen_host
        Address to listen on; the one that faces the archive when None.
    encryption
        TLS; None speaks in the clear.
    """

    host: str
    port: int
    called: str
    calling: str = "CORDTRACK"
    listen_port: int | None = None
    patience_s: float = 60.0
    listen_host: str | None = None
    encryption: Encryption | None = None

    def greet(self) -> None:
        """Open a connection and close it again.

        Raises
        ------
        RemoteError, SettingsError
            As :meth:`find`.
        """
        with self._associated(self._entity([StudyRootQueryRetrieveInformationModelFind])):
            pass

    def find(self, patient_id: str) -> list[Remote]:
        """List a patient's scans and masks.

        Raises
        ------
        RemoteError
            The archive does not answer as it should.
        SettingsError
            The archive refuses to speak to us.
        """
        remotes: list[Remote] = []
        with self._associated(self._entity([StudyRootQueryRetrieveInformationModelFind])) as association:
            for study in _ask(association, "STUDY", PatientID=patient_id, StudyInstanceUID=""):
                study_uid = text(study, "StudyInstanceUID")
                if not study_uid or (text(study, "PatientID") or patient_id) != patient_id:
                    continue  # an archive that matches loosely must not hand out somebody else
                for series in _ask(
                    association, "SERIES", StudyInstanceUID=study_uid, SeriesInstanceUID="", Modality=""
                ):
                    series_uid = text(series, "SeriesInstanceUID")
                    if not series_uid or (text(series, "Modality") or "MR") not in WANTED_MODALITIES:
                        continue
                    wanted = {"StudyInstanceUID": study_uid, "SeriesInstanceUID": series_uid, "SOPInstanceUID": ""}
                    images = _ask(association, "IMAGE", **wanted)
                    remotes += [
                        Remote(study_uid, series_uid, uid) for i in images if (uid := text(i, "SOPInstanceUID"))
                    ]
        return remotes

    def listed(self, study_uid: str, series_uid: str) -> frozenset[str]:
        """Return the objects of a series that the archive has.

        Raises
        ------
        RemoteError, SettingsError
            As :meth:`find`.
        """
        keys = {"StudyInstanceUID": study_uid, "SeriesInstanceUID": series_uid, "SOPInstanceUID": ""}
        with self._associated(self._entity([StudyRootQueryRetrieveInformationModelFind])) as association:
            return frozenset(text(image, "SOPInstanceUID") for image in _ask(association, "IMAGE", **keys))

    def fetch(self, wanted: Sequence[Remote], spool: Spool) -> None:
        """Fetch one series into the spool; what arrived before a failure stays.

        Raises
        ------
        RemoteError, SettingsError
            As :meth:`find`.
        """
        identifier = Dataset()
        identifier.QueryRetrieveLevel = "SERIES"
        identifier.StudyInstanceUID, identifier.SeriesInstanceUID = wanted[0].study_uid, wanted[0].series_uid

        def keep(event: Any) -> int:
            return _keep(event, wanted, spool)

        handlers = [(evt.EVT_C_STORE, keep)]
        if self.listen_port is None:
            entity = self._entity([StudyRootQueryRetrieveInformationModelGet, *STORED_KINDS])
            roles = [build_role(kind, scp_role=True) for kind in STORED_KINDS]
            with self._associated(entity, ext_neg=roles, evt_handlers=handlers) as association:
                _finish(association.send_c_get(identifier, StudyRootQueryRetrieveInformationModelGet))
            return
        entity = self._entity([StudyRootQueryRetrieveInformationModelMove])
        server = self.listener(handlers)
        try:
            with self._associated(entity) as association:
                model = StudyRootQueryRetrieveInformationModelMove
                _finish(association.send_c_move(identifier, self.calling, model))
        finally:
            server.shutdown()

    def listener(self, handlers: list[Any]) -> Any:
        """Start the listener for one C-MOVE: it takes from the archive alone, by its title and its address.

        Raises
        ------
        RemoteError, SettingsError
            As :meth:`find`, or the port is not free.
        """
        entity = self._entity([])
        entity.supported_contexts = [build_context(kind, ALL_TRANSFER_SYNTAXES) for kind in STORED_KINDS]
        entity.require_calling_aet, entity.require_called_aet = [self.called], True
        handlers = [*handlers, (evt.EVT_REQUESTED, self._refuse_others)]
        secure = None if self.encryption is None else self.encryption.listening()
        host = self.listen_host or self._facing()
        try:
            return entity.start_server((host, self.listen_port), block=False, evt_handlers=handlers, ssl_context=secure)
        except OSError as error:
            raise SettingsError(
                f"{host}:{self.listen_port}: expected a free port to listen on, found it taken or not ours "
                f"({error.strerror}); stop the other program, or give another --listen and tell the archive"
            ) from None

    def _facing(self) -> str:
        """Return our address as the archive sees it; nothing is sent for that."""
        try:
            family, kind, _, _, address = socket.getaddrinfo(self.host, self.port, type=socket.SOCK_DGRAM)[0]
            with socket.socket(family, kind) as probe:
                probe.connect(address)
                return str(probe.getsockname()[0])
        except OSError as error:
            raise RemoteError(
                f"{self.host}:{self.port}: expected a known host, found none ({error.strerror})"
            ) from None

    def _refuse_others(self, event: Any) -> None:
        """Hang up on everybody but the archive that was asked."""
        addresses = {entry[4][0] for entry in socket.getaddrinfo(self.host, self.port)}
        if event.assoc.requestor.address not in addresses:
            event.assoc.abort()

    def send(self, paths: Sequence[Path], done: Callable[[Path], None]) -> None:
        """Send files by C-STORE, saying which the archive has taken.

        Raises
        ------
        RemoteError, SettingsError
            As :meth:`find`.
        """
        with quietly():
            datasets = {path: pydicom.dcmread(path) for path in paths}
        kinds = dict.fromkeys((d.SOPClassUID, d.file_meta.TransferSyntaxUID) for d in datasets.values())
        entity = self._entity([])
        entity.requested_contexts = [build_context(kind, [syntax]) for kind, syntax in kinds]
        with self._associated(entity) as association:
            for path, dataset in datasets.items():
                try:
                    status = association.send_c_store(dataset)
                except (ValueError, RuntimeError) as error:
                    raise RemoteError(f"{path.name}: expected an archive that takes this kind of object") from error
                if not status or (status.Status != 0 and status.Status not in WARNINGS):
                    raise RemoteError(f"{path.name}: expected the archive to take it, found {_words(status)}")
                done(path)

    def _entity(self, kinds: list[Any]) -> AE:
        """Return what speaks for us: each kind of stored object has one presentation context per transfer syntax.

        With several syntaxes in one context an archive picks one for all, and images that it keeps compressed do not
        come (DICOM PS3.8, 9.3.2.2).
        """
        entity = AE(ae_title=self.calling)
        entity.requested_contexts = [
            build_context(kind, group)
            for kind in kinds
            for group in ([[syntax] for syntax in SYNTAXES] if kind in STORED_KINDS else [SYNTAXES[:2]])
        ]
        entity.acse_timeout = entity.dimse_timeout = entity.network_timeout = self.patience_s
        entity.connection_timeout = min(self.patience_s, MOST_TO_CONNECT_S)
        return entity

    @contextmanager
    def _associated(self, entity: AE, **more: Any) -> Iterator[Any]:
        if self.encryption is not None:
            more["tls_args"] = (self.encryption.calling(), self.host)
            self._shake_hands()
        association = entity.associate(self.host, self.port, ae_title=self.called, **more)
        if not association.is_established:
            primitive = association.acceptor.primitive if association.is_rejected else None
            if primitive is not None and primitive.result != REJECTED_FOR_NOW:
                raise SettingsError(
                    f"{self.host}:{self.port}: expected to be let in, but the archive refused; it must know "
                    f"{self.calling} as a partner and be called by its own title ({self.called})"
                )
            raise RemoteError(f"{self.host}:{self.port}: expected an archive that answers, found none or a busy one")
        try:
            yield association
        finally:
            if association.is_established:
                association.release()

    def _shake_hands(self) -> None:
        """Say in words what is wrong with the archive's certificate, which pynetdicom does not tell."""
        assert self.encryption is not None
        context = self.encryption.calling()
        try:
            with (
                socket.create_connection((self.host, self.port), min(self.patience_s, MOST_TO_CONNECT_S)) as bare,
                context.wrap_socket(bare, server_hostname=self.host),
            ):
                return
        except ssl.SSLError as error:
            raise SettingsError(
                f"{self.host}:{self.port}: expected a certificate that we trust, found {error.reason or 'none'}; "
                f"give the certificate of its authority with --ca"
            ) from None
        except OSError:
            raise RemoteError(f"{self.host}:{self.port}: expected an archive that answers, found none") from None


def _ask(association: Any, level: str, **keys: str) -> list[Dataset]:
    query = Dataset()
    query.QueryRetrieveLevel = level
    for key, value in keys.items():
        setattr(query, key, value)
    answers = []
    for status, identifier in association.send_c_find(query, StudyRootQueryRetrieveInformationModelFind):
        if not status or (status.Status != 0 and status.Status not in PENDING):
            raise RemoteError(f"expected an answer on the {level.lower()} level, found {_words(status)}")
        answers += [identifier] if identifier is not None else []
    return answers


def _finish(answers: Any) -> None:
    for status, _ in answers:
        if not status or (status.Status != 0 and status.Status not in PENDING | WARNINGS):
            raise RemoteError(f"expected the images to come, found {_words(status)}")


def _words(status: Any) -> str:
    return f"status {status.Status:#06x}" if status else "the connection gone"


def _keep(event: Any, wanted: Sequence[Remote], spool: Spool) -> int:
    """Write an object that arrives; what was not asked for, or belongs to another series, is refused."""
    remote = next((r for r in wanted if r.sop_uid == str(event.request.AffectedSOPInstanceUID)), None)
    if remote is None:
        return 0x0000 if spool.is_of_series(wanted[0], str(event.request.AffectedSOPInstanceUID)) else 0x0124
    try:
        with quietly():
            dataset = event.dataset
        if (text(dataset, "StudyInstanceUID"), text(dataset, "SeriesInstanceUID")) != (
            wanted[0].study_uid,
            wanted[0].series_uid,
        ):
            return 0xA900
        spool.keep(event.encoded_dataset(), remote.study_uid, remote.series_uid, remote.sop_uid)
    except (OSError, RemoteError):
        return 0xA700
    return 0x0000
