"""Two sites whose rows are conversations, in the base model's own chat template, on a real chain."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from fedprotocol.types import Phase
from support.chat_templates import CHATML
from support.evm import Anvil
from support.sites import Prepared, Sites
from support.tiny_model import build_tiny_model, colour_rows, write_jsonl


def talks(count: int, seed: int) -> list[Any]:
    """Conversations of two questions, and rows of one without a conversation around it."""
    rows = colour_rows(2 * count, seed)
    made: list[Any] = []
    for first, second in zip(rows[::2], rows[1::2], strict=True):
        turns = [("system", "Name its colour.")]
        for row in (first, second):
            turns += [("user", row["prompt"]), ("assistant", row["completion"].strip())]
        made.append({"messages": [{"role": role, "content": content} for role, content in turns]})
        made.append({"prompt": first["prompt"], "completion": first["completion"].strip()})
    return made


@pytest.mark.model
def test_a_round_is_trained_on_every_answer_and_scored(tmp_path: Path) -> None:
    model = build_tiny_model(tmp_path / "model")
    CHATML.tokenizer().save_pretrained(model)
    prompt, evaluation = {"template": "chat", "turns": "every"}, {"classes": ("red", "green", "blue", "white")}
    with Anvil("--block-time", "1", "--mixed-mining") as chain:
        prepared = Prepared.on(model, prompt=prompt, evaluation=evaluation)
        sites = Sites(chain, tmp_path, 2, prepared=prepared, trainLength=120)
        for seed, site in enumerate(sites.sites):
            write_jsonl(site.folder / "train.jsonl", talks(30, seed))
            write_jsonl(site.folder / "test.jsonl", talks(6, 9))
        try:
            for site in sites.sites:
                site.command("join")
                site.run()
            sites.wait(lambda: sites.coordinator.round_view(1).phase is Phase.FINAL, 120.0, "round 1")
            assert sites.coordinator.round_view(1).revealed == 2
            [site, _] = sites.sites
            assert "90 usable rows" in site.command("data", "check").stdout, (
                "30 conversations of two answers, and 30 rows"
            )
            metrics = site.home / "metrics" / "rounds.jsonl"
            sites.wait(lambda: metrics.exists() and len(site.metrics("rounds.jsonl")) > 1, 60.0, "its scores")
            before, after, *_ = site.metrics("rounds.jsonl")
            assert after["recomputed"] and after["items"] == before["items"] == 18
            assert after["loss"] < before["loss"]
        finally:
            sites.stop()
