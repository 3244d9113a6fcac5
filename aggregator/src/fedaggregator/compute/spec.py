"""Fetches the federation's document, which the contract names, from a store."""

from __future__ import annotations

from fedprotocol.chain.read.coordinator import Coordinator
from fedprotocol.spec import MAX_SPEC_BYTES, Spec, SpecMismatch, check_against, load_spec, spec_digest
from fedprotocol.store.base import NotFound, Store

from fedaggregator.compute.inputs import rule_of
from fedaggregator.rules import rule_of_spec


def spec_of(coordinator: Coordinator, store: Store) -> Spec:
    """The document with the digest that the contract has. Its numbers and its rule are compared with the contract's.

    Raises:
        NotFound, Malformed, Unavailable: the store does not have it, or does not work.
        SpecError, SpecMismatch: it is no spec, or it does not agree with the contract.
        RuleError: this version does not have the federation's rule.
        ChainError: the chain does not answer.
    """
    config = coordinator.config()
    try:
        data = store.get_block(config.spec_digest, MAX_SPEC_BYTES)
    except NotFound as error:
        raise NotFound(
            f"{error}. It is the federation's spec: name the store of its publisher in [store] peers, or get "
            "spec.json and genesis.car from the sponsor and run `fednode spec publish FOLDER --store` with your own"
        ) from error
    spec = load_spec(data)
    check_against(spec, spec_digest(data), config)
    own, theirs = rule_of_spec(spec), rule_of(coordinator)
    if own.name != theirs.name:
        raise SpecMismatch(f"the spec is of the rule {spec.rule}, the contract's is {theirs.name}")
    if own.parameters != theirs.parameters:
        raise SpecMismatch(
            f"the spec's masking has the scale and the bound {own.parameters}, the contract's rule {theirs.parameters}"
        )
    return spec
