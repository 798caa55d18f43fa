"""TLS to an archive: whom we trust, and how we show who we are."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from pathlib import Path

from pipeline.errors import SettingsError


@dataclass(frozen=True)
class Encryption:
    """Files of an encrypted connection.

    Attributes
    ----------
    ca
        Certificates of the authority that signed the archive's; those of the system when None.
    certificate, key
        Our own, where the archive asks for one.
    """

    ca: Path | None = None
    certificate: Path | None = None
    key: Path | None = None

    def calling(self) -> ssl.SSLContext:
        """Return what calls an archive: its certificate and name are always checked.

        Raises
        ------
        SettingsError
            A file is no certificate, or no key of it.
        """
        return self._loaded(lambda: ssl.create_default_context(cafile=self.ca))

    def listening(self) -> ssl.SSLContext:
        """Return what listens for an archive: it needs a certificate, and asks the archive for one.

        Raises
        ------
        SettingsError
            As :meth:`calling`, or there is no certificate of our own.
        """
        if self.certificate is None:
            raise SettingsError("expected --tls-certificate and --tls-key to listen with TLS, found none; give both")
        context = self._loaded(lambda: ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=self.ca))
        context.verify_mode = ssl.CERT_REQUIRED
        return context

    def _loaded(self, make: object) -> ssl.SSLContext:
        try:
            context: ssl.SSLContext = make()  # type: ignore[operator]
            if self.certificate is not None:
                context.load_cert_chain(self.certificate, self.key)
        except (OSError, ValueError) as error:  # ssl.SSLError is an OSError
            raise SettingsError(f"expected certificate files (PEM), found others ({error}); correct them") from None
        return context
