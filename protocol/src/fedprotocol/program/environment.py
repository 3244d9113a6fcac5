"""The short list of environment variables that count. All others are removed before a library can read them.

Launchers and clusters (`WORLD_SIZE`, `OMPI_…`, `SLURM_…`), other programs' settings (`ACCELERATE_…`, `TORCH…`,
`PROMETHEUS_MULTIPROC_DIR`) and settings of arithmetic (`ONEDNN_…`, `NVIDIA_TF32_OVERRIDE`) steer the libraries that
train, so that a node hangs or computes something else than the others. Nobody can list all of these, so the list names
what is kept.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

OWN = ("FED",)  # FEDNODE_CONFIG, FEDNODE_PASSWORD, FED_LOG_FORMAT, …
KEPT_BEGINNINGS = (
    *OWN,
    *("LC_", "XDG_", "PYTHON", "LD_", "NIX_"),  # needed to run programs at all
    *("HF_HUB_", "HF_XET_"),  # how a model is fetched from the hub; the model is compared with the spec afterwards
    *("PYTEST_", "COVERAGE_", "FAKETIME", "DONT_FAKE_"),  # used by tests, and by tests with wrong clocks
)
KEPT = frozenset(
    (
        *(
            "HOME",
            "USER",
            "LOGNAME",
            "SHELL",
            "PATH",
            "PWD",
            "TMPDIR",
            "TMP",
            "TEMP",
            "TZ",
            "TZDIR",
            "LANG",
            "LANGUAGE",
        ),
        *("TERM", "COLORTERM", "TERM_PROGRAM", "COLUMNS", "LINES", "NO_COLOR", "FORCE_COLOR", "VIRTUAL_ENV"),
        *("CREDENTIALS_DIRECTORY",),  # set by systemd: the folder where it puts secrets
        *("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "all_proxy", "no_proxy"),
        *("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR", "OPENSSL_CONF"),
        *("HF_HOME", "HF_TOKEN", "HF_TOKEN_PATH", "HF_ENDPOINT", "HUGGING_FACE_HUB_TOKEN", "HUGGINGFACE_HUB_CACHE"),
        # which GPUs may be used, and where the driver is
        *("CUDA_VISIBLE_DEVICES", "CUDA_DEVICE_ORDER", "CUDA_HOME", "CUDA_PATH", "CUDA_CACHE_PATH"),
        *("CUDA_MPS_PIPE_DIRECTORY", "CUDA_MPS_LOG_DIRECTORY", "NVIDIA_VISIBLE_DEVICES", "NVIDIA_DRIVER_CAPABILITIES"),
    )
)
LOOPBACK = ("localhost", "127.0.0.1", "::1")
THREADS = "OMP_NUM_THREADS"
SET = {
    "TOKENIZERS_PARALLELISM": "false",  # its threads do not survive a fork, and cost more time than they save
    "HF_HUB_DISABLE_TELEMETRY": "1",
    # nothing is compiled here; importing bitsandbytes would load the compiler, which takes seconds
    "TORCHDYNAMO_DISABLE": "1",
    THREADS: None,  # one thread until the config says how many, because the last bits of a sum depend on the number
}
"""Variables that the programs set themselves, replacing any other value; None means that the variable is removed."""

_given: dict[str, str] | None = None


def settle() -> None:
    """Reduce the environment of this process, and of those that it starts, to what counts here. Call it before heavy
    imports, because many libraries read their variables while they are imported."""
    global _given
    if _given is None:
        _have_a_home()
        _keep_loopback_direct()
        _given = dict(os.environ)
    for name in _strays():
        del os.environ[name]
    for name, value in SET.items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value


def set_threads(threads: int) -> None:
    """How many threads this process, and those it starts, may compute with. Call it before torch is imported."""
    os.environ[THREADS] = str(threads)


def given() -> Mapping[str, str]:
    """The environment that the program was started with, for other people's programs that it starts (git, pip,
    brownie, Kubo)."""
    return dict(os.environ) if _given is None else dict(_given)


def ignored() -> list[str]:
    """The names of the variables that were removed, sorted."""
    return sorted(name for name in given() if not is_kept(name))


def is_kept(name: str) -> bool:
    return name in KEPT or name in SET or name.startswith(KEPT_BEGINNINGS)


def cache_folder() -> Path:
    """The user's folder for what can be made again, by the XDG Base Directory Specification."""
    named = os.environ.get("XDG_CACHE_HOME", "")
    return Path(named) if Path(named).is_absolute() else Path.home() / ".cache"


@contextmanager
def settled() -> Iterator[None]:
    """Use it around code that variables must not influence, whichever program calls it. In our own programs it only has
    to remove what a library has set meanwhile. In other programs, everything that was removed is put back at the
    end."""
    before = {name: os.environ.pop(name) for name in _strays()}
    try:
        yield
    finally:
        for name in _strays():
            del os.environ[name]
        if _given is None:
            os.environ.update(before)


def _have_a_home() -> None:
    """Give a user whom the system does not know (in a container) the home folder that Docker would use. Libraries that
    look for a home while they are imported then find one, and code that cannot write there says so."""
    try:
        Path.home()
    except RuntimeError:
        os.environ["HOME"] = "/"


def _keep_loopback_direct() -> None:
    """Make libraries that read proxies from the environment ask services on this machine (a chain's node, Kubo)
    directly. A proxy is for other machines."""
    if not any(name.lower() in ("http_proxy", "https_proxy", "all_proxy") for name in os.environ):
        return
    listed = os.environ.get("no_proxy") or os.environ.get("NO_PROXY") or ""
    hosts = [host.strip() for host in listed.split(",") if host.strip()]
    merged = ",".join([*hosts, *(host for host in LOOPBACK if host not in hosts)])
    os.environ.update(no_proxy=merged, NO_PROXY=merged)


def _strays() -> list[str]:
    return [name for name in os.environ if not is_kept(name)]
