"""The token as real ones are, and its amounts: exact, whatever people and tokens write."""

from __future__ import annotations

from decimal import Decimal

import pytest
from fedprotocol.chain.amounts import UNITS, AmountError, Amounts, in_units
from fedprotocol.chain.endpoint.rpc import connect_web3
from fedprotocol.chain.errors import NotACoordinator
from fedprotocol.chain.read.token import NoToken, Token, _text
from hypothesis import given
from hypothesis import strategies as st
from support.deployed import CHAIN_ID
from support.evm import Anvil
from web3.exceptions import BadFunctionCallOutput

LARGEST = (1 << 128) - 1


@given(units=st.integers(0, LARGEST), decimals=st.integers(0, 36))
def test_what_is_had_is_rounded_down_what_is_needed_up_and_little_is_not_none(units: int, decimals: int) -> None:
    amounts, step = Amounts(decimals, "FED"), 10 ** max(0, decimals - 4)
    had, needed = (written.removesuffix(" FED") for written in (amounts(units), amounts.needed(units)))
    assert 0 <= amounts.units(Decimal(needed)) - units < step
    assert len(needed.partition(".")[2]) <= 4
    if 0 < units < step:
        assert had == "<0.0001"
    else:
        assert 0 <= units - amounts.units(Decimal(had)) < step
        assert had == "0" or amounts.parse(had)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("lots", "'lots' is no amount of whole tokens"),
        ("1,000", "no amount"),
        ("-5", "above zero"),
        ("0", "above zero"),
        ("nan", "above zero"),
        ("inf", "above zero"),
        ("0.0000001", "1E-7 FED: the token has only 6 decimals"),
        ("1e-999999999", "only 6 decimals"),
        ("1." + 5000 * "0" + "1", "only 6 decimals"),
        ("1e999999999", "more than any token has"),
        (str(1 << 128), "more than any token has"),
    ],
)
def test_what_is_no_amount(text: str, said: str) -> None:
    with pytest.raises(AmountError, match=said):
        Amounts(6, "FED").parse(text)


def test_amounts_that_decimals_context_would_round() -> None:
    assert Amounts(18, "FED")(LARGEST) == "340282366920938463463.3746 FED"
    assert in_units(Decimal("340282366920938463463.374607431768211455"), 18) == LARGEST
    assert in_units(Decimal("12e3"), 2) == 1_200_000
    assert in_units(Decimal("0e-9999"), 0) == 0
    assert Amounts(2, "FED")(-50) == "-0.5 FED"
    with pytest.raises(AmountError, match="more than any"):
        in_units(Decimal(LARGEST + 1), 0)
    with pytest.raises(AmountError, match="from zero on"):
        in_units(Decimal("-0.5"), 1)


def test_what_tokens_call_themselves(chain: Anvil, token: Token) -> None:
    web3 = connect_web3(chain.url, CHAIN_ID)
    old, silent = (Token(web3, chain.deploy(name).address) for name in ("OldToken", "SilentToken"))
    assert Amounts.of(token) == Amounts(18, "FED")
    assert Amounts.of(old) == Amounts(6, "OLD")
    assert Amounts.of(silent) is UNITS
    nobody = chain.accounts[0]
    for one in (token, old, silent):
        one.require(nobody)
    with pytest.raises(NoToken, match="is no ERC-20 token"):
        Token(web3, chain.deploy("FedAvg").address).require(nobody)
    with pytest.raises(NoToken, match="there is no contract at the token's address"):
        Token(web3, nobody).require(nobody)


def test_symbols_that_are_no_text(chain: Anvil, token: Token) -> None:
    assert _text(b"MKR".ljust(32, b"\0")) == "MKR"
    for nonsense in (b"", b"\1", bytes(31) + b"\x20" + b"\xff" * 32):
        with pytest.raises(BadFunctionCallOutput):
            _text(nonsense)
    rude = chain.deploy("RudeToken")
    chain.do(rude.functions.call(b"\xff"))
    shown = Token(token.contract.w3, rude.address)
    with pytest.raises(NotACoordinator, match="no UTF-8 text"):
        shown.symbol()
    assert Amounts.of(shown) == Amounts(18, "tokens")
    chain.do(rude.functions.call(b""))
    assert Amounts.of(shown) == Amounts(18, "tokens")
