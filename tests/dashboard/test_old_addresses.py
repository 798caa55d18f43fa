"""An address that names the board leads to it: it is the first page, which has no name of its own (in no time)."""

import pytest
from starlette.applications import Starlette
from starlette.routing import Route
from starlette.testclient import TestClient

from dashboard.server import to_board


@pytest.mark.parametrize(
    ("asked", "place"), [("/board", "./"), ("/board?picked=sub-01&day=2024-02-01", "./?picked=sub-01&day=2024-02-01")]
)
def test_the_board_s_name_leads_to_the_first_page_with_what_was_asked(asked, place):
    pages = TestClient(Starlette(routes=[Route("/board", to_board)]), follow_redirects=False)
    answer = pages.get(asked)
    assert answer.status_code == 307
    assert answer.headers["location"] == place
