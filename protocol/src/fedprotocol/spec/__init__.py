"""The federation's document: everything that must be the same at every site and is not money or time.

One JSON document, published as a raw block; the contract holds the sha2-256 of its bytes. It is read strictly, without
unknown fields, conversions or defaults, so that a document means the same to every version that accepts it. (Only
`prompt.join`, `prompt.chat_template`, `prompt.turns`, `training.rate_ratio_b`, `training.look_ahead`, `privacy` and
`masking`, which came later, may be absent, and that has one meaning too.)
"""

from fedprotocol.spec.agreement import ContractTerms, SpecMismatch, check_against
from fedprotocol.spec.demands import Bounds, Privacy
from fedprotocol.spec.document import FIELDS_IN_ORDER, SERVER_LR_ONE, Decisions, Spec
from fedprotocol.spec.layout import Layout, Tensor
from fedprotocol.spec.prompt import BLANKS, CHAT, Prompt
from fedprotocol.spec.training import Evaluation, Lora, Quantization, Training
from fedprotocol.spec.written import MAX_SPEC_BYTES, SpecError, dump_spec, load_spec, spec_digest

__all__ = [
    "BLANKS",
    "CHAT",
    "FIELDS_IN_ORDER",
    "MAX_SPEC_BYTES",
    "SERVER_LR_ONE",
    "Bounds",
    "ContractTerms",
    "Decisions",
    "Evaluation",
    "Layout",
    "Lora",
    "Privacy",
    "Prompt",
    "Quantization",
    "Spec",
    "SpecError",
    "SpecMismatch",
    "Tensor",
    "Training",
    "check_against",
    "dump_spec",
    "load_spec",
    "spec_digest",
]
