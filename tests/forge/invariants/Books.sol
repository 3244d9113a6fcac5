// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {IFederationTypes} from "../../../interfaces/IFederationTypes.sol";
import {Clerk} from "../support/Clerk.sol";
import {vm} from "../support/Vm.sol";
import {Watch} from "./Watch.sol";

/// @title What must hold after every call, and at the end of every history.
/// @dev What these functions change is forgotten when the check is over.
abstract contract Books is Watch {
    uint256 private constant OFTEN = 5; // moves from one end that is tried to the next

    Clerk private immutable _clerk = new Clerk();

    /// @notice All invariants.
    function check() external {
        _isBalanced();
        _isDue();
        _settleEverybody();
        _isBalanced();
        _addsUp();
        uint256 last = views.lastOpened();
        for (uint256 n = _oldest(); n <= last; ++n) {
            _isQueued(n);
            if (_phase(n) == IFederationTypes.Phase.Challenge) _rightStandsAndWrongFalls(n);
        }
        if (moves % OFTEN == 0) windDown();
    }

    /// @notice From any state: every phase ends, all can leave with what is theirs, and what was burned stays.
    function windDown() public {
        _warp(block.timestamp + 100_000);
        _book();
        uint256 last = views.lastOpened();
        for (uint256 n = _oldest(); n <= last; ++n) {
            _ends(n);
        }
        _book();
        _settleEverybody();
        for (uint256 i = 0; i < everybody.length; ++i) {
            _leave(everybody[i]);
        }
        _do(SPONSOR, abi.encodeCall(coordinator.close, ()));
        vm.assertEq(views.balances().bonds, 0, "bonds that nobody can collect");
        for (uint256 i = 0; i < everybody.length; ++i) {
            if (views.owed(everybody[i]) > 0) _do(everybody[i], abi.encodeCall(coordinator.claim, ()));
        }
        IFederationTypes.Balances memory b = views.balances();
        vm.assertEq(b.stakes + b.bonds + b.owed + b.reserved + b.pool, 0, "money is stuck");
        vm.assertEq(b.burned, config.penalty * totalFaults + burnedBonds, "what was burned");
        vm.assertEq(token.balanceOf(address(coordinator)), b.burned + donated, "what stays behind");
    }

    /// @notice A history: one line for every kind of call, its name, how often it was done and refused, the most gas.
    function report(string calldata path) external {
        vm.writeLine(path, "#");
        for (uint256 i = 0; i < kinds.length; ++i) {
            Tally storage t = tallies[kinds[i]];
            string memory figures =
                string.concat(vm.toString(t.done), ";", vm.toString(t.refused), ";", vm.toString(t.mostGas));
            vm.writeLine(path, string.concat(kinds[i], ";", figures));
        }
        uint256 voided = views.lastOpened() - views.finalCount();
        vm.writeLine(path, string.concat("= final rounds;", vm.toString(views.finalCount()), ";0;0"));
        vm.writeLine(path, string.concat("= void or unsettled rounds;", vm.toString(voided), ";0;0"));
        vm.writeLine(path, string.concat("= penalties;", vm.toString(totalFaults), ";0;0"));
    }

    function _isBalanced() private view {
        IFederationTypes.Balances memory b = views.balances();
        uint256 sum = b.stakes + b.bonds + b.owed + b.reserved + b.pool + b.burned;
        vm.assertEq(token.balanceOf(address(coordinator)), sum + donated, "the balance equation");
    }

    /// @dev What is bound in no live proposal of an unsettled round is due to somebody, who has but to be settled.
    function _isDue() private {
        _do(STRANGER, abi.encodeCall(coordinator.settle, (STRANGER)));
        uint256 left = views.balances().bonds;
        (, uint256[] memory bonds) = _bonds();
        Clerk.Account[] memory accounts = _clerk.read(views, everybody);
        for (uint256 i = 0; i < bonds.length; ++i) {
            left -= bonds[i] + accounts[i].bondDue;
        }
        vm.assertEq(left, 0, "bonds that are due to nobody");
    }

    /// @dev Each part of the equation is the sum of what single accounts, proposals and rounds have in it. Nobody has
    /// less than they came with, but for what they gave, what their own faults cost, and bonds of their own wrong
    /// proposals; and who is honest has none of these.
    function _addsUp() private view {
        IFederationTypes.Balances memory b = views.balances();
        (uint256 unsettled, uint256[] memory bonds) = _bonds();
        Clerk.Account[] memory accounts = _clerk.read(views, everybody);
        for (uint256 i = 0; i < everybody.length; ++i) {
            (address a, Clerk.Account memory has) = (everybody[i], accounts[i]);
            b.stakes -= has.stake;
            b.owed -= has.owed;
            b.bonds -= bonds[i];
            vm.assertEq(has.bondDue, 0, "a bond that is due to one who is settled");
            uint256 lost = config.penalty * faults[a] + lostBonds[a];
            vm.assertGe(token.balanceOf(a) + has.stake + has.owed + bonds[i] + gave[a] + lost, MINTED, "somebody lost");
            if (i < honest) vm.assertEq(lost, config.penalty * outvoted[a], "somebody honest lost");
        }
        vm.assertEq(b.stakes, 0, "stakes");
        vm.assertEq(b.owed, 0, "owed");
        vm.assertEq(b.bonds, 0, "bonds");
        vm.assertEq(b.reserved, unsettled * config.roundReward, "reserved");
        vm.assertEq(b.burned, config.penalty * totalFaults + burnedBonds, "burned");
    }

    /// @dev The right proposal, once made, is live; a stranger can convict every other one, now or at the last
    /// second of the oldest one's window.
    function _rightStandsAndWrongFalls(uint256 round) private {
        bytes32 right = _rightRoot(round);
        bool stands;
        IFederationTypes.Proposal[] memory live = views.proposals(round, ALL);
        for (uint256 i = 0; i < live.length; ++i) {
            stands = stands || live[i].root == right;
        }
        vm.assertTrue(stands || heard[right].length == 0, "the right proposal is gone");
        if (live.length % 2 == 0) vm.warp(views.roundView(round).phaseEnd - 1);
        if (_phase(round) != IFederationTypes.Phase.Challenge) return; // two thirds agreed earlier
        _convictAll(round);
        live = views.proposals(round, ALL);
        for (uint256 i = 0; i < live.length; ++i) {
            vm.assertEq(live[i].root, right, "a wrong proposal stands");
        }
    }

    /// @dev Time alone has settled the round, or it lacks a proposal and anybody may give it up.
    function _ends(uint256 round) private {
        IFederationTypes.Phase phase = _phase(round);
        if (phase >= IFederationTypes.Phase.Final) return;
        vm.assertTrue(phase == IFederationTypes.Phase.Aggregate, "a phase that does not end");
        _do(STRANGER, abi.encodeCall(coordinator.abandon, (round)));
        vm.assertTrue(_phase(round) == IFederationTypes.Phase.Void, "abandoned");
    }

    function _leave(address account) private {
        IFederationTypes.Seat memory s = views.seat(account);
        if (s.activeFrom == 0) return;
        if (!s.exited) _do(account, abi.encodeCall(coordinator.exit, ()));
        _do(account, abi.encodeCall(coordinator.withdraw, ()));
    }

    function _settleEverybody() private {
        _clerk.settle(coordinator, everybody);
    }

    /// @return unsettled How many rounds are.
    /// @return bonds In live proposals of these, by whose they are.
    function _bonds() private view returns (uint256 unsettled, uint256[] memory bonds) {
        bonds = new uint256[](everybody.length);
        uint256 last = views.lastOpened();
        for (uint256 n = _oldest(); n <= last; ++n) {
            if (_phase(n) >= IFederationTypes.Phase.Final) continue;
            ++unsettled;
            IFederationTypes.Proposal[] memory live = views.proposals(n, ALL);
            for (uint256 i = 0; i < live.length; ++i) {
                for (uint256 j = 0; j < bonds.length; ++j) {
                    if (live[i].proposer == everybody[j]) bonds[j] += live[i].bond;
                }
            }
        }
    }
}
