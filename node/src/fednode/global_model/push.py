"""An exported folder to a repository of the Hugging Face Hub, in one commit, by huggingface_hub's own client."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fedprotocol.errors import FedError
from fedprotocol.files.secret import secret_in
from fedprotocol.program.outgoing import NetworkSetting

from fednode.base_model.foreign_errors import in_a_line
from fednode.base_model.hub_client import by_way_of_hub, trust_as_elsewhere

_WEIGHTS = (".safetensors", ".safetensors.index.json", ".bin", ".gguf")


class PushError(FedError):
    """Nothing was put on the hub; the message says what to do."""


def token_from(file: Path | None) -> str:
    """The hub's token: the first line of `file`, else HF_TOKEN, else what `hf auth login` has stored. Raises PushError
    if there is none, or if others may read the file."""
    from huggingface_hub import get_token

    if file is None:
        if not (token := get_token()):
            raise PushError(
                f"no token for the hub: set HF_TOKEN, or name a file with --token-file; {_where_tokens_are()}"
            )
        return token
    return secret_in(file, "token file", PushError).strip()


def check_name(name: str) -> None:
    """Raises PushError if no repository can have this name."""
    from huggingface_hub.errors import HFValidationError
    from huggingface_hub.utils._validators import validate_repo_id

    try:
        validate_repo_id(name)
    except HFValidationError as error:
        raise PushError(f"{name} is no name of a repository: {in_a_line(error)}") from error
    if "/" not in name:
        raise PushError(f"{name}: name the repository with its owner, such as your-name/{name}")


def files_of(folder: Path) -> list[tuple[str, int]]:
    """The files that will be sent, each with its bytes, in the order of their names."""
    return sorted((path.name, path.stat().st_size) for path in folder.iterdir())


@dataclass(frozen=True)
class Repository:
    """A model repository on the hub, `owner/name`, and the token with which it is written. The hub is that of
    HF_ENDPOINT. Every method raises PushError."""

    name: str
    token: str

    def check_token(self) -> None:
        """Ask the hub whose token it is, before any other work."""
        with self._told():
            self._api().whoami()

    def push(self, folder: Path, message: str, private: bool) -> str:
        """Put the files of `folder` into the repository in one commit, and return the commit's address. The repository
        is made if it does not exist, `private` if so wished.

        A repository that should be private and is not, or that has weights which would stay beside the new ones, is
        left as it is.
        """
        from huggingface_hub import CommitOperationAdd

        names = [name for name, _ in files_of(folder)]
        with self._told():
            api = self._api()
            api.create_repo(self.name, private=private or None, exist_ok=True)
            info = api.model_info(self.name)
            self._check(names, [file.rfilename for file in info.siblings or ()], private and not info.private)
            made = api.create_commit(
                self.name,
                [CommitOperationAdd(path_in_repo=name, path_or_fileobj=folder / name) for name in names],
                commit_message=message,
            )
        return str(made.commit_url)

    def _check(self, names: list[str], there: list[str], is_public: bool) -> None:
        if is_public:
            raise PushError(
                f"{self.name} is there already and everybody may read it; nothing was sent: make it private in its "
                "settings, or push to another repository"
            )
        if others := [name for name in there if name.endswith(_WEIGHTS) and name not in names]:
            raise PushError(
                f"{self.name} has {others[0]}, which would stay beside what is pushed and could be loaded in its "
                "place; nothing was sent: delete it there, or push to another repository"
            )

    def _api(self) -> Any:
        from huggingface_hub import HfApi, constants
        from huggingface_hub.utils.tqdm import disable_progress_bars

        trust_as_elsewhere()
        disable_progress_bars()
        # hf_xet makes connections of its own, which know nothing of our proxies and certificates
        constants.HF_HUB_DISABLE_XET = True
        return HfApi(token=self.token)

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except (FedError, KeyboardInterrupt):
            raise
        except Exception as error:  # errors of any kind: about the connection, the files, the answers
            raise PushError(f"{self.name}: {self._why(error)}") from error

    def _why(self, error: Exception) -> str:
        if isinstance(error, NetworkSetting):
            return str(error)
        response = getattr(error, "response", None)
        status = getattr(response, "status_code", None)
        owner = self.name.partition("/")[0]
        known = {
            401: f"the hub does not know this token: make a new one, and set HF_TOKEN; {_where_tokens_are()}",
            403: f"this token may not write to {owner}'s repositories: use one with the permission to write; "
            f"{_where_tokens_are()}",
            404: f"the hub has no {self.name} that this token may write to, or no {owner}: check the name, and the "
            "token's permissions",
            409: "somebody else is changing the repository at this moment: try again",
            413: "the hub takes no files of this size here; see its page on storage limits",
            429: "the hub has had too many requests from here: wait some minutes, then try again",
        }
        if status in known:
            return known[status]
        if status is None and type(error).__module__.partition(".")[0] in ("httpx2", "httpcore2"):
            return (
                f"the hub at {_endpoint()} cannot be reached{by_way_of_hub()} ({in_a_line(error)}): check the network"
            )
        return f"the hub did not take it: {in_a_line(error)}; try again"


def _endpoint() -> str:
    from huggingface_hub import constants

    return constants.ENDPOINT


def _where_tokens_are() -> str:
    return f"tokens are made at {_endpoint()}/settings/tokens"
