// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {EnumerableSet} from "@openzeppelin/contracts/utils/structs/EnumerableSet.sol";
import {Clock} from "./Clock.sol";

/// @title Settlement: what time has decided becomes storage and money.
/// @dev Invariant: token balance == stakes + bonds + owed + reserved + pool + burned.
abstract contract Ledger is Clock, ReentrancyGuardTransient {
    using EnumerableSet for EnumerableSet.AddressSet;
    using SafeERC20 for IERC20;

    /// @dev Every state-changing call starts here: what time has decided, then what it means for the caller.
    modifier settled() {
        _settleRounds();
        _settleAccount(msg.sender);
        _;
    }

    // ------------------------------------------------------------------ rounds

    /// @dev At most the last two rounds are unsettled.
    function _settleRounds() private {
        uint256 last = _lastOpened;
        if (last > 1) _settleRound(last - 1);
        if (last > 0) _settleRound(last);
    }

    function _settleRound(uint256 number) private {
        Round storage r = _rounds[number];
        if (r.settledAt != 0) return;
        Status memory s = _status(number);
        if (r.acceptedMask != s.acceptedMask) r.acceptedMask = s.acceptedMask;
        if (s.phase == Phase.Final) _finalize(number, r, s.start);
        if (s.phase == Phase.Void) _void(number, s.voidReason, s.start);
    }

    function _finalize(uint256 number, Round storage r, uint256 at) private {
        Listed storage winner = _oldest(r);
        bytes32 root = winner.root;
        r.settledAt = uint64(at);
        ++_finalCount;
        _previousFinal = _latestFinal;
        _latestFinal = uint32(number);
        _latestRoot = root;
        if (_lastOpened > number) {
            _rounds[number + 1].priorRoot = root;
            _rounds[number + 1].priorAt = uint64(at);
        }
        _pay(number, r, winner.proposer, root, at);
        _returnBond(number, winner);
    }

    function _pay(uint256 number, Round storage r, address aggregator, bytes32 root, uint256 at) private {
        uint256 reward = _config.roundReward;
        uint256 forAggregator = reward * _config.aggregatorBps / 10_000;
        uint256 forClients = _shares(r, reward - forAggregator);
        uint256 returned = reward - forAggregator - forClients;
        _balances.reserved -= reward;
        _balances.pool += returned;
        _balances.owed += forAggregator + forClients;
        _owed[aggregator] += forAggregator;
        emit RoundFinalized(number, aggregator, root, uint64(at), forAggregator, forClients, returned);
    }

    function _returnBond(uint256 number, Listed storage p) private {
        (address proposer, uint256 bond) = (p.proposer, p.bond);
        _balances.bonds -= bond;
        _credit(proposer, bond);
        emit BondReturned(number, proposer, bond);
    }

    /// @dev A round that is void takes the one that waits for its root with it.
    function _void(uint256 number, VoidReason reason, uint256 at) internal {
        Round storage r = _rounds[number];
        uint256 reward = _config.roundReward;
        r.settledAt = uint64(at);
        r.voidReason = reason;
        _balances.reserved -= reward;
        _balances.pool += reward;
        emit RoundVoided(number, reason, uint64(at), reward);
        if (_lastOpened > number) _void(number + 1, VoidReason.PriorVoid, at);
    }

    /// @dev Sum of all clients' shares of `pot`.
    function _shares(Round storage r, uint256 pot) private view returns (uint256 sum) {
        uint256 mask = r.acceptedMask & r.attestedMask;
        uint256 count = r.revealed;
        for (uint256 i = 0; i < count; ++i) {
            if ((mask >> i) & 1 == 1) sum += pot * r.weights[i] / r.totalWeight;
        }
    }

    // ---------------------------------------------------------------- accounts

    /// @dev Rounds settle in order, so the newer of two pending ones never comes before the older.
    function _settleAccount(address account) internal {
        Seat storage seat_ = _seats[account];
        while (seat_.pendingOld != 0 && _rounds[seat_.pendingOld].settledAt != 0) {
            _apply(account, seat_, seat_.pendingOld);
            seat_.pendingOld = seat_.pendingNew;
            seat_.pendingNew = 0;
        }
        _collectBond(account);
    }

    /// @dev The bond of a proposal that was neither convicted nor the winner. Any number may be live, so each proposer's
    /// own call returns it; the winner's comes back with the settlement.
    function _collectBond(address proposer) private {
        uint256 number = _bondRound[proposer];
        Round storage r = _rounds[number];
        if (number == 0 || r.settledAt == 0) return;
        delete _bondRound[proposer];
        uint256 id = r.drafts[proposer].id;
        if (!_hasWon(r, id) && r.listed[id].proposer != address(0)) _returnBond(number, r.listed[id]);
    }

    /// @dev What a settled round means for one that committed in it.
    function _apply(address account, Seat storage seat_, uint256 number) private {
        Round storage r = _rounds[number];
        (bool isAtFault, PenaltyReason why) = _fault(r, account);
        if (isAtFault) return _penalize(account, seat_, number, why);
        if (r.voidReason != VoidReason.None) return;
        uint256 index = r.entries[account].position - 1;
        if ((r.acceptedMask >> index) & 1 == 0) return;

        uint256 reward = _config.roundReward;
        uint256 pot = reward - reward * _config.aggregatorBps / 10_000;
        uint256 share = pot * r.weights[index] / r.totalWeight;
        _owed[account] += share; // counted in `owed` since the round was settled
        emit Rewarded(number, account, share);
    }

    function _penalize(address account, Seat storage seat_, uint256 number, PenaltyReason reason) private {
        uint256 amount = _config.penalty;
        seat_.stake -= amount;
        _balances.stakes -= amount;
        _balances.burned += amount;
        emit Penalized(number, account, amount, reason);
        if (!seat_.exited && _costsSeat(_rounds[number], reason)) {
            _unseat(account, seat_);
            seat_.activeUntil = uint32(number) + 1; // a round may be open already, and it must not commit there
            emit Dropped(account, msg.sender, seat_.activeUntil);
            return;
        }
        if (seat_.activeUntil == SEATED && seat_.stake < _config.minStake) {
            seat_.activeUntil = _nextRound();
            --_activeCount;
            emit Suspended(account, seat_.activeUntil, seat_.stake);
        }
    }

    function _unseat(address client, Seat storage s) internal {
        if (s.activeUntil == SEATED) {
            s.activeUntil = _nextRound();
            --_activeCount;
        }
        s.exited = true;
        _seated.remove(client);
    }

    function _nextRound() internal view returns (uint32) {
        return _lastOpened + 1;
    }

    // ------------------------------------------------------------------- money

    /// @dev New money owed to `account`.
    function _credit(address account, uint256 amount) internal {
        _owed[account] += amount;
        _balances.owed += amount;
    }

    /// @dev Take tokens from the caller: last in a call, after all effects. The caller's call is `nonReentrant`.
    function _pull(uint256 amount) internal {
        IERC20 token = _config.token;
        uint256 before = token.balanceOf(address(this));
        token.safeTransferFrom(msg.sender, address(this), amount);
        uint256 received = token.balanceOf(address(this)) - before;
        if (received != amount) revert TransferMismatch(received, amount);
    }

    /// @dev Give tokens to the caller: last in a call, after all effects. What a fee takes from the receiver is between
    /// him and the token; a fee on top would be paid with what others own.
    function _push(uint256 amount) internal {
        IERC20 token = _config.token;
        uint256 before = token.balanceOf(address(this));
        token.safeTransfer(msg.sender, amount);
        uint256 sent = before - token.balanceOf(address(this));
        if (sent != amount) revert TransferMismatch(sent, amount);
    }
}
