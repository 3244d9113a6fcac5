// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {EnumerableSet} from "@openzeppelin/contracts/utils/structs/EnumerableSet.sol";
import {IMembershipGate} from "../../interfaces/IMembershipGate.sol";
import {IFederationCoordinator} from "../../interfaces/IFederationCoordinator.sol";
import {Ledger} from "./Ledger.sol";

/// @title Who takes part, and with what money.
abstract contract Seats is Ledger, IFederationCoordinator {
    using EnumerableSet for EnumerableSet.AddressSet;

    uint256 private constant GATE_GAS = 200_000;

    enum Answer {
        Silence,
        No,
        Yes
    }

    function fund(uint256 amount) external nonReentrant settled {
        _requireOngoing();
        if (amount == 0) revert ZeroAmount();
        _balances.pool += amount;
        emit Funded(msg.sender, amount);
        _pull(amount);
    }

    function close() external nonReentrant settled {
        if (msg.sender != _config.sponsor) revert NotSponsor(msg.sender);
        uint256 free = _balances.pool;
        _closed = true;
        _balances.pool = 0;
        _credit(msg.sender, free);
        emit Closed(free);
    }

    function join(uint256 stake) external nonReentrant settled {
        Seat storage s = _seats[msg.sender];
        if (s.exited) revert WithdrawFirst(msg.sender);
        if (s.activeFrom != 0) revert AlreadySeated(msg.sender);
        _requireOngoing();
        if (stake < _config.minStake) revert StakeTooLow(stake, _config.minStake);
        if (_seated.length() >= _config.maxClients) revert FederationFull(_config.maxClients);
        if (_ask(msg.sender) != Answer.Yes) revert NotAllowed(msg.sender);

        s.stake = stake;
        s.activeFrom = _nextRound();
        s.activeUntil = SEATED;
        _seated.add(msg.sender);
        ++_activeCount;
        _balances.stakes += stake;
        emit Joined(msg.sender, s.activeFrom, stake);
        _pull(stake);
    }

    function addStake(uint256 amount) external nonReentrant settled {
        Seat storage s = _requireSeated(msg.sender);
        if (amount == 0) revert ZeroAmount();
        s.stake += amount;
        _balances.stakes += amount;
        emit StakeAdded(msg.sender, amount, s.stake);
        if (s.activeUntil != SEATED && s.stake >= _config.minStake) {
            // One suspended since the last opening missed no round: its activity goes on unbroken.
            if (s.activeUntil < _nextRound()) s.activeFrom = _nextRound();
            s.activeUntil = SEATED;
            ++_activeCount;
            emit Reactivated(msg.sender, s.activeFrom, s.stake);
        }
        _pull(amount);
    }

    function exit() external nonReentrant settled {
        Seat storage s = _requireSeated(msg.sender);
        _unseat(msg.sender, s);
        emit Exited(msg.sender, s.activeUntil);
    }

    function drop(address client) external nonReentrant settled {
        _settleAccount(client);
        Seat storage s = _requireSeated(client);
        uint32 since = _previousFinal;
        bool isAbsent = since != 0 && s.activeFrom <= since && s.lastCommit < since;
        if (!isAbsent && _ask(client) != Answer.No) revert NotDroppable(client);
        _unseat(client, s);
        emit Dropped(client, msg.sender, s.activeUntil);
    }

    function withdraw() external nonReentrant settled {
        Seat storage s = _seats[msg.sender];
        if (!s.exited) revert NotExited(msg.sender);
        if (s.pendingOld != 0) revert StillPending(msg.sender, s.pendingOld);
        uint256 stake = s.stake;
        delete _seats[msg.sender];
        _balances.stakes -= stake;
        emit Withdrawn(msg.sender, stake);
        _push(stake);
    }

    function claim() external nonReentrant settled {
        uint256 amount = _owed[msg.sender];
        if (amount == 0) revert NothingOwed(msg.sender);
        _owed[msg.sender] = 0;
        _balances.owed -= amount;
        emit Claimed(msg.sender, amount);
        _push(amount);
    }

    function settle(address account) external nonReentrant settled {
        _settleAccount(account);
    }

    function _requireSeated(address account) private view returns (Seat storage s) {
        s = _seats[account];
        if (s.activeFrom == 0 || s.exited) revert NotSeated(account);
    }

    function _requireOngoing() internal view {
        if (_closed) revert FederationClosed();
        if (_finalCount >= _config.totalRounds) revert FederationComplete();
    }

    /// @dev What the gate says of `account`. Silence is no code, a revert, another length, or a word that is no bool; too
    /// little gas for the question reverts, or a caller could make an answer of its lack.
    function _ask(address account) private view returns (Answer) {
        IMembershipGate gate = _config.gate;
        if (address(gate) == address(0)) return Answer.Yes;
        bytes memory question = abi.encodeCall(IMembershipGate.isAllowed, (account));
        if (gasleft() < 2 * GATE_GAS) revert TooLittleGas();
        bool answered;
        uint256 answer;
        assembly ("memory-safe") {
            answered := staticcall(GATE_GAS, gate, add(question, 32), mload(question), 0, 32)
            answered := and(answered, eq(returndatasize(), 32))
            answer := mload(0)
        }
        if (!answered || answer > 1) return Answer.Silence;
        return answer == 1 ? Answer.Yes : Answer.No;
    }
}
