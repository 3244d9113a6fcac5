// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {IFederationCoordinator} from "../../interfaces/IFederationCoordinator.sol";
import {Ledger} from "./Ledger.sol";

/// @title Clients' part of a round: open, commit, reveal, attest.
abstract contract Rounds is Ledger, IFederationCoordinator {
    uint256 private constant MAX_WEIGHT = (1 << 20) - 1;
    /// @dev Of all masked updates together: sums stay far inside 32 bits, and noise does not.
    uint256 private constant MASKED_WEIGHT = 1 << 15;

    /// @dev A revealed update on its way into the log.
    struct Revelation {
        bytes32 root;
        bytes32 inputsHash;
        uint8 shift;
        uint32 examples;
        uint32 weight;
        uint16 index;
        uint64 lossBefore;
        uint64 lossAfter;
    }

    function open() external nonReentrant settled {
        _open();
    }

    function commit(uint256 round, bytes32 priorRoot, bytes32 hash) external nonReentrant settled {
        if (hash == 0) revert ZeroHash();
        if (priorRoot == 0) revert ZeroRoot();
        if (round == _nextRound()) _open();
        bytes32 known = _requirePhase(round, Phase.Train).priorRoot;
        Seat storage s = _seats[msg.sender];
        if (s.activeFrom == 0 || s.activeFrom > round || s.activeUntil <= round) revert NotActive(msg.sender, round);
        if (_isMasked() && !_isSigned()) revert UnsignedCommit(msg.sender);
        if (known != 0 && priorRoot != known) revert WrongPrior(priorRoot, known);

        Round storage r = _rounds[round];
        Entry storage entry = r.entries[msg.sender];
        if (entry.hash == 0) _enterRound(round, r, s);
        else _unname(r.named[entry.priorRoot], entry.backed);
        entry.hash = hash;
        entry.priorRoot = priorRoot;
        entry.backed = _backed(s.stake);
        Naming storage naming = r.named[priorRoot];
        ++naming.commits;
        naming.backed += entry.backed;
        emit Committed(round, msg.sender, priorRoot, hash);
        if (r.committed == r.active) r.trainEnd = _now();
    }

    function reveal(
        uint256 round,
        bytes32 root,
        uint8 shift,
        uint32 examples,
        bytes32 salt,
        uint64 lossBefore,
        uint64 lossAfter
    ) external nonReentrant settled {
        bytes32 priorRoot = _requirePhase(round, Phase.Reveal).priorRoot;
        Entry storage entry = _rounds[round].entries[msg.sender];
        if (entry.hash == 0) revert NoCommit(msg.sender, round);
        if (entry.priorRoot != priorRoot) revert WrongPrior(entry.priorRoot, priorRoot);
        if (entry.position != 0) revert AlreadyRevealed(msg.sender, round);
        bytes32 hash = keccak256(
            abi.encode(block.chainid, address(this), round, msg.sender, priorRoot, root, shift, examples, salt)
        );
        bool isMasked = _isMasked();
        if (!isMasked && hash != entry.hash) revert CommitMismatch(hash, entry.hash);
        if (root == 0) revert ZeroRoot();
        if (shift > _config.maxShift) revert ShiftTooLarge(shift);
        uint256 most = isMasked ? MASKED_WEIGHT / _config.maxClients : type(uint32).max;
        if (examples > most) revert TooManyExamples(examples, most);
        _record(round, entry, Revelation(root, 0, shift, examples, 0, 0, lossBefore, lossAfter));
    }

    function attest(uint256 round, bytes32 inputsHash, uint256 bitmap) external nonReentrant settled {
        _requirePhase(round, Phase.Attest);
        Round storage r = _rounds[round];
        uint256 position = r.entries[msg.sender].position;
        if (position == 0) revert NotRevealed(msg.sender, round);
        uint256 own = 1 << (position - 1);
        if (r.attestedMask & own != 0) revert AlreadyAttested(msg.sender, round);
        if (inputsHash != r.inputsHash) revert WrongInputs(inputsHash, r.inputsHash);
        uint256 count = r.revealed;
        if (bitmap >> count != 0) revert BitmapOutOfRange(bitmap, count); // a shift by 256 gives 0

        r.attestedMask |= own;
        uint32 weight = r.weights[position - 1];
        uint256 others = bitmap & ~own;
        for (uint256 i = 0; i < count; ++i) {
            if ((others >> i) & 1 == 1) r.yes[i] += weight;
        }
        emit Attested(round, msg.sender, bitmap);
        if (++r.attested == count) r.attestEnd = _now();
    }

    function _open() private {
        uint32 number = _nextRound();
        Phase before = _status(number - 1).phase; // None before round 1
        bool unsettled = before == Phase.Aggregate || before == Phase.Challenge;
        if (_closed) revert FederationClosed();
        if (number > 1 && !unsettled && before < Phase.Final) revert RoundNotOpenable(number);
        if (_finalCount + (unsettled ? 1 : 0) >= _config.totalRounds) revert FederationComplete();
        if (_activeCount < _config.minClients) revert TooFewActive(_activeCount, _config.minClients);
        uint256 reward = _config.roundReward;
        if (_balances.pool < reward) revert PoolTooLow(_balances.pool, reward);

        _lastOpened = number;
        _balances.pool -= reward;
        _balances.reserved += reward;
        Round storage r = _rounds[number];
        r.openedAt = _now();
        r.trainEnd = _now() + _config.trainLength;
        r.active = _activeCount;
        if (!unsettled) {
            r.priorAt = _now();
            r.priorRoot = _latestRoot;
        }
        emit RoundOpened(number, r.active, reward, r.trainEnd);
    }

    /// @dev A client's first commit in a round.
    function _enterRound(uint256 round, Round storage r, Seat storage s) private {
        ++r.committed;
        s.lastCommit = uint32(round);
        if (s.pendingOld == 0) s.pendingOld = uint32(round);
        else s.pendingNew = uint32(round);
        if (r.priorAt != 0) return;
        Round storage before = _rounds[round - 1];
        uint256 position = before.entries[msg.sender].position;
        if (position != 0) r.committerWeight += before.weights[position - 1];
    }

    function _record(uint256 round, Entry storage entry, Revelation memory v) private {
        Round storage r = _rounds[round];
        // Stake added since the commit, when others' weights could be seen, buys no weight.
        v.weight = _least(v.examples, entry.backed, _backed(_seats[msg.sender].stake));
        if (v.weight == 0) revert ZeroWeight();
        // The weight is inside a masked update already.
        if (v.weight != v.examples && _isMasked()) revert TooManyExamples(v.examples, v.weight);
        v.index = r.revealed;
        bytes32 before = v.index == 0
            ? keccak256(abi.encode(block.chainid, address(this), round, entry.priorRoot))
            : r.inputsHash;
        v.inputsHash = keccak256(abi.encode(before, uint256(v.index), msg.sender, v.root, v.shift, uint256(v.weight)));
        r.inputsHash = v.inputsHash;
        r.weights[v.index] = v.weight;
        r.yes[v.index] = v.weight;
        r.totalWeight += v.weight;
        r.submissions.push(Submission(msg.sender, v.shift, v.root));
        r.revealedBacking += entry.backed;
        entry.position = v.index + 1;
        _log(round, v);
        if (++r.revealed == r.named[r.priorRoot].commits) r.revealEnd = _now();
    }

    /// @dev Whether the caller's own transaction makes this very call. An account whose code is another's (EIP-7702) may
    /// have signed for something else.
    function _isSigned() private view returns (bool) {
        return msg.sender == tx.origin && msg.sender.code.length == 0;
    }

    function _unname(Naming storage naming, uint32 backed) private {
        --naming.commits;
        naming.backed -= backed;
    }

    /// @dev Examples that a stake carries.
    function _backed(uint256 stake) private view returns (uint32) {
        uint256 backed = stake / _config.stakePerExample;
        return uint32(backed < MAX_WEIGHT ? backed : MAX_WEIGHT);
    }

    function _least(uint32 a, uint32 b, uint32 c) private pure returns (uint32 least) {
        least = a < b ? a : b;
        if (c < least) least = c;
    }

    function _log(uint256 round, Revelation memory v) private {
        emit Revealed(
            round,
            msg.sender,
            v.index,
            v.root,
            v.shift,
            v.examples,
            v.weight,
            v.lossBefore,
            v.lossAfter,
            v.inputsHash
        );
    }
}
