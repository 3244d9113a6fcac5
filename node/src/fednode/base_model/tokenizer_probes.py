"""Texts that different tokenizers turn into different tokens. A spec contains them with the ids that they must become.
Later versions may have other texts, because each spec contains its own.
"""

PROBES = (
    "The quick brown fox jumps over the lazy dog.",
    " a space before,  two between, three   and four    , and one after ",
    "tabs\tand\t\tlines\n\na paragraph\r\nand \n another\n\n\n\n        indented",
    "0 1 12 123 1234 12345 1234567890 3.14159 -1e-9 1,000,000 2026-11-27 7th 50%",
    "I'm, you've, SHE'LL, don't; 'single' “curly” «angles» — dash … (brackets) [x] {y}",
    "CamelCase snake_case kebab-case HTTPServer v2.0-rc1 #tag @name a/b\\c x²y³ ½ ﬁ Å",
    "naïve café Zürich Straße İstanbul ŁÓDŹ and decomposed: cafe\u0301 Zu\u0308rich",
    "Привет, мир! Γειά σου Κόσμε. שלום עולם. مرحبا بالعالم. नमस्ते दुनिया. สวัสดีชาวโลก",
    "你好，世界。こんにちは、世界。안녕하세요 세계",
    "🙂 👍🏽 👩‍👩‍👧‍👦 🇪🇺 ♥️",
    "def f(x: int) -> dict:\n    return {'a': [x ** 2 // 3, not x]}  # ok\n",
    '<p class="a">&amp;</p> https://example.org/a?b=c&d=%20#e someone@example.org $5.00 C:\\x',
    "aaaaaaaaaaaaaaaa !!!!!!!! ======== ........ ---- ____ ****",
    "unforeseeable counterrevolutionary pseudohypoparathyroidism Donaudampfschifffahrt",
    "no-break\u00a0space, thin\u2009space, zero\u200bwidth, mark\ufeff, bell\u0007, delete\u007f, null\u0000.",
    "<s>a</s><unk><pad><bos>b<eos>[CLS]c[SEP][MASK]<|endoftext|>d<|end|><think>e</think>",
    "<|im_start|>user\na<|im_end|>\n<|user|><|system|>b<|eot_id|><|begin_of_text|>c<start_of_turn>d<end_of_turn>",
    "[INST] <<SYS>>a<</SYS>> b [/INST]c<|start_header_id|>d<|end_header_id|><|fim_prefix|>e",
)
