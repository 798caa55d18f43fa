"""Somebody signed in, as the pages see them."""

import pytest

from dashboard.data import who

SIGN_IN = """[auth]
redirect_uri = "http://127.0.0.1:1/oauth2callback"
cookie_secret = "a secret of the pages that is long enough"
client_id = "cordtrack"
client_secret = "x"
server_metadata_url = "http://127.0.0.1:1/.well-known/openid-configuration"
[roles]
claim = "groups"
reader = ["ward"]
signer = ["board"]
editor = ["office"]
admin = ["chief"]
"""


@pytest.fixture
def signed_in(monkeypatch, tmp_path):
    """Let somebody of these groups, with further claims, be signed in."""
    file = tmp_path / "sign_in.toml"
    file.write_text(SIGN_IN, encoding="utf-8")
    monkeypatch.setenv(who.SIGN_IN_VARIABLE, str(file))
    monkeypatch.setattr(who.time, "time", lambda: 2000.0)

    def let_in(*groups, rules="", **claims):
        file.write_text(SIGN_IN + rules, encoding="utf-8")
        said = {"iss": "https://idp", "sub": "17", "aud": "cordtrack", "iat": 1000, "name": "V. Erified"}
        said |= {"groups": list(groups), **claims}
        monkeypatch.setattr(who, "claims", lambda: said)

    return let_in
