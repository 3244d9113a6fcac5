"""`fednode generate`: ask the tuned model something."""

from __future__ import annotations

from typing import Annotated

import typer
from fedprotocol.program.slow_work import told_if_slow
from fedprotocol.program.terminal import say

from fednode.cli.common import DEFAULT_CONFIG, ConfigOption, RoundOption, global_of, open_to_read, units_of


def generate(
    prompt: Annotated[str, typer.Argument(help="Text that is put into the spec's prompt template.")],
    max_new_tokens: Annotated[int, typer.Option(min=1, help="Greatest length of the answer, in tokens.")] = 64,
    number: RoundOption = None,
    config: ConfigOption = DEFAULT_CONFIG,
) -> None:
    """Print the answer of the federation's model to a prompt."""
    from fednode.global_model.loaded import load_model

    with open_to_read(config) as session:
        units = units_of(session, global_of(session, number)[1])
        model = load_model(session)
        model.set_global(units)
        with told_if_slow("answering"):
            answer = model.generate(session.spec, prompt, max_new_tokens)
        say(*answer.split("\n"))
