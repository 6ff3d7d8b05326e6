"""Routes, methods, media types, keys, scopes and projects (platform.md 2 to 9)."""

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest

from tests.contract.conftest import Office, Place
from tests.contract.facts import SEED, UNKNOWN_ID, case, denied, invalid, missing, wrong
from tests.contract.wire import JSON, Answer, Api, at, file

ANONYMOUS = denied("not_authenticated", "Authentication credentials were not provided.")
INVALID_KEY = denied(
    "authentication_failed", "Personal API key found in request Authorization header is invalid."
)


# ---------------------------------------------------------------- routes (2)


@pytest.mark.parametrize("prefix", ["projects", "environments"])
@pytest.mark.parametrize("slash", ["", "/"], ids=["no slash", "slash"])
def test_2_both_prefixes_and_the_optional_slash(
    place: Place, api: Api, still: dict[str, Any], prefix: str, slash: str
) -> None:
    here = place.api(prefix=prefix)
    assert here.get(at(still, slash)).ok() == still
    assert here.get(at(still, f"/files/a.md{slash}")).ok()["path"] == "a.md"
    assert here.get(f"llm_skills/resolve/name/{still['name']}{slash}").ok()["skill"] == still
    assert here.get(f"llm_skills{slash}?search={still['name']}").ok()["count"] == 1
    name = here.fresh()
    body = {"name": name, "description": "d", "body": "b"}
    made = here.post(f"llm_skills{slash}", body).ok(201)
    skill = f"llm_skills/name/{name}"
    assert here.patch(f"{skill}{slash}", {"base_version": 1}).ok()["version"] == 2
    assert here.post(f"{skill}/files{slash}", file("a")).ok(201)["version"] == 3
    rename = {"old_path": "a", "new_path": "b"}
    assert here.post(f"{skill}/files-rename{slash}", rename).ok()["version"] == 4
    assert here.delete(f"{skill}/files/b{slash}").ok()["version"] == 5
    copy = here.post(f"{skill}/duplicate{slash}", {"new_name": here.fresh()}).ok(201)
    for one in (made, copy):
        assert here.post(f"llm_skills/name/{one['name']}/archive{slash}").status == 204
    for collection in ("datasets", "dataset_items"):
        assert here.get(f"{collection}{slash}?limit=1").status in {200, 400}
    here.close()


UNKNOWN_PATHS = [
    "/api/projects/{p}/llm_skillz", "/api/projects/{p}/llm_skills/no/such",
    "/api/projects/{p}/llm_skills/name/a/nothing", "/api/projects/{p}/datasets/x/y/z",
]  # fmt: skip


@pytest.mark.parametrize("path", UNKNOWN_PATHS, ids=lambda value: f"2: {value}")
def test_an_unknown_path_is_a_missing_feature(api: Api, path: str) -> None:
    answer = api.get(path.format(p=api.project))
    assert answer.refused(404) == missing("Endpoint not found.")


@pytest.mark.parametrize("project", ["none", "0", "1.0", "-1", "@other", "2147483647", "9" * 30, "%20", "%D9%A1"],
                         ids=lambda value: f"2: {value}")  # fmt: skip
def test_an_unknown_project(api: Api, project: str) -> None:
    for collection in ("llm_skills", "datasets"):
        answer = api.get(f"/api/projects/{project}/{collection}/")
        assert answer.refused(404) == missing("Project not found.")


# ---------------------------------------------------------------- keys (3)

HEADERS = ["", "bearer {k}", "BEARER {k}", "Token {k}", "Bearer", "Bearer ", "Bearer x", "{k}",
           "Basic cGh4Og==", "Bearer{k}"]  # fmt: skip


@pytest.mark.parametrize("header", HEADERS, ids=lambda value: f"3: {value!r}")
def test_anything_but_bearer_is_no_credentials(place: Place, header: str) -> None:
    anonymous = place.api()
    headers = {"Authorization": header.format(k=place.key)} if header else {}
    anonymous.key = None
    answer = anonymous.call("GET", "llm_skills", headers=headers)
    anonymous.close()
    assert answer.refused(401) == ANONYMOUS
    assert answer.headers["www-authenticate"].startswith("Bearer")


@pytest.mark.parametrize("key", ["phx_nobody_has_this_one", "phc_token", "phs_secret", "pha_oauth", "xy"],
                         ids=lambda value: f"3: {value}")  # fmt: skip
def test_a_wrong_key(place: Place, key: str) -> None:
    stranger = place.api(key)
    answer = stranger.get("llm_skills")
    assert answer.status == 401
    if not key.startswith("pha_"):
        assert answer.json == INVALID_KEY
    assert answer.headers["www-authenticate"].startswith("Bearer")
    nowhere = stranger.call("POST", "/api/projects/none/datasets", data=b"{", headers=JSON)
    assert nowhere.status == 401, "4: before the project and the body"
    stranger.close()


def test_3_blanks_after_bearer_do_not_matter(place: Place) -> None:
    anonymous = place.api()
    anonymous.key = None
    header = {"Authorization": f"Bearer  \t{place.key}"}
    assert anonymous.call("GET", "llm_skills?limit=1", headers=header).status == 200
    anonymous.close()


def test_9_a_key_may_read_itself(api: Api) -> None:
    key = api.get("/api/personal_api_keys/@current/").ok()
    for field in ("id", "label", "mask_value", "scopes", "scoped_teams", "scoped_organizations",
                  "created_at", "last_used_at", "user_id"):  # fmt: skip
        assert field in key
    assert api.key is not None
    assert api.key not in json.dumps(key)


def test_9_who_am_i(api: Api, still: dict[str, Any]) -> None:
    me = api.get("/api/users/@me/").ok()
    for field in ("uuid", "distinct_id", "email", "first_name", "team", "organization", "organizations", "is_staff"):  # fmt: skip
        assert field in me
    for field in ("id", "uuid", "name", "organization", "project_id", "api_token", "timezone"):
        assert field in me["team"]
    key = api.get("/api/personal_api_keys/@current/").ok()
    assert still["created_by"]["uuid"] == me["uuid"]
    assert still["created_by"]["id"] == key["user_id"]


# ---------------------------------------------------------------- methods and errors (5)

SKILL = "llm_skills/name/{n}"
METHODS = [
    case("5", "PUT of all skills", "PUT", "llm_skills"),
    case("5", "PATCH of all skills", "PATCH", "llm_skills"),
    case("5", "DELETE of all skills", "DELETE", "llm_skills"),
    case("5", "PUT of a skill", "PUT", SKILL),
    case("5", "POST of a skill", "POST", SKILL),
    case("5", "DELETE of a skill", "DELETE", SKILL),
    case("5", "GET of archive", "GET", f"{SKILL}/archive"),
    case("5", "DELETE of archive", "DELETE", f"{SKILL}/archive"),
    case("5", "GET of duplicate", "GET", f"{SKILL}/duplicate"),
    case("5", "GET of files: no listing", "GET", f"{SKILL}/files"),
    case("5", "PUT of a file", "PUT", f"{SKILL}/files/a.md"),
    case("5", "PATCH of a file", "PATCH", f"{SKILL}/files/a.md"),
    case("5", "POST of a file's path", "POST", f"{SKILL}/files/a.md"),
    case("5", "GET of files-rename", "GET", f"{SKILL}/files-rename"),
    case("5", "POST of resolve", "POST", "llm_skills/resolve/name/{n}"),
    case("5", "PUT of all datasets", "PUT", "datasets/", only=SEED),
    case("5", "DELETE of all datasets", "DELETE", "datasets/", only=SEED),
    case("5", "POST of a dataset", "POST", f"datasets/{UNKNOWN_ID}/", only=SEED),
    case("5", "PATCH of all items", "PATCH", "dataset_items/", only=SEED),
    case("5", "POST of an item", "POST", f"dataset_items/{UNKNOWN_ID}/", only=SEED),
]


@pytest.mark.parametrize(("method", "path"), METHODS)
def test_a_method_that_a_path_does_not_have(
    api: Api, still: dict[str, Any], method: str, path: str
) -> None:
    answer = api.call(method, path.format(n=still["name"]))
    assert answer.refused(405) == wrong("method_not_allowed", f'Method "{method}" not allowed.')
    assert method not in answer.headers["allow"].split(", ")


SYNTAX = [
    case("5", "half an object", b"{"),
    case("5", "not UTF-8", b'{"name":"\xff"}'),
    case("5", "a byte order mark", b"\xef\xbb\xbf{}"),
    case("5", "single quotes", b"{'name':'d'}"),
    case("8", "compressed", gzip.compress(b'{"name":"d"}')),
    case("5", "two documents", b"{}{}"),
]


@pytest.mark.parametrize("data", SYNTAX)
@pytest.mark.parametrize(("method", "path"), [("POST", "datasets/"), ("POST", "llm_skills")])
def test_a_body_that_is_no_json(api: Api, method: str, path: str, data: bytes) -> None:
    body = api.call(method, path, data=data, headers=JSON).refused(400)
    assert body["detail"].startswith("JSON parse error - ")
    assert {**body, "detail": ""} == wrong("parse_error", "")


def test_8_forms_are_read(api: Api) -> None:
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    name = api.fresh()
    data = f"name={name}&description=d&body=b".encode()
    assert api.call("POST", "llm_skills", data=data, headers=form).ok(201)["name"] == name
    parts = f'--x\r\nContent-Disposition: form-data; name="name"\r\n\r\n{name}\r\n--x--\r\n'
    multipart = {"Content-Type": "multipart/form-data; boundary=x"}
    made = api.call("POST", "datasets/", data=parts.encode(), headers=multipart)
    assert made.ok(201)["name"] == name


def test_5_other_types_are_not_read_and_not_written(api: Api) -> None:
    answer = api.call("POST", "datasets/", data=b"x", headers={"Content-Type": "text/plain"})
    expected = wrong("unsupported_media_type", 'Unsupported media type "text/plain" in request.')
    assert answer.refused(415) == expected
    answer = api.call("GET", "llm_skills", headers={"Accept": "text/html"})
    expected = wrong("not_acceptable", "Could not satisfy the request Accept header.")
    assert answer.refused(406) == expected


@pytest.mark.parametrize("accept", ["application/json", "*/*", "application/*", "text/html, */*;q=0.1"],
                         ids=lambda value: f"8: {value}")  # fmt: skip
def test_json_is_answered(api: Api, accept: str) -> None:
    answer = api.call("GET", "llm_skills?limit=1", headers={"Accept": accept})
    assert answer.status == 200
    assert answer.headers["content-type"] == "application/json"


@pytest.mark.parametrize("path", ["llm_skills?limit=1", SKILL, f"{SKILL}/files/a.md", "datasets/?limit=1",
                                  "llm_skills/resolve/name/{n}"], ids=lambda value: f"8: {value}")  # fmt: skip
def test_head_is_get_without_a_body(api: Api, still: dict[str, Any], path: str) -> None:
    path = path.format(n=still["name"])
    got, head = api.get(path), api.call("HEAD", path)
    assert (head.status, head.body) == (got.status, b"")
    assert head.headers["content-type"] == got.headers["content-type"]


@pytest.mark.parametrize("path", ["llm_skills", SKILL, f"{SKILL}/files/a.md", f"{SKILL}/archive", "datasets/", "dataset_items/"],
                         ids=lambda value: f"8: {value}")  # fmt: skip
def test_options_names_the_methods(api: Api, still: dict[str, Any], path: str) -> None:
    answer = api.call("OPTIONS", path.format(n=still["name"]))
    assert answer.status == 200
    assert "OPTIONS" in answer.headers["allow"]


def test_5_every_answer_names_the_methods(api: Api, still: dict[str, Any]) -> None:
    assert set(api.get(at(still)).headers["allow"].split(", ")) >= {"GET", "PATCH", "OPTIONS"}
    assert "POST" in api.get("datasets/?limit=1").headers["allow"]


# ---------------------------------------------------------------- scopes (4), on our own server

READS = [
    ("GET", "llm_skills", "llm_skill"), ("HEAD", "llm_skills", "llm_skill"),
    ("OPTIONS", "llm_skills", "llm_skill"), ("GET", SKILL, "llm_skill"),
    ("HEAD", f"{SKILL}/files/a.md", "llm_skill"), ("GET", f"{SKILL}/files/a.md", "llm_skill"),
    ("GET", "llm_skills/resolve/name/{n}", "llm_skill"), ("GET", "datasets/", "dataset"),
    ("OPTIONS", "datasets/", "dataset"), ("GET", f"datasets/{UNKNOWN_ID}/", "dataset"),
    ("GET", "dataset_items/", "dataset"), ("GET", f"dataset_items/{UNKNOWN_ID}/", "dataset"),
]  # fmt: skip
WRITES = [
    ("POST", "llm_skills", "llm_skill"), ("PATCH", SKILL, "llm_skill"),
    ("POST", f"{SKILL}/archive", "llm_skill"), ("POST", f"{SKILL}/duplicate", "llm_skill"),
    ("POST", f"{SKILL}/files", "llm_skill"), ("DELETE", f"{SKILL}/files/a.md", "llm_skill"),
    ("POST", f"{SKILL}/files-rename", "llm_skill"), ("POST", "datasets/", "dataset"),
    ("PATCH", f"datasets/{UNKNOWN_ID}/", "dataset"), ("POST", "dataset_items/", "dataset"),
    ("PATCH", f"dataset_items/{UNKNOWN_ID}/", "dataset"),
]  # fmt: skip
SEED_WRITES = [
    (method, f"{collection}/{UNKNOWN_ID}/", "dataset")
    for method in ("PUT", "DELETE")
    for collection in ("datasets", "dataset_items")
]


def lacks(answer: Answer, scope: str) -> bool:
    return answer.status == 403 and (
        not answer.body or answer.json == denied("permission_denied", f"API key missing required scope '{scope}'")
    )  # fmt: skip


@pytest.mark.own_server
@pytest.mark.parametrize(("method", "path", "thing"), READS, ids=lambda value: f"4: {value}")
def test_reading_takes_the_read_scope_or_the_write_scope(
    office: Office, still: dict[str, Any], method: str, path: str, thing: str
) -> None:
    path = path.format(n=still["name"])
    other = {"llm_skill": "dataset", "dataset": "llm_skill"}[thing]
    for scope in (f"{thing}:read", f"{thing}:write", "*"):
        assert office.scoped(scope).call(method, path).status in {200, 400, 404}, scope
    for scope in (f"{other}:write", "user:read"):
        assert lacks(office.scoped(scope).call(method, path), f"{thing}:read"), scope


@pytest.mark.own_server
@pytest.mark.parametrize(
    ("method", "path", "thing"),
    [*WRITES, *(pytest.param(*row, marks=pytest.mark.dialect(SEED)) for row in SEED_WRITES)],
    ids=lambda value: f"4: {value}",
)
def test_writing_takes_the_write_scope_before_anything_is_looked_at(
    office: Office, api: Api, still: dict[str, Any], method: str, path: str, thing: str
) -> None:
    path = path.format(n=still["name"])
    for scope in (f"{thing}:read", "user:read"):
        answer = office.scoped(scope).call(method, path, {} if method != "DELETE" else None)
        assert lacks(answer, f"{thing}:write"), scope
    assert api.get(at(still)).ok() == still
    absent = path.replace(still["name"], api.fresh())
    for scope in (f"{thing}:write", "*"):
        answer = office.scoped(scope).call(method, absent, {} if method != "DELETE" else None)
        assert answer.status in {400, 404, 405}, scope


@pytest.mark.own_server
def test_4_a_key_may_have_several_scopes_and_each_is_told_before_the_project(
    office: Office,
) -> None:
    mixed = office.scoped("llm_skill:read", "dataset:write")
    assert mixed.get("llm_skills").status == 200
    assert mixed.post("datasets/", {"name": "d"}).status == 201
    for path in ("llm_skills", "/api/projects/none/llm_skills"):
        assert lacks(mixed.post(path, {}), "llm_skill:write")


@pytest.mark.own_server
def test_4_me_takes_its_scope_and_the_key_itself_none(office: Office) -> None:
    poor = office.scoped("dataset:read")
    for scope in ("dataset:read", "dataset:write", "llm_skill:write"):
        assert lacks(office.scoped(scope).get("/api/users/@me/"), "user:read")
    assert poor.get("/api/personal_api_keys/@current/").ok()["scopes"] == ["dataset:read"]
    assert office.scoped("user:read").get("/api/users/@me/").status == 200


@pytest.mark.own_server
def test_4_a_key_limited_to_a_project(office: Office, place: Place) -> None:
    other = office.project()
    limited = place.api(office.key("*", project=other))
    detail = f"API key does not have access to the requested project: ID {place.project}."
    for path in ("llm_skills", "datasets/"):
        assert limited.get(path).refused(403) == denied("permission_denied", detail)
        assert limited.get(f"/api/projects/{other}/{path}").ok()["count"] == 0
    assert limited.get("/api/personal_api_keys/@current/").ok()["scoped_teams"] == [other]
    assert limited.get("/api/projects/none/llm_skills").refused(404)["detail"] == "Project not found."  # fmt: skip
    limited.close()


@pytest.mark.own_server
def test_4_who_is_no_member_has_no_access(office: Office, place: Place) -> None:
    outsider = place.api(office.outsider([office.project()]))
    expected = denied("permission_denied", "You don't have access to the project.")
    assert outsider.get("llm_skills").refused(403) == expected
    assert outsider.post("datasets/", {"name": "n"}).refused(403) == expected
    outsider.close()


@pytest.mark.own_server
@pytest.mark.dialect(SEED)
def test_2_what_is_in_another_project_does_not_exist_here(
    office: Office, place: Place, api: Api
) -> None:
    elsewhere = place.api()
    elsewhere.project = str(office.project())
    skill, dataset = elsewhere.skill(), elsewhere.dataset()
    item, mine = elsewhere.item(dataset), api.item(api.dataset())
    assert dataset["team"] == item["team"] == int(elsewhere.project)
    assert api.get(at(skill)).status == 404
    assert api.get("llm_skills", search=skill["name"]).ok()["count"] == 0
    assert api.skill(skill["name"])["version"] == 1, "names are unique per project only"
    for path in (f"datasets/{dataset['id']}/", f"dataset_items/{item['id']}/"):
        assert api.get(path).refused(404) == missing()
        assert api.patch(path, {}).refused(404) == missing()
    assert api.get("datasets/", id__in=dataset["id"]).ok()["count"] == 0
    assert api.get("dataset_items/", dataset=dataset["id"]).ok()["count"] == 0
    detail = f'Invalid pk "{dataset["id"]}" - object does not exist.'
    foreign = invalid("does_not_exist", "dataset", detail)
    assert api.post("dataset_items/", {"dataset": dataset["id"]}).refused(400) == foreign
    move = api.patch(f"dataset_items/{mine['id']}/", {"dataset": dataset["id"]})
    assert move.refused(400) == foreign
    elsewhere.close()


# ---------------------------------------------------------------- links (7)


@pytest.mark.own_server  # a proxy in front of another server sets these itself
@pytest.mark.parametrize(
    ("headers", "origin"),
    [
        case("7", "host", {"Host": "example.com:8443"}, "http://example.com:8443"),
        case("7", "scheme", {"Host": "example.com", "X-Forwarded-Proto": "https"}, "https://example.com"),
    ],
)  # fmt: skip
def test_links_follow_the_request(
    api: Api, still: dict[str, Any], headers: dict[str, str], origin: str
) -> None:
    api.skill()
    page = api.call("GET", "llm_skills/?limit=1", headers=headers).ok()
    expected = f"{origin}/api/projects/{api.project}/llm_skills/?limit=1&offset=1"
    assert page["next"] == expected


def test_6_no_header_tells_of_a_budget(api: Api) -> None:
    answer = api.get("datasets/?limit=1")
    assert not any(name.startswith("x-ratelimit") for name in answer.headers)
