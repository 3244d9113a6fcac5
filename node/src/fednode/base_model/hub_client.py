"""The connection to the hub: by the rule for all others (`fedprotocol.program.outgoing`), as far as it is Python's."""

from __future__ import annotations

from typing import Any

from fedprotocol.program import outgoing


def trust_as_elsewhere() -> None:
    """Have huggingface_hub believe whose certificates count here; its proxies it takes from the same variables by
    itself. Raises NetworkSetting."""
    from huggingface_hub import set_client_factory

    by_way_of_hub()
    outgoing.tls()
    set_client_factory(_client)


def by_way_of_hub() -> str:
    """Words about the proxy that stands before the hub; empty if none does. Raises NetworkSetting."""
    from huggingface_hub import constants

    return outgoing.through(constants.ENDPOINT)


def _client() -> Any:
    """The library's own client, but for what it trusts."""
    import httpx2
    from huggingface_hub.utils._http import hf_request_event_hook

    return httpx2.Client(
        event_hooks={"request": [hf_request_event_hook]}, follow_redirects=True, timeout=None, verify=outgoing.tls()
    )
