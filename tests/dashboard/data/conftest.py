"""Somebody signed in, as the pages see them."""

import pytest

from dashboard.data import who
from tests.dashboard.conftest import SIGN_IN


@pytest.fixture
def signed_in(monkeypatch, sign_in_file):
    """Let somebody of these groups, with further claims, be signed in."""

    def let_in(*groups, rules="", **claims):
        sign_in_file.write_text(SIGN_IN + rules, encoding="utf-8")
        said = {"iss": "https://idp", "sub": "17", "aud": "cordtrack", "iat": 1000, "name": "V. Erified"}
        said |= {"groups": list(groups), **claims}
        monkeypatch.setattr(who, "claims", lambda: said)

    return let_in
