"""The whole federation: seats, and the calls of a round. `docs/protocol.md` is the same in words."""

from __future__ import annotations

from collections.abc import Sequence

from fedprotocol.hashes import commit_hash, inputs_genesis, inputs_step
from fedprotocol.masks.limits import max_weight
from fedprotocol.reference import errors
from fedprotocol.reference.seats import Seats
from fedprotocol.reference.state import CASES_PER_WINDOW, Commit, Draft, Round, Submission
from fedprotocol.reference.transaction import call
from fedprotocol.tree import PAGE_LEAVES, page_root
from fedprotocol.tree import root as tree_root
from fedprotocol.types import MAX_WEIGHT, ZERO, Phase, Proposal, VoidReason


class Federation(Seats):
    """One federation. Every call takes the sender's address first, returns the events it emits and raises an error of
    `fedprotocol.reference.errors` if the contract would revert. Move `now` between calls; never back.

    `allowed` takes the place of the membership gate (None means that the gate does not answer). `parts` is what the
    rule would say: how many leaves of a global belong to each leaf of an update.
    """

    # ------------------------------------------------------------------ rounds

    @call
    def open(self, sender: str) -> None:  # noqa: ARG002
        self._open()

    @call
    def commit(self, sender: str, round_number: int, prior_root: bytes, hash_: bytes) -> None:
        if hash_ == ZERO:
            raise errors.ZeroHash
        if prior_root == ZERO:
            raise errors.ZeroRoot
        if round_number == self.next_round:
            self._open()
        known = self._require_phase(round_number, Phase.TRAIN)
        account = self.accounts.get(sender)
        if account is None or not account.active_in(round_number):
            raise errors.NotActive(sender, round_number)
        if known is not None and prior_root != known:
            raise errors.WrongPrior(prior_root, known)
        r = self.rounds[round_number]
        if sender not in r.commits:
            account.pending.append(round_number)
            account.last_commit = round_number
        r.commits[sender] = Commit(hash_, prior_root, self._backed(account.stake))
        if len(r.commits) == r.active:
            r.train_end = self.now
        self._emit("Committed", round=round_number, client=sender, prior_root=prior_root, hash=hash_)

    @call
    def reveal(
        self,
        sender: str,
        round_number: int,
        root: bytes,
        shift: int,
        examples: int,
        salt: bytes,
        loss_before: int = 0,
        loss_after: int = 0,
    ) -> None:
        prior = self._require_phase(round_number, Phase.REVEAL)
        assert prior is not None  # noqa: S101 - Reveal starts with it
        r = self.rounds[round_number]
        if sender not in r.commits:
            raise errors.NoCommit(sender, round_number)
        if r.commits[sender].prior_root != prior:
            raise errors.WrongPrior(r.commits[sender].prior_root, prior)
        if r.index_of(sender) is not None:
            raise errors.AlreadyRevealed(sender, round_number)
        given = commit_hash(self.chain_id, self.address, round_number, sender, prior, root, shift, examples, salt)
        if given != r.commits[sender].hash and not self.config.is_masked:
            raise errors.CommitMismatch(given, r.commits[sender].hash)
        if root == ZERO:
            raise errors.ZeroRoot
        if shift > self.config.max_shift:
            raise errors.ShiftTooLarge(shift)
        most = max_weight(self.config.max_clients) if self.config.is_masked else examples
        if examples > most:
            raise errors.TooManyExamples(examples, most)
        # Stake that was added after the commit, when others' weights could be seen, buys no weight.
        weight = min(examples, r.commits[sender].backed, self._backed(self.accounts[sender].stake))
        if weight == 0:
            raise errors.ZeroWeight
        if self.config.is_masked and weight != examples:
            raise errors.TooManyExamples(examples, weight)

        index = len(r.updates)
        before = r.inputs_hash if index else inputs_genesis(self.chain_id, self.address, round_number, prior)
        r.inputs_hash = inputs_step(before, index, sender, root, shift, weight)
        r.updates.append(Submission(sender, root, shift, weight, yes=weight))
        if len(r.updates) == r.naming(prior):
            r.reveal_end = self.now
        self._emit(
            "Revealed",
            round=round_number,
            client=sender,
            index=index,
            root=root,
            shift=shift,
            examples=examples,
            weight=weight,
            loss_before=loss_before,
            loss_after=loss_after,
            inputs_hash=r.inputs_hash,
        )

    @call
    def attest(self, sender: str, round_number: int, inputs_hash: bytes, bitmap: int) -> None:
        self._require_phase(round_number, Phase.ATTEST)
        r = self.rounds[round_number]
        own = r.index_of(sender)
        if own is None:
            raise errors.NotRevealed(sender, round_number)
        if r.updates[own].attested:
            raise errors.AlreadyAttested(sender, round_number)
        if inputs_hash != r.inputs_hash:
            raise errors.WrongInputs(inputs_hash, r.inputs_hash)
        if bitmap >> len(r.updates):
            raise errors.BitmapOutOfRange(bitmap, len(r.updates))
        r.updates[own].attested = True
        for index, update in enumerate(r.updates):
            if index != own and bitmap >> index & 1:
                update.yes += r.updates[own].weight
        if all(update.attested for update in r.updates):
            r.attest_end = self.now
        self._emit("Attested", round=round_number, client=sender, bitmap=bitmap)

    @call
    def propose(
        self,
        sender: str,
        round_number: int,
        inputs_hash: bytes,
        accepted_mask: int,
        page: int,
        digests: Sequence[bytes],
    ) -> None:
        self._require_inputs(round_number, inputs_hash, accepted_mask)
        r = self.rounds[round_number]
        draft = r.drafts.setdefault(sender, Draft())
        if draft.complete:
            raise errors.AlreadyProposed(sender, round_number)
        if page not in (0, len(draft.pages)):
            raise errors.WrongPage(page, len(draft.pages))
        left = self.config.leaf_count * self.parts - page * PAGE_LEAVES
        if len(digests) != min(left, PAGE_LEAVES):
            raise errors.WrongPageLength(len(digests), min(left, PAGE_LEAVES))
        draft.pages[page:] = [list(digests)]
        self._emit(
            "ProposalPaged",
            round=round_number,
            proposer=sender,
            page=page,
            page_root=page_root(digests),
            digests=list(digests),
        )
        if left <= PAGE_LEAVES:
            self._complete(sender, round_number, draft)

    @call
    def convict(self, sender: str, round_number: int, root: bytes, challenger: str) -> None:
        if sender != self.config.disputes:
            raise errors.NotDisputes(sender)
        self._require_phase(round_number, Phase.CHALLENGE)
        r = self.rounds[round_number]
        guilty = next((p for p in r.live if p.root == root), None)
        if guilty is None:
            raise errors.NoSuchProposal(round_number, root)
        r.live.remove(guilty)
        r.convicted_at = self.now
        self.convictions[guilty.proposer] += 1
        bounty = guilty.bond // 2
        self._book(bonds=-guilty.bond, burned=guilty.bond - bounty)
        self._credit(challenger, bounty)
        self._emit(
            "Convicted",
            round=round_number,
            proposer=guilty.proposer,
            challenger=challenger,
            root=root,
            bounty=bounty,
        )

    @call
    def impeach(self, sender: str, round_number: int) -> None:
        if sender != self.config.disputes:
            raise errors.NotDisputes(sender)
        if not self.config.is_masked:
            raise errors.NotMasked
        phase = self.status(round_number).phase
        if phase not in (Phase.AGGREGATE, Phase.CHALLENGE):
            raise errors.WrongPhase(round_number, Phase.AGGREGATE, phase)
        self._void(round_number, VoidReason.GARBAGE, self.now)

    @call
    def abandon(self, sender: str, round_number: int) -> None:  # noqa: ARG002
        s = self.status(round_number)
        if s.phase != Phase.AGGREGATE or self.now < s.start + self.config.abandon_after:
            raise errors.NotAbandoned(round_number)
        self._void(round_number, VoidReason.ABANDONED, self.now)

    # --------------------------------------------------------------- the parts

    def _open(self) -> None:
        number = self.next_round
        before = self.status(number - 1).phase
        unsettled = before in (Phase.AGGREGATE, Phase.CHALLENGE)
        if self.closed:
            raise errors.FederationClosed
        if number > 1 and not unsettled and not before.settled:
            raise errors.RoundNotOpenable(number)
        if len(self.finals) - 1 + unsettled >= self.config.total_rounds:
            raise errors.FederationComplete
        active = self.active_count()
        if active < self.config.min_clients:
            raise errors.TooFewActive(active, self.config.min_clients)
        if self._balances.pool < self.config.round_reward:
            raise errors.PoolTooLow(self._balances.pool, self.config.round_reward)
        self._book(pool=-self.config.round_reward, reserved=self.config.round_reward)
        self.rounds[number] = Round(
            opened_at=self.now,
            train_end=self.now + self.config.train_length,
            active=active,
            prior_root=None if unsettled else self.finals[-1][1],
            prior_at=None if unsettled else self.now,
            is_masked=self.config.is_masked,
        )
        self._emit(
            "RoundOpened",
            round=number,
            active=active,
            reserved=self.config.round_reward,
            train_end=self.now + self.config.train_length,
        )

    def _complete(self, sender: str, number: int, draft: Draft) -> None:
        """The last page is in: the proposal's window opens and its bond is taken."""
        r = self.rounds[number]
        root = tree_root([digest for page in draft.pages for digest in page])
        if root in r.proposed:
            raise errors.DuplicateRoot(root)
        bond = self.bond_of(sender)
        self._move(sender, self.address, bond)
        self._book(bonds=bond)
        draft.complete, draft.pages = True, []
        order = len(r.proposed)
        window_end = self.now + self.config.challenge_length + order * self.config.min_window // CASES_PER_WINDOW
        r.proposed.add(root)
        r.live.append(Proposal(sender, root, bond, self.now, window_end))
        self.bond_round[sender] = number
        self._emit("Proposed", round=number, proposer=sender, root=root, bond=bond, window_end=window_end)

    def _backed(self, stake: int) -> int:
        """How many examples a stake carries."""
        return min(stake // self.config.stake_per_example, MAX_WEIGHT)

    def _require_inputs(self, number: int, inputs_hash: bytes, accepted_mask: int) -> None:
        """Check that the round takes proposals, and that they name its inputs."""
        view = self.round_view(number)
        if view.phase not in (Phase.AGGREGATE, Phase.CHALLENGE):
            raise errors.WrongPhase(number, Phase.AGGREGATE, view.phase)
        if inputs_hash != view.inputs_hash:
            raise errors.WrongInputs(inputs_hash, view.inputs_hash)
        if accepted_mask != view.accepted_mask:
            raise errors.WrongAccepted(accepted_mask, view.accepted_mask)

    def _require_phase(self, number: int, expected: Phase) -> bytes | None:
        """The prior root, if it is known."""
        s = self.status(number)
        if s.phase != expected:
            raise errors.WrongPhase(number, expected, s.phase)
        return s.prior_root
