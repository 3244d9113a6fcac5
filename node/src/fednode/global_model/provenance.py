"""Where an exported model comes from, and what its model card says about that."""

from __future__ import annotations

import json
from dataclasses import dataclass

from fedprotocol import tree
from fedprotocol.spec import Prompt, Spec

from fednode.evaluation.in_words import loss_and_accuracy
from fednode.markdown import block, code, plain


@dataclass(frozen=True)
class Score:
    """How a global scored on the test data of the site that exports it; `accuracy` between 0 and 1, if the spec names
    classes."""

    loss: float
    accuracy: float | None


@dataclass(frozen=True)
class Provenance:
    """What the model card says about a global; digests are 32 raw bytes. `score` and `licence` (a name that the hub
    knows, such as apache-2.0) are left out where they are not known."""

    round: int
    root: bytes
    spec_digest: bytes
    chain_id: int
    contract: str
    score: Score | None = None
    licence: str | None = None


@dataclass(frozen=True)
class Form:
    """A form in which the model is written, in the words of its card.

    `library`: that of the hub which loads it; `relation`: how it relates to the base model, in the hub's words;
    `what`: the sentence's beginning, before the base model's name; `use`: the code that loads it, in Markdown;
    `remarks`: sentences about this form alone.
    """

    library: str
    relation: str
    tags: tuple[str, ...]
    what: str
    use: str
    remarks: str = ""


def card(spec: Spec, provenance: Provenance, form: Form) -> str:
    """The model card, README.md, with the metadata that the hub reads."""
    base = spec.base_model
    quoted = json.dumps(base.id, ensure_ascii=False)  # as YAML and as Python
    revision = f" at revision {code(base.revision)}" if base.revision else ""
    licence = f"license: {json.dumps(provenance.licence)}\n" if provenance.licence else ""
    tags = "\n".join(f"- {tag}" for tag in (*form.tags, "federated-learning"))
    remarks = f"\n{form.remarks}\n" if form.remarks else ""
    return f"""---
base_model: {quoted}
base_model_relation: {form.relation}
library_name: {form.library}
pipeline_tag: text-generation
{licence}tags:
{tags}
---

# {plain(spec.name)}, round {provenance.round}

{form.what} {code(base.id)}{revision}, trained by a federation whose sites kept their data. It is the global
adapter after round {provenance.round}, the weighted mean of integer updates; anyone with the updates can recompute it,
byte for byte.
{remarks}
| | |
|---|---|
{_facts(spec, provenance)}

## Use

{_around_a_prompt(spec.prompt)}

{form.use}

## Verify

The contract on the chain names the root of the global adapter and the digest of the spec. Whoever has the federation's
invitation, or its coordinator's address and a node of the chain, can check both:

{_checks(provenance.round)}
"""


def _around_a_prompt(prompt: Prompt) -> str:
    if prompt.is_chat:
        return (
            "It was trained on conversations in the base model's own chat template "
            f"(sha-256 `{prompt.chat_template}`), so ask it with `tokenizer.apply_chat_template`."
        )
    how = _how_it_goes_on(prompt)
    return (
        f"The prompt template is part of the adapter; {how} ends with the tokenizer's end of text:\n\n"
        f"{block(prompt.before_answer)}"
    )


def summary(spec: Spec, provenance: Provenance) -> str:
    """One line for formats that have room for no more."""
    return (
        f"{spec.name}, round {provenance.round}: global adapter {tree.cid(provenance.root)}, "
        f"spec {tree.raw_cid(provenance.spec_digest)}, coordinator {provenance.contract} on chain {provenance.chain_id}"
    )


def _facts(spec: Spec, provenance: Provenance) -> str:
    facts = {
        "global adapter": f"`{tree.cid(provenance.root)}`",
        "spec": f"`{tree.raw_cid(provenance.spec_digest)}`",
        "coordinator": f"`{provenance.contract}` on chain {provenance.chain_id}",
        "base model's weights": f"sha-256 `{spec.base_model.digest}`, before quantisation",
        "held while training as": spec.quantization.kind,
        "LoRA": f"r {spec.lora.r}, alpha {spec.lora.alpha}, on {', '.join(map(plain, spec.lora.target_modules))}",
    }
    if (score := provenance.score) is not None:
        facts["score on the test data of one site"] = loss_and_accuracy(score.loss, score.accuracy)
    return "\n".join(f"| {name} | {fact} |" for name, fact in facts.items())


def _checks(number: int) -> str:
    export = f"fednode export --round {number} --out again     # the same adapter_model.safetensors, byte for byte"
    if not number:
        return f"```\n{export}\n```"
    return f"""```
fednode audit {number} --out audit-{number}             # computes the mean again from the accepted updates
{export}
```"""


def _how_it_goes_on(prompt: Prompt) -> str:
    if prompt.answer_after_space:
        return "the answer follows it after a space (generate from the template without that space) and"
    return "the answer follows it directly and"
