"""Where one attack takes place: a federation of its own, honest programs in it, and books on everybody."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar

from fedlab.demo.supervisor import Supervisor
from fednode.base_model.quiet_libraries import quiet
from fedprotocol.chain.read.events import Event, scan
from fedprotocol.store.open import open_store
from fedprotocol.types import Phase
from support.aggregators import AggregatorSite
from support.evm import Anvil
from support.live_federation import TOKEN, LiveFederation
from support.sites import Prepared, Sites, choices
from support.synthetic import SyntheticClient

from attacks.actors import Actor
from attacks.balances import Books, Party
from attacks.clock import Clock
from attacks.daemons import Daemon
from attacks.fedavg import Observer
from attacks.judge import Account
from attacks.masked_federation import CHOICES, Gate, name_peers, terms
from attacks.masked_hand import MaskedHand
from attacks.skip_time import next_deadline

Kept = TypeVar("Kept")
POLL = 0.2  # seconds
PATIENCE = 300.0  # seconds; other work on the machine makes programs start in minutes
WATCHTOWER_TOKENS = 0
CONTRACT = {
    "trainLength": 600,
    "revealLength": 120,
    "attestLength": 60,
    "challengeLength": 3600,
    "minWindow": 30,
    "abandonAfter": 7200,
}
NODE = {"propose_after": 5, "challenge_after": 0, "attest_margin": 5, "claim": True}
NODE_TABLES: dict[str, dict[str, Any]] = {"data": {"test": None}}  # nobody reads scores here


class Stage:
    """What the rows of one run share: the chain, a folder, and base models and specs, which take seconds to make."""

    def __init__(self, chain: Anvil, folder: Path) -> None:
        self.chain = chain
        self.folder = folder
        self.model = folder / "model"
        self._prepared: dict[str, Prepared] = {}
        shutil.rmtree(self.model, ignore_errors=True)  # half a model of an interrupted run

    def prepared(self, spec: dict[str, Any]) -> Prepared:
        key = repr(sorted(spec.items()))
        if key not in self._prepared:
            quiet()
            self._prepared[key] = Prepared.on(self.model, **spec)
        return self._prepared[key]


class Arena:
    """`with Arena(stage, name) as arena: arena.open()`; no program outlives the `with`."""

    federation: LiveFederation
    gate: Gate  # of a masked federation

    def __init__(self, stage: Stage, name: str) -> None:
        self.stage = stage
        self.chain = stage.chain
        self.folder = stage.folder / name
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        self.clock = Clock(self.chain)
        self.nodes: list[Daemon] = []
        self.aggregators: list[Daemon] = []
        self.watchtowers: list[Daemon] = []
        self._supervisor = Supervisor(self.folder / "logs")
        self._hands: list[Actor | SyntheticClient] = []
        self._kept = ExitStack()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._supervisor.stop_all()
        for hand in self._hands:
            hand.close()
        self._kept.close()

    def keep(self, context: AbstractContextManager[Kept]) -> Kept:
        """Enter it now and leave it when all programs are stopped."""
        return self._kept.enter_context(context)

    # ------------------------------------------------------------------ set-up

    def open(
        self,
        nodes: int = 2,
        aggregators: int = 1,
        watchtowers: int = 0,
        *,
        rounds: int = 2,
        spec: dict[str, Any] | None = None,
        node: dict[str, Any] | None = None,
        seated: bool = True,
        stake: int | None = None,
        asked_first: Sequence[str] = (),
        masked: bool = False,
        confirmations: int = 0,
        **contract: Any,
    ) -> None:
        """Deploy a federation and set up its honest programs. Nothing is started yet.

        Args:
            nodes: sites with a tiny real model. With 0 of them no model is needed and the row is quick to start.
            rounds: final ones that the federation lasts.
            seated: whether the nodes take their seats; `stake`: with how much, by default the smallest.
            asked_first: URLs of peers that the nodes' stores ask before all others.
            masked: whether updates are masked. Then nodes name each other as peers, of whom two must take part.
            confirmations: blocks that nodes want on top of what they act upon.
            spec: choices of the spec (`support.sites.choices`), `node`: the nodes' [node] table, `contract`: fields of
                the contract's Config in their Solidity spelling; also `mock`, the name of another token's contract,
                and `pool`, what the sponsor puts in (token units).
        """
        settings = {**CONTRACT, "totalRounds": rounds, **contract}
        self.public = self.folder / "clients/store"  # where all synthetic clients publish
        operators = [f"aggregator-{i}" for i in range(aggregators)] + [f"watchtower-{i}" for i in range(watchtowers)]
        stores = [self.public, *(self.folder / name / "store" for name in operators)]
        if nodes:
            tables = {**NODE_TABLES, "node": {**NODE, **(node or {})}, "chain": {"confirmations": confirmations}}
            training = choices().training.model_copy(update={"rounds": rounds})
            prepared = self.stage.prepared({"training": training, **(CHOICES if masked else {}), **(spec or {})})
            if prepared.spec.spec.masking is not None:
                self.gate = Gate(self.chain)
                settings = {**settings, **terms(self.chain, self.gate, prepared.spec.spec.masking)}
            sites = Sites(
                self.chain,
                self.folder,
                nodes,
                tables,
                prepared=prepared,
                peers=stores,
                asked_first=asked_first,
                **settings,
            )
            self.federation = sites.federation
            self.nodes = [Daemon.node(self._supervisor, f"node-{i}", site) for i, site in enumerate(sites.sites)]
            stores += [self.folder / "sponsor", *(node.store for node in self.nodes)]
        else:
            self.federation = LiveFederation(self.chain, **settings)
            open_store(f"dir:{self.public}", self.folder / "cache").put(self.federation.genesis)
        self.coordinator = self.federation.coordinator
        self.genesis = sites.spec.genesis if nodes else self.federation.genesis
        self.spec = sites.spec.spec if nodes else None
        own = f"dir:{self.folder / 'observer/store'}"
        everybody = open_store(own, self.folder / "observer/cache", [f"dir:{store}" for store in stores])
        self.observer = Observer(self.coordinator, everybody)
        self.books = Books(self.chain, self.coordinator)
        self._first_block = self.chain.web3.eth.block_number
        self._enter("sponsor", True, self.coordinator.config().sponsor)
        if masked:
            self.gate.admit(*(node.address for node in self.nodes))
            for node in self.nodes:
                self.know(node)
        for site, daemon in zip(sites.sites if nodes else (), self.nodes, strict=True):
            self._enter(daemon.name, True, daemon.address)
            hand = self._hand(daemon.name, site.account)
            if seated:
                hand.join(stake)
        self.aggregators = [self._operator(f"aggregator-{i}", "run", stores) for i in range(aggregators)]
        self.watchtowers = [self._operator(f"watchtower-{i}", "watch", stores) for i in range(watchtowers)]

    def start(self, *daemons: Daemon) -> None:
        """Start these programs, by default all of them; from now on the chain mines by the second."""
        self.clock.every_second()
        for daemon in daemons or (*self.nodes, *self.aggregators, *self.watchtowers):
            daemon.start()

    def know(self, node: Daemon, changed_in: Sequence[int] = ()) -> None:
        """A node of a masked federation names all other nodes as peers, from its next start on. `changed_in`: rounds
        whose members its operator agrees to."""
        others = [other.address for other in self.nodes if other is not node]
        name_peers(node.folder / "fednode.toml", others, 2, changed_in)

    def _operator(self, name: str, command: str, stores: list[Path]) -> Daemon:
        tokens = 10_000 * TOKEN if command == "run" else WATCHTOWER_TOKENS
        peers = [store for store in stores if store != self.folder / name / "store"]
        site = AggregatorSite(self.federation, self.folder / name, peers, tokens)
        self._enter(name, True, site.address)
        return Daemon.aggregator(self._supervisor, name, site, command)

    # ----------------------------------------------------------------- parties

    def actor(self, name: str, honest: bool = False, tokens: int = 10_000 * TOKEN) -> Actor:
        """A funded account that the row acts for. Accounts of one name are one party: they collude."""
        account = self.federation.new_account(tokens)
        self._enter(name, honest, account.address)
        return self._hand(name, account)

    def actors(self, name: str, count: int, honest: bool = False, tokens: int = 10_000 * TOKEN) -> list[Actor]:
        """`count` accounts of one party."""
        return [self.actor(name, honest, tokens) for _ in range(count)]

    def client(self, name: str, honest: bool, examples: int = 64) -> SyntheticClient:
        """A client without a model that the row steps through a round; it has taken its seat."""
        home = self.folder / "clients" / f"{name}-{len(self._hands)}"
        home.mkdir(parents=True)
        client = SyntheticClient(self.federation, home, len(self._hands), examples, self.public)
        self._hands.append(client)
        self._enter(name, honest, client.address)
        if self.coordinator.config().is_masked:
            self.gate.admit(client.address)
        client.join()
        return client

    def hand(self, name: str, honest: bool, examples: int = 64) -> MaskedHand:
        """The same in a masked federation."""
        return MaskedHand(self.client(name, honest, examples))

    def party(self, name: str) -> Party:
        return next(party for party in self.books.parties if party.name == name)

    def _enter(self, name: str, honest: bool, address: str) -> None:
        self.books.enter(self.books.party(name, honest), address)

    def _hand(self, name: str, account: Any) -> Actor:
        folder = self.folder / "hands"
        folder.mkdir(exist_ok=True)
        actor = Actor(self.coordinator, account, folder / f"{name}-{len(self._hands)}.sqlite")
        self._hands.append(actor)
        return actor

    # ----------------------------------------------------------------- waiting

    def play(self, what: str, reached: Callable[[], bool], seconds: float = PATIENCE) -> None:
        """Until `reached`; while all honest programs only wait for a deadline, the chain's time jumps there."""
        self._until(what, reached, seconds, jumps=True)

    def wait(self, what: str, reached: Callable[[], bool], seconds: float = PATIENCE) -> None:
        """Until `reached`, by the clock on the wall."""
        self._until(what, reached, seconds, jumps=False)

    def reach(self, round_number: int, *phases: Phase, seconds: float = PATIENCE) -> None:
        """`play` until the round is in one of `phases`."""
        names = " or ".join(phase.name.lower() for phase in phases)
        self.play(f"round {round_number} in {names}", lambda: self.phase(round_number) in phases, seconds)

    def _until(self, what: str, reached: Callable[[], bool], seconds: float, jumps: bool) -> None:
        deadline = time.monotonic() + seconds
        while not reached():
            self._supervisor.check()
            assert time.monotonic() < deadline, f"{what}: not after {seconds:.0f} s"
            target = self._next_deadline() if jumps else None
            if target is not None:
                self.clock.jump(target)
            time.sleep(POLL)
        self.clock.flush()

    def _next_deadline(self) -> int | None:
        acting = [node.address for node in self.nodes if node.is_acting]
        return next_deadline(self.coordinator, acting, lambda number: self.observer.right(number).root)

    # --------------------------------------------------------------- the chain

    def phase(self, round_number: int) -> Phase:
        return self.coordinator.round_view(round_number).phase

    def events(self, name: str, round_number: int | None = None) -> list[Event]:
        """Of this row's coordinator, oldest first."""
        found = scan(self.coordinator, self._first_block, self.chain.web3.eth.block_number, (name,))
        return [e for e in found if round_number is None or e.args["round"] == round_number]

    def live(self, round_number: int) -> list[bytes]:
        """Roots of the live proposals, oldest first."""
        return [proposal.root for proposal in self.coordinator.proposals(round_number)]

    def name_of(self, address: str) -> str:
        """Of the party with this address."""
        return next(party.name for party in self.books.parties if address in party.addresses)

    # ----------------------------------------------------------------- the end

    def conclude(self, goes_on: bool) -> list[Account]:
        """Play until a later round is final, check what must hold after every attack, and take stock.

        Raises AssertionError: a final global is not FedAvg of its accepted updates, the coordinator's money does not
        add up, an honest program failed. Raises ProcessFailed likewise.
        """
        if goes_on:
            target = max(2, self.coordinator.latest_final()[0] + 1)
            self.play("a later round is final", lambda: self.coordinator.latest_final()[0] >= target)
        self._supervisor.check()
        daemons = [*self.nodes, *self.aggregators, *self.watchtowers]
        for daemon in daemons:
            daemon.thaw()
        self._supervisor.stop_all()
        for daemon in daemons:
            for words in ("Traceback (most recent call last)", "error: unexpected"):
                assert words not in daemon.output, f"{daemon.name} met an unexpected error"
        self.clock.at_once()
        for number in range(1, self.coordinator.last_opened() + 1):
            view = self.coordinator.round_view(number)
            if view.phase is Phase.FINAL:
                is_right = view.global_root == self.observer.right(number).root
                assert is_right, f"A WRONG GLOBAL IS FINAL in round {number}: 0x{view.global_root.hex()}"
        accounts = self.books.close()
        self.books.check_balance()
        return accounts
