"""A PACS by DICOMweb: QIDO to find, WADO to fetch, STOW to send; a bounded number of connections."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pydicom
import requests
from dicomweb_client.api import DICOMwebClient
from dicomweb_client.session_utils import create_session_from_user_pass

from pipeline.errors import RemoteError, SettingsError
from pipeline.hospital.archive.encryption import Encryption
from pipeline.hospital.archive.transfer import MOST_TO_CONNECT_S, WANTED_MODALITIES, Credentials, Remote, Spool
from pipeline.hospital.read.bounded import quietly

REFUSED = (401, 403)
MOST_RESULTS = 5000


@dataclass(frozen=True)
class DicomWeb:
    """A DICOMweb server.

    Attributes
    ----------
    url
        Root of the service, without user and password in it.
    connections
        Requests at the same time.
    patience_s
        Seconds to wait for the first byte of an answer.
    encryption
        Whom to trust, and our own certificate.
    """

    url: str
    credentials: Credentials = field(default_factory=Credentials)
    connections: int = 2
    patience_s: float = 60.0
    encryption: Encryption = field(default_factory=Encryption)

    def greet(self) -> None:
        """Ask for one study of nobody in particular, and forget the answer.

        Raises
        ------
        RemoteError, SettingsError
            As :meth:`find`.
        """
        client = self._client()
        _asked(lambda: client.search_for_studies(limit=1))

    def find(self, patient_id: str) -> list[Remote]:
        """List a patient's scans and masks.

        Raises
        ------
        RemoteError
            The server does not answer as it should.
        SettingsError
            The server does not let us in.
        """
        client = self._client()
        studies = _asked(lambda: _pages(client.search_for_studies, search_filters={"PatientID": patient_id}))
        remotes: list[Remote] = []
        for study in studies:
            study_uid = _value(study, "0020000D")
            if _value(study, "00100020") not in ("", patient_id):
                continue  # a server that matches loosely must not hand out somebody else
            for series in _asked(lambda uid=study_uid: _pages(client.search_for_series, uid)):  # type: ignore[misc]
                series_uid = _value(series, "0020000E")
                if (_value(series, "00080060") or "MR") not in WANTED_MODALITIES:
                    continue
                images = _asked(lambda s=study_uid, e=series_uid: _pages(client.search_for_instances, s, e))  # type: ignore[misc]
                remotes += [Remote(study_uid, series_uid, _value(image, "00080018")) for image in images]
        return remotes

    def listed(self, study_uid: str, series_uid: str) -> frozenset[str]:
        """Return the objects of a series that the server has.

        Raises
        ------
        RemoteError, SettingsError
            As :meth:`find`.
        """
        client = self._client()
        images = _asked(lambda: _pages(client.search_for_instances, study_uid, series_uid))
        return frozenset(_value(image, "00080018") for image in images)

    def fetch(self, wanted: Sequence[Remote], spool: Spool) -> None:
        """Fetch objects into the spool, some at a time; what arrived before a failure stays.

        Raises
        ------
        RemoteError, SettingsError
            As :meth:`find`.
        """
        client = self._client()

        def one(remote: Remote) -> None:
            uids = (remote.study_uid, remote.series_uid, remote.sop_uid)
            kinds = (("application/dicom", "*"),)
            dataset = _asked(lambda: client.retrieve_instance(*uids, media_types=kinds))
            content = io.BytesIO()
            with quietly():
                pydicom.dcmwrite(content, dataset, enforce_file_format=True)
            spool.keep(content.getvalue(), *uids)

        with ThreadPoolExecutor(max_workers=self.connections) as pool:
            list(pool.map(one, wanted))

    def send(self, paths: Sequence[Path], done: Callable[[Path], None]) -> None:
        """Send files by STOW, one request each, saying which the server has taken.

        Raises
        ------
        RemoteError, SettingsError
            As :meth:`find`.
        """
        client = self._client()
        for path in paths:
            with quietly():
                dataset = pydicom.dcmread(path)
            answer = _asked(lambda d=dataset: client.store_instances([d]))  # type: ignore[misc]
            if answer is not None and answer.get("FailedSOPSequence"):
                raise RemoteError(f"{path.name}: expected the server to take it, but it refused")
            done(path)

    def _client(self) -> DICOMwebClient:
        if "@" in self.url:
            raise SettingsError("expected an address without user and password; give them by environment or file")
        given = self.credentials
        session = create_session_from_user_pass(given.user, given.password or "") if given.user else requests.Session()
        if self.encryption.certificate is not None:
            certificate_and_key = (str(self.encryption.certificate), str(self.encryption.key))
            session.cert = certificate_and_key if self.encryption.key else certificate_and_key[0]
        if given.token:
            session.headers["Authorization"] = f"Bearer {given.token}"
        trusted = {} if self.encryption.ca is None else {"verify": str(self.encryption.ca)}
        session.request = _asking(session.request, self.patience_s, trusted)  # type: ignore[method-assign]
        client = DICOMwebClient(self.url, session=session)
        client.set_http_retry_params(retry=False)
        return client


def _asking(request: Callable[..., Any], patience_s: float, trusted: Mapping[str, str]) -> Callable[..., Any]:
    """Return a request with our own limits of time and our own authority.

    Both are given with each request: the client library asks for its own limits, and an authority that is set for the
    session gives way to the one of the environment (``REQUESTS_CA_BUNDLE``).
    """

    def asked(*arguments: Any, **named: Any) -> Any:
        limits_s = (min(patience_s, MOST_TO_CONNECT_S), patience_s)
        return request(*arguments, **{**named, "timeout": limits_s, **trusted})

    return asked


def _pages(search: Callable[..., list[Any]], *uids: str, **more: Any) -> list[Any]:
    """Collect all answers of a search, page by page."""
    answers: list[Any] = []
    while True:
        page = search(*uids, limit=MOST_RESULTS, offset=len(answers), **more)
        answers += page
        if len(page) < MOST_RESULTS:
            return answers


def _asked(action: Callable[[], Any]) -> Any:
    """Do a request; what goes wrong is said without addresses, headers or identifiers, which may name people."""
    try:
        with quietly():
            return action()
    except requests.HTTPError as error:
        code = error.response.status_code if error.response is not None else 0
        if code in REFUSED:
            raise SettingsError(
                f"expected to be let in, but the server refused ({code}); set CORDTRACK_USER and CORDTRACK_PASSWORD, "
                f"or CORDTRACK_TOKEN, or give --credentials"
            ) from None
        raise RemoteError(f"expected an answer from the server, found error {code}") from None
    except requests.exceptions.SSLError:
        raise SettingsError(
            "expected a certificate that we trust, found another; give the certificate of its authority with --ca"
        ) from None
    except (requests.RequestException, OSError) as error:
        raise RemoteError(f"expected a server that answers, found none ({type(error).__name__})") from None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise RemoteError(f"expected a DICOMweb answer, found something else ({type(error).__name__})") from None


def _value(item: Any, tag: str) -> str:
    values = item.get(tag, {}).get("Value") or [""]
    return str(values[0])
