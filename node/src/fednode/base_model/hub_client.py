"""The connection to the hub. It follows the same rule as all others (`fedprotocol.program.outgoing`), as far as Python
code makes it."""

from __future__ import annotations

from typing import Any

from fedprotocol.program import outgoing


def trust_as_elsewhere() -> None:
    """Make huggingface_hub trust the same certificates as all other connections. It reads its proxies from the same
    variables itself. Raises NetworkSetting."""
    from huggingface_hub import set_client_factory

    by_way_of_hub()
    outgoing.tls()
    set_client_factory(_client)


def by_way_of_hub() -> str:
    """Text that names the proxy on the way to the hub; empty if there is none. Raises NetworkSetting."""
    from huggingface_hub import constants

    return outgoing.through(constants.ENDPOINT)


def _client() -> Any:
    """The library's own client, with other trusted certificates."""
    import httpx2
    from huggingface_hub.utils._http import hf_request_event_hook

    return httpx2.Client(
        event_hooks={"request": [hf_request_event_hook]}, follow_redirects=True, timeout=None, verify=outgoing.tls()
    )
