"""`fednode serve`: the federation's model for other programs on this machine."""

from __future__ import annotations

import sys
import threading
from typing import Annotated

import typer
from fedprotocol.errors import FedError, as_a_service
from fedprotocol.program.terminal import say

from fednode.cli.common import (
    DEFAULT_CONFIG,
    ConfigOption,
    RoundOption,
    global_of,
    open_to_read,
    units_of,
    warn_of_code,
)

PORT = 8700


def serve(
    port: Annotated[
        int, typer.Option(min=0, max=65_535, help="Port to listen on. 0: any that is free; it is printed.")
    ] = PORT,
    number: RoundOption = None,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Answer other programs with the federation's model, as OpenAI's API does.

    Programs on this machine set http://127.0.0.1:8700/v1 as the base URL, and
    the federation's name as the model. Completions and chats are put into the
    spec's prompt template, as in training. When another round is final,
    answers come from its global model, without a restart; --round stays with
    one round. Without a temperature, an answer consists of the likeliest
    tokens. Ctrl-C ends it.
    """
    try:
        import uvicorn  # noqa: F401 - only to see whether it is there
    except ImportError as error:
        raise FedError("`fednode serve` needs more libraries: pip install 'fednode[serve]'") from error
    from fedprotocol.program.listening import listen
    from fedprotocol.program.signals import stop_at_signals

    from fednode.global_model.loaded import load_model
    from fednode.serving.app import Api
    from fednode.serving.newest import Newest
    from fednode.serving.served_model import Global, ServedModel
    from fednode.serving.server import serve as answer

    with as_a_service(), open_to_read(config) as session, listen("127.0.0.1", port) as listening:
        warn_of_code(session)
        found = Global(*global_of(session, number))
        units = units_of(session, found.root)
        served = ServedModel(load_model(session), session.spec.training.sequence_length, found, units)
        newest = Newest(served, lambda: Global(*global_of(session, number)), lambda root: units_of(session, root))
        stop = stop_at_signals(is_usual_end=True)
        every = session.config.chain.poll_seconds
        following = threading.Thread(target=newest.follow, args=(every, stop), name="newest global", daemon=True)
        if number is None:
            following.start()
        url = f"http://127.0.0.1:{listening.getsockname()[1]}/v1"
        say(f"{url} answers as the model {session.spec.name!r}, with the global of round {found.round}; Ctrl-C ends it")
        sys.stdout.flush()
        answer(Api(served, newest, session.spec.name).app(), listening, stop)
