"""A coverage-guided fuzzer (atheris, libFuzzer) on every parser that reads bytes of others: see docs/fuzzing.md."""
