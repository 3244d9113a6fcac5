"""What the model's page says of how rows become text."""

from __future__ import annotations

from typing import Any

import pytest
from fedexplorer.views import ALL, SPEC
from fedexplorer.views.spec import SpecPage
from fedexplorer.web.pages import Pages
from fedprotocol.spec import load_spec
from support.specs import small_spec

DIGEST = "0x" + 64 * "a"


@pytest.mark.parametrize(
    ("prompt", "says"),
    [
        ({"template": "Thing: {prompt}\nColour:", "join": " "}, "Thing: {prompt}\nColour:"),
        ({"template": "chat", "chat_template": DIGEST, "turns": "last"}, "of which the last answer is learned"),
        ({"template": "chat", "chat_template": DIGEST, "turns": "every"}, "of which every answer is learned"),
    ],
)
def test_a_template_and_a_chat_template(prompt: dict[str, Any], says: str) -> None:
    document = small_spec(prompt=prompt)
    spec = load_spec(document)
    page = SpecPage(
        digest=bytes(32),
        cid="bafk",
        fetch=None,
        text=document.decode(),
        spec=spec,
        rule="fedavg",
        rule_says="",
        genesis_root=bytes(32),
        leaf_count=1,
        leaf_values=1,
        mantissa_bits=8,
        is_masked=False,
        max_shift=8,
        largest_change=1.0,
        server_lr=1.0,
        tensors=(),
    )
    html = Pages(ALL)._render("spec.html", None, "/spec", page=page, view=SPEC, parameters={})
    task = html.split("<h2>Task</h2>")[1].split("</section>")[0]
    assert says in task
    assert (DIGEST in task) == spec.prompt.is_chat
