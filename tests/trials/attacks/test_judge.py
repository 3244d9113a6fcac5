"""The judge convicts what it must: rows in which somebody is really harmed, or really gains, on a real chain."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from fedprotocol.types import Phase
from support.evm import Anvil
from support.synthetic import SyntheticClient, play_inputs
from web3.types import Wei

from attacks.arena import Arena, Stage
from attacks.judge import Account, convictions
from attacks.kept_results import keep, kept
from attacks.row import Row, all_rows
from attacks.run import Result, carry_out
from attacks.table import as_markdown


@pytest.fixture(scope="module")
def stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with Anvil() as chain:
        yield Stage(chain, tmp_path_factory.mktemp("attacks"))


def judged(stage: Stage, run: Callable[[Arena], str], **settings: bool) -> Result:
    return carry_out(
        stage, Row(run.__name__, run.__name__, "A row of the judge's test.", run, goes_on=False, **settings)
    )


def clients(arena: Arena, cheats: int = 0) -> list[SyntheticClient]:
    """Three honest ones, then the cheats; a real aggregator is set up beside them."""
    arena.open(nodes=0, aggregators=1)
    honest = [arena.client(f"client-{i}", True) for i in range(3)]
    return honest + [arena.client("cheat", False) for _ in range(cheats)]


def finish(arena: Arena) -> None:
    """The real aggregator proposes, and the window passes."""
    arena.start()
    arena.reach(1, Phase.FINAL)


def an_honest_round(arena: Arena) -> str:
    play_inputs(clients(arena), 1, arena.federation.genesis.root)
    finish(arena)
    return "nothing"


def test_an_honest_round_is_acquitted_and_all_are_paid_to_the_last_unit(stage: Stage) -> None:
    result = judged(stage, an_honest_round)
    assert result.is_good, (result.error, result.convictions)
    accounts = {account.name: account for account in result.accounts}
    assert accounts["client-0"].due == 30 * 10**18 == accounts["client-0"].change
    assert accounts["aggregator-0"].due == 10 * 10**18 == accounts["aggregator-0"].change
    assert accounts["sponsor"].change == -100 * 10**18 == accounts["sponsor"].due
    assert all(a.gas > 0 and a.ether == a.fees > 0 for a in result.accounts if a.name != "sponsor")


def kept_from_revealing(arena: Arena) -> str:
    """The penalty is real: one of three honest clients is silenced through the whole of Reveal."""
    first, second, victim = clients(arena)
    root = arena.federation.genesis.root
    for client in (first, second, victim):
        client.commit(1, root)
    for client in (first, second):
        client.reveal(1)
    arena.clock.jump(arena.coordinator.round_view(1).phase_end)
    for client in (first, second):
        client.attest(1)
    finish(arena)
    return "client-2 could not reveal"


def test_it_convicts_the_loss_of_an_honest_party(stage: Stage) -> None:
    result = judged(stage, kept_from_revealing)
    assert not result.error
    assert result.convictions == ["honest client-2 was harmed: 100 tokens less than its due"]
    assert not result.is_good and "client-2 was harmed" in as_markdown([result])


def paid_for_nothing(arena: Arena) -> str:
    """The gain is real: a share of the round, for an account whose row declares no honest work."""
    play_inputs(clients(arena, cheats=1), 1, arena.federation.genesis.root)
    finish(arena)
    return "a cheat was paid"


def test_it_convicts_the_gain_of_a_dishonest_party(stage: Stage) -> None:
    result = judged(stage, paid_for_nothing)
    assert not result.error
    assert result.convictions == ["dishonest cheat gained 22.5 tokens that no honest work earned"]


def robbed(arena: Arena) -> str:
    """Somebody moves an honest client's token and ether away."""
    members = clients(arena)
    play_inputs(members, 1, arena.federation.genesis.root)
    finish(arena)
    thief = arena.actor("thief")
    arena.clock.at_once()
    token, victim = arena.federation.token, members[0]
    arena.chain.rpc("anvil_impersonateAccount", victim.address)
    arena.federation.transact(token.functions.transfer(thief.address, 10**18), victim.address)
    sent = arena.chain.web3.eth.send_transaction({"from": victim.address, "to": thief.address, "value": Wei(10**18)})
    arena.chain.web3.eth.wait_for_transaction_receipt(sent)
    return "stolen"


def test_it_convicts_both_sides_of_a_theft(stage: Stage) -> None:
    result = judged(stage, robbed)
    assert not result.error
    assert result.convictions == [
        "honest client-0 was harmed: 1 tokens less than its due",
        f"honest client-0 lost {10**18} wei that were no fees of its own",
        "dishonest thief gained 1 tokens that no honest work earned",
        f"dishonest thief gained {10**18} wei",
    ]


def a_lie_that_nobody_looks_at(arena: Arena) -> str:
    """No program runs: the window of a wrong proposal ends unchallenged."""
    play_inputs(clients(arena), 1, arena.federation.genesis.root)
    liar = arena.actor("liar")
    liar.propose(1, [bytes([i + 1]) * 32 for i in range(arena.coordinator.config().leaf_count)])
    arena.clock.jump(arena.coordinator.round_view(1).phase_end)
    return "the lie became final"


def money_from_nowhere(arena: Arena) -> str:
    """Tokens in the coordinator that it does not answer for."""
    clients(arena)
    giver = arena.actor("giver")
    giver.send(arena.federation.token.functions.transfer(arena.coordinator.address, 1), "a gift")
    return "a gift"


@pytest.mark.parametrize(
    ("run", "why"), [(a_lie_that_nobody_looks_at, "A WRONG GLOBAL IS FINAL"), (money_from_nowhere, "answers for")]
)
def test_wrong_globals_and_sums_are_no_success(stage: Stage, run: Callable[[Arena], str], why: str) -> None:
    result = judged(stage, run)
    assert why in result.error and not result.is_good


def never_happens(arena: Arena) -> str:
    clients(arena)
    raise AssertionError("the lie was refused")


def a_program_dies(arena: Arena) -> str:
    clients(arena)
    [aggregator] = arena.aggregators
    (aggregator.folder / "aggregator.toml").write_text("no TOML")
    arena.start()
    arena.wait("something that never comes", lambda: False, seconds=30)
    return "?"


@pytest.mark.parametrize(("run", "why"), [(never_happens, "the lie was refused"), (a_program_dies, "not valid TOML")])
def test_what_did_not_take_place_is_no_success(stage: Stage, run: Callable[[Arena], str], why: str) -> None:
    result = judged(stage, run)
    assert why in result.error and not result.is_good
    assert result.logs in as_markdown([result])


def account(**changes: object) -> Account:
    values = {"name": "x", "honest": True, "before": 10, "after": 10, "due": 0, "ether": 5, "fees": 5, "gas": 1}
    return Account(**{**values, **changes})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("purse", "guilty"),
    [
        (account(), False),
        (account(after=9), True),
        (account(due=1), True),
        (account(after=11, due=1), False),
        (account(ether=6), True),
        (account(honest=False), False),
        (account(honest=False, after=9), False),
        (account(honest=False, after=11), True),
        (account(honest=False, after=11, due=1), False),
        (account(honest=False, ether=4), True),
    ],
)
def test_every_token_and_every_wei_counts(purse: Account, guilty: bool) -> None:
    assert bool(convictions([purse])) is guilty


def test_every_row_says_what_it_is() -> None:
    rows = all_rows()
    assert len({row.title for row in rows}) == len(rows) and all(row.place > 0 for row in rows)


def test_kept_results_make_the_same_page(tmp_path: Path) -> None:
    first, second = all_rows()[:2]
    results = [
        Result(first, "it | happened", [account(name="a")], "", "logs", 1.5, "2026-01-02", "c0ffee"),
        Result(second, "", [], "it did not", "logs", 2.5, "2026-01-03", "decade"),
    ]
    for result in (replace(results[0], happened="an earlier one"), *results):
        keep(result, tmp_path)
    again = kept(all_rows(), tmp_path)
    assert again == results
    page = as_markdown(again)
    assert page == as_markdown(results)
    assert "2026-01-02 to 2026-01-03" in page and f"at commit `c0ffee`; at `decade`: {second.name}" in page
