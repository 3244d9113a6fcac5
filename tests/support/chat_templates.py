"""Chat templates as base models have them, in short, and tokenizers with their control tokens."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from support.tiny_model import tiny_tokenizer


@dataclass(frozen=True)
class Chat:
    """`control`: the tokens that the template writes; the last one is the tokenizer's end of text. `start`: its start
    of text."""

    template: str
    control: tuple[str, ...]
    start: str | None = None

    def tokenizer(self) -> Any:
        """A tiny tokenizer with this template. Its vocabulary is 448 tokens, like that of the tiny model."""
        return with_template(self.template, self.control, self.start)


def with_template(template: str | None, control: tuple[str, ...], start: str | None = None) -> Any:
    from transformers import PreTrainedTokenizerFast

    added = [*control, *([start] if start is not None else [])]
    backend = tiny_tokenizer(vocabulary=448 - len(added)).backend_tokenizer
    backend.add_special_tokens(added)
    roles = {"eos_token": control[-1], **({} if start is None else {"bos_token": start})}
    return PreTrainedTokenizerFast(tokenizer_object=backend, chat_template=template, **roles)


CHATML = Chat(
    "{% if messages[0]['role'] != 'system' %}{{ '<|im_start|>system\\nYou are kind.<|im_end|>\\n' }}{% endif %}"
    "{% for message in messages %}"
    "{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + '\\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}",
    ("<|im_start|>", "<|im_end|>"),
)
"""As SmolLM's and Qwen 2.5's, with a system message of its own."""

LLAMA3 = Chat(
    "{{- bos_token }}{%- if strftime_now is defined %}{%- set today = strftime_now('%d %b %Y') %}{%- else %}"
    "{%- set today = '26 Jul 2024' %}{%- endif %}"
    "{%- if messages[0]['role'] == 'system' %}{%- set system = messages[0]['content'] | trim %}"
    "{%- set messages = messages[1:] %}{%- else %}{%- set system = '' %}{%- endif %}"
    "{{- '<|head|>system<|/head|>\\n\\nToday: ' + today + '\\n\\n' + system + '<|eot|>' }}"
    "{%- for message in messages %}"
    "{{- '<|head|>' + message['role'] + '<|/head|>\\n\\n' + message['content'] | trim + '<|eot|>' }}{%- endfor %}"
    "{%- if add_generation_prompt %}{{- '<|head|>assistant<|/head|>\\n\\n' }}{%- endif %}",
    ("<|head|>", "<|/head|>", "<|eot|>"),
    "<|begin|>",
)
"""As Llama 3's, with a start of text and the date."""

LLAMA2 = Chat(
    "{% if messages[0]['role'] == 'system' %}"
    "{% set system = '<<SYS>>\\n' + messages[0]['content'] + '\\n<</SYS>>\\n\\n' %}"
    "{% set messages = messages[1:] %}{% else %}{% set system = '' %}{% endif %}"
    "{% for message in messages %}{% if message['role'] == 'user' %}"
    "{{ bos_token + '[INST] ' + (system if loop.first else '') + message['content'].strip() + ' [/INST]' }}"
    "{% else %}{{ ' ' + message['content'].strip() + ' ' + eos_token }}{% endif %}{% endfor %}",
    ("</s>",),
    "<s>",
)
"""As Llama 2's, whose answers stand between spaces."""

GEMMA = Chat(
    "{{ bos_token }}{% if messages[0]['role'] == 'system' %}"
    "{{ raise_exception('System role not supported') }}{% endif %}"
    "{% for message in messages %}{% set role = 'model' if message['role'] == 'assistant' else message['role'] %}"
    "{{ '<start_of_turn>' + role + '\\n' + message['content'] | trim + '<end_of_turn>\\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<start_of_turn>model\\n' }}{% endif %}",
    ("<start_of_turn>", "<end_of_turn>", "<eos>"),
    "<bos>",
)
"""As Gemma's: no system message, another name of the assistant, and turns that do not end with the end of text."""

QWEN3 = Chat(
    "{%- for message in messages %}{{- '<|im_start|>' + message.role + '\\n' }}"
    "{%- if message.role == 'assistant' and loop.last %}{{- '<think>\\n\\n</think>\\n\\n' }}{%- endif %}"
    "{{- message.content + '<|im_end|>\\n' }}{%- endfor %}"
    "{%- if add_generation_prompt %}{{- '<|im_start|>assistant\\n' }}{%- endif %}",
    ("<|im_start|>", "<|im_end|>"),
)
"""As Qwen 3's: before the last answer it says that nothing was thought."""

USABLE = {"ChatML": CHATML, "Llama 3": LLAMA3, "Llama 2": LLAMA2, "Gemma": GEMMA, "Qwen 3": QWEN3}

PUT_TOGETHER = Chat(
    "{% for message in messages %}{{ '<|' + message['role'] + '|>\\n' + message['content'] + '<|end|>\\n' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|assistant|>\\n' }}{% endif %}",
    ("<|system|>", "<|user|>", "<|assistant|>", "<|end|>"),
)
"""As Phi 3's, which makes the names of its control tokens of the roles."""

THINKS = Chat(
    "{% for message in messages %}{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>\\n' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n<think>\\n' }}{% endif %}",
    ("<|im_start|>", "<|im_end|>"),
)
"""An answer begins with a thought that no answer in the data has."""

TODAY = Chat(
    "{{ strftime_now('%Y-%m-%d') }}" + CHATML.template,
    CHATML.control,
)
"""It cannot do without the date."""
