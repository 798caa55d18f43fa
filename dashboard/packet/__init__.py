"""The packet of one patient: printable pages as PDF, and a web page that needs nothing else.

    packet = gather("sub-01", study)
    Path("sub-01.pdf").write_bytes(pdf(packet))

Imports ``charts``, ``viewer``, ``patient``, ``data`` and ``words``. Made from what the store and the output folder
hold: it never opens a browser, a network or a page.
"""

from dashboard.packet.content import Packet, gather
from dashboard.packet.document import html, pdf

__all__ = ["Packet", "gather", "html", "pdf"]
