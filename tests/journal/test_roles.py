"""Who may do what: every deed as every role, and what becomes of a sign-in that is over, revoked or says too little."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipeline.errors import SettingsError
from pipeline.journal import roles, sign_in_rules
from pipeline.journal.roles import Deed, PatientLimit, Visitor, VisitorRole

AUTH = """[auth]
redirect_uri = "https://cordtrack.example.org/oauth2callback"
cookie_secret = "a secret of the pages that is long enough"
client_id = "cordtrack"
client_secret = "x"
server_metadata_url = "https://idp.example.org/.well-known/openid-configuration"
"""
GROUPS = '[roles]\nclaim = "realm.groups"\nreader = ["ward"]\nsigner = ["board"]\nrevoked = ["gone"]\n'
CLAIMS = {
    "iss": "https://idp.example.org",
    "sub": "17",
    "aud": "cordtrack",
    "iat": 1000,
    "name": "A. Reader",
    "realm": {"groups": ["ward"]},
}
MAY = {
    VisitorRole.READER: {Deed.READ},
    VisitorRole.SIGNER: {Deed.READ, Deed.SIGN, Deed.RUN},
    VisitorRole.EDITOR: {Deed.READ, Deed.EDIT, Deed.RUN},
    VisitorRole.ADMIN: set(Deed),
}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    place = tmp_path / "sign_in.toml"
    place.write_text(AUTH + GROUPS, encoding="utf-8")
    return place


@pytest.mark.parametrize("deed", Deed)
@pytest.mark.parametrize("role", [None, *VisitorRole])
def test_each_role_may_what_is_listed_and_nothing_else(role: VisitorRole | None, deed: Deed) -> None:
    person = Visitor("A", "x", frozenset() if role is None else frozenset({role}))
    if role is not None and deed in MAY[role]:
        assert roles.check(person, deed) is person
    else:
        with pytest.raises(SettingsError, match="may not"):
            roles.check(person, deed)


def test_claims_become_a_person_with_the_roles_of_their_groups(file: Path) -> None:
    rules = sign_in_rules.read(file)
    person = sign_in_rules.person_of(CLAIMS, rules, 2000.0)
    assert person == Visitor("A. Reader", "https://idp.example.org 17", frozenset({VisitorRole.READER}))
    assert sign_in_rules.person_of(CLAIMS | {"realm": "board"}, rules, 2000.0).roles == frozenset()


@pytest.mark.parametrize(
    "changed",
    [
        {"iat": None}, {"iss": None}, {"sub": None}, {"sub": "gone"}, {"iat": 2000 - 11 * 3600}, {"aud": None},
        {"aud": "other"}, {"aud": ["other"], "azp": "cordtrack"},
    ],
)  # fmt: skip
def test_a_sign_in_that_is_over_or_revoked_or_says_too_little_is_nobody(file: Path, changed: dict[str, object]) -> None:
    assert sign_in_rules.person_of(CLAIMS | changed, sign_in_rules.read(file), 2000.0) == sign_in_rules.NOBODY


@pytest.mark.parametrize(
    "written", ["17", " 17 ", "a.reader@hospital.example", "A.Reader@Hospital.Example ", "a. reader"]
)
def test_whoever_is_revoked_is_out_however_the_file_writes_them(file: Path, written: str) -> None:
    file.write_text(AUTH + GROUPS.replace("gone", written), encoding="utf-8")
    claims = CLAIMS | {"email": "A.Reader@hospital.example"}
    assert sign_in_rules.person_of(claims, sign_in_rules.read(file), 2000.0) == sign_in_rules.NOBODY
    other = claims | {"sub": "18", "name": "B. Reader", "email": "b.reader@hospital.example"}
    assert sign_in_rules.person_of(other, sign_in_rules.read(file), 2000.0).roles == {VisitorRole.READER}


@pytest.mark.parametrize("group", ["visiting", "Visiting", " visiting "])
def test_a_limit_holds_however_its_group_is_written_and_a_role_to_the_letter(file: Path, group: str) -> None:
    file.write_text(AUTH + GROUPS + '[[limit]]\ngroup = "visiting"\npatients = ["01"]\n', encoding="utf-8")
    claims = CLAIMS | {"realm": {"groups": ["ward", group, "Board", " board"]}}
    person = sign_in_rules.person_of(claims, sign_in_rules.read(file), 2000.0)
    assert person.roles == {VisitorRole.READER}
    assert person.limit == PatientLimit(patients=frozenset({"sub-01"}))


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("client_secret", "klient_secret", "client_secret"),
        ("that is long enough", "", "cookie_secret"),
        ("claim =", "klaim =", "unknown key 'klaim'"),
        ("signer", "singer", "unknown key 'singer'"),
        ('["gone"]', '"gone"', "revoked: expected a list of texts"),
        ('["board"]', '"board"', "signer: expected a list of texts"),
        ("reader =", 'hours = "ten"\nreader =', "hours: expected a number"),
        ("reader =", "hours = 0\nreader =", "expected hours above 0"),
        ("[roles]\n", "[[roles]]\n", "'claim' is missing"),
        ("[auth]", "[auth", "expected a TOML file"),
        ("[auth]", "[limit]\ngroup = 'x'\n[auth]", "tables, found something else under limit"),
        ("[auth]", "[[limit]]\ngroups = 'x'\n[auth]", "unknown key 'groups'"),
    ],
)
def test_a_file_that_says_too_little_is_refused(file: Path, old: str, new: str, words: str) -> None:
    file.write_text(file.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")
    with pytest.raises(SettingsError, match=words):
        sign_in_rules.read(file)
