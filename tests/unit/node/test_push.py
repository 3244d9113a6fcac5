"""An exported folder on a hub, put there by huggingface_hub itself."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from fednode.global_model.export import export_adapter
from fednode.global_model.provenance import Provenance, Score
from fednode.global_model.push import PushError, Repository, check_name, files_of, token_from
from huggingface_hub import ModelCard
from support.hub_uploads import COMMIT, TOKEN, UploadHub, upload_hub
from support.tiny_spec import tiny_spec

pytestmark = pytest.mark.model

NAME = "somebody/colours"
PROVENANCE = Provenance(
    round=3,
    root=b"\1" * 32,
    spec_digest=b"\2" * 32,
    chain_id=31337,
    contract="0x" + "ab" * 20,
    score=Score(0.4567, 0.789),
    licence="apache-2.0",
)


@pytest.fixture(scope="module")
def folder(tiny_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("push") / "adapter"
    spec, adapter = tiny_spec(tiny_folder)
    named = spec.model_copy(update={"base_model": spec.base_model.model_copy(update={"id": "org/base"})})
    export_adapter(named, adapter.units, PROVENANCE, out)
    return out


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[UploadHub]:
    with upload_hub(monkeypatch) as serving:
        yield serving


def test_every_file_is_there_in_one_commit(folder: Path, hub: UploadHub) -> None:
    repository = Repository(NAME, TOKEN)
    repository.check_token()
    assert repository.push(folder, "tiny, round 3", private=True) == f"{hub.url}/{NAME}/commit/{COMMIT}"
    held = hub.repositories[NAME]
    held.pop(".gitattributes")
    assert held == {path.name: path.read_bytes() for path in folder.iterdir()}
    assert hub.messages == ["tiny, round 3"]
    assert hub.private == {NAME}
    assert sum(asked.startswith("PUT /objects/") for asked in hub.asked) == 1
    assert hub.asked[0] == "GET /api/whoami-v2"

    newer = folder.parent / "newer"
    newer.mkdir()
    for path in folder.iterdir():
        (newer / path.name).write_bytes(path.read_bytes().replace(b"round 3", b"round 4"))
    Repository(NAME, TOKEN).push(newer, "tiny, round 4", private=True)
    assert b"round 4" in hub.repositories[NAME]["README.md"]
    assert hub.messages == ["tiny, round 3", "tiny, round 4"]


def test_the_card_tells_score_and_licence_if_asked_to(folder: Path) -> None:
    card = ModelCard.load(folder / "README.md")
    assert (card.data.license, card.data.base_model) == ("apache-2.0", "org/base")
    assert "| score on the test data of one site | loss 0.457, accuracy 78.9 % |" in card.text
    assert "fednode audit 3" in card.text
    assert files_of(folder) == sorted((path.name, path.stat().st_size) for path in folder.iterdir())


def test_what_may_not_be_changed_is_left_as_it_is(folder: Path, hub: UploadHub) -> None:
    hub.repositories[NAME] = {"adapter_model.safetensors": b"old"}
    with pytest.raises(PushError, match="everybody may read it; nothing was sent"):
        Repository(NAME, TOKEN).push(folder, "m", private=True)
    hub.repositories[NAME] = {"model-00001-of-00002.safetensors": b"old"}
    with pytest.raises(PushError, match=r"has model-00001-of-00002\.safetensors, which would stay"):
        Repository(NAME, TOKEN).push(folder, "m", private=False)
    assert hub.repositories == {NAME: {"model-00001-of-00002.safetensors": b"old"}}
    assert not any("preupload" in asked or "/objects/" in asked for asked in hub.asked)


@pytest.mark.parametrize(
    ("part", "status", "says"),
    [
        ("whoami", 401, "does not know this token: make a new one, and set HF_TOKEN"),
        ("repos/create", 403, "may not write to somebody's repositories: use one with the permission to write"),
        ("preupload", 403, "may not write to somebody's repositories: use one with the permission to write"),
        ("repos/create", 404, "no somebody: check the name"),
        ("commit/main", 409, "changing the repository at this moment: try again"),
        ("objects/batch", 413, "no files of this size"),
        ("commit/main", 500, "the hub did not take it: .*500.*; try again"),
    ],
)
def test_refusals_say_what_to_do(part: str, status: int, says: str, folder: Path, hub: UploadHub) -> None:
    hub.refused = {part: status}
    repository = Repository(NAME, TOKEN)
    with pytest.raises(PushError, match=says) as caught:
        repository.check_token()
        repository.push(folder, "m", private=False)
    assert TOKEN not in str(caught.value)
    assert "\n" not in str(caught.value)
    assert set(hub.repositories.get(NAME, {})) <= {".gitattributes"}


def test_a_wrong_token_and_no_hub(hub: UploadHub) -> None:
    with pytest.raises(PushError, match="does not know this token"):
        Repository(NAME, "hf_wrong").check_token()
    hub.close()
    with pytest.raises(PushError, match=rf"the hub at {hub.url} cannot be reached .*: check the network"):
        Repository(NAME, TOKEN).check_token()


def test_where_the_token_is(tmp_path: Path, hub: UploadHub, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(
        PushError, match=rf"set HF_TOKEN, or name a file with --token-file; .*{hub.url}/settings/tokens"
    ):
        token_from(None)
    monkeypatch.setenv("HF_TOKEN", "hf_environment")
    assert token_from(None) == "hf_environment"
    file = tmp_path / "token"
    with pytest.raises(PushError, match="there is no token file"):
        token_from(file)
    file.touch(mode=0o600)
    with pytest.raises(PushError, match="is empty"):
        token_from(file)
    file.write_text("hf_file\n")
    assert token_from(file) == "hf_file"
    file.chmod(0o644)
    with pytest.raises(PushError, match="chmod 600"):
        token_from(file)


@pytest.mark.parametrize("name", ["alone", "a/b/c", "a/b..c", "a/" + 97 * "b", "a/ b"])
def test_names_that_no_repository_has(name: str) -> None:
    with pytest.raises(PushError):
        check_name(name)
    check_name(NAME)
