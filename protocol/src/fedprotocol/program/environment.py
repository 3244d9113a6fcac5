"""What of the environment counts: a short list. All else is taken away before a library can read it.

Launchers and clusters (`WORLD_SIZE`, `OMPI_…`, `SLURM_…`), other programs' settings (`ACCELERATE_…`, `TORCH…`,
`PROMETHEUS_MULTIPROC_DIR`) and settings of arithmetic (`ONEDNN_…`, `NVIDIA_TF32_OVERRIDE`) steer the libraries that
train, so that a node hangs or computes something else than the others. Nobody can list them all: what is kept is.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

OWN = ("FED",)  # FEDNODE_CONFIG, FEDNODE_PASSWORD, FED_LOG_FORMAT, …
KEPT_BEGINNINGS = (
    *OWN,
    *("LC_", "XDG_", "PYTHON", "LD_", "NIX_"),  # how programs run here at all
    *("HF_HUB_", "HF_XET_"),  # how a model is fetched from the hub: what comes is compared with the spec
    *("PYTEST_", "COVERAGE_", "FAKETIME", "DONT_FAKE_"),  # of tests, and of their wrong clocks
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
        *("CREDENTIALS_DIRECTORY",),  # systemd's, where it puts secrets
        *("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "all_proxy", "no_proxy"),
        *("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR", "OPENSSL_CONF"),
        *("HF_HOME", "HF_TOKEN", "HF_TOKEN_PATH", "HF_ENDPOINT", "HUGGING_FACE_HUB_TOKEN", "HUGGINGFACE_HUB_CACHE"),
        *("CUDA_VISIBLE_DEVICES", "CUDA_DEVICE_ORDER", "CUDA_HOME", "CUDA_PATH", "CUDA_CACHE_PATH"),  # which GPU, where
        *("CUDA_MPS_PIPE_DIRECTORY", "CUDA_MPS_LOG_DIRECTORY", "NVIDIA_VISIBLE_DEVICES", "NVIDIA_DRIVER_CAPABILITIES"),
    )
)
LOOPBACK = ("localhost", "127.0.0.1", "::1")
THREADS = "OMP_NUM_THREADS"
SET = {
    "TOKENIZERS_PARALLELISM": "false",  # its threads do not survive a fork, and cost more than they bring
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "TORCHDYNAMO_DISABLE": "1",  # nothing here is compiled; importing bitsandbytes would load the compiler, for seconds
    THREADS: None,  # until the config says how many: the last bits of a sum depend on it
}
"""What the programs set by themselves, whatever stood there; None: it is not set."""

_given: dict[str, str] | None = None


def settle() -> None:
    """Make the environment of this process, and of those it starts, what counts here; before anything heavy is
    imported, for many libraries read theirs while they are imported."""
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
    """How many threads this process, and those it starts, may compute with; before torch is imported."""
    os.environ[THREADS] = str(threads)


def given() -> Mapping[str, str]:
    """The environment as the program was started with it: for other people's programs that it starts (git, pip,
    brownie, Kubo)."""
    return dict(os.environ) if _given is None else dict(_given)


def ignored() -> list[str]:
    """Names of what was taken away, sorted."""
    return sorted(name for name in given() if not is_kept(name))


def is_kept(name: str) -> bool:
    return name in KEPT or name in SET or name.startswith(KEPT_BEGINNINGS)


@contextmanager
def settled() -> Iterator[None]:
    """What must not be steered runs in this, whoever called it. In a program of ours nothing is left to do but to take
    away what a library has put there; elsewhere what was taken away comes back."""
    before = {name: os.environ.pop(name) for name in _strays()}
    try:
        yield
    finally:
        for name in _strays():
            del os.environ[name]
        if _given is None:
            os.environ.update(before)


def _have_a_home() -> None:
    """A user whom the system does not know (a container's) has the home that Docker gives it: libraries that look for
    one while they are imported then find it, and what cannot be written there says so."""
    try:
        Path.home()
    except RuntimeError:
        os.environ["HOME"] = "/"


def _keep_loopback_direct() -> None:
    """A proxy of the environment is for the world: what is on this machine (a chain's node, Kubo) is asked directly,
    by the libraries that ask the environment by themselves too."""
    if not any(name.lower() in ("http_proxy", "https_proxy", "all_proxy") for name in os.environ):
        return
    listed = os.environ.get("no_proxy") or os.environ.get("NO_PROXY") or ""
    hosts = [host.strip() for host in listed.split(",") if host.strip()]
    merged = ",".join([*hosts, *(host for host in LOOPBACK if host not in hosts)])
    os.environ.update(no_proxy=merged, NO_PROXY=merged)


def _strays() -> list[str]:
    return [name for name in os.environ if not is_kept(name)]
