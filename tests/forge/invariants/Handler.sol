// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {IDisputes} from "../../../interfaces/IDisputes.sol";
import {IFederationTypes} from "../../../interfaces/IFederationTypes.sol";
import {Case} from "../support/Case.sol";
import {Forgery} from "../support/Forgery.sol";
import {LeafTree} from "../support/LeafTree.sol";
import {Random} from "../support/Random.sol";
import {vm} from "../support/Vm.sol";
import {Books} from "./Books.sol";
import {Watch} from "./Watch.sol";
import {World} from "./World.sol";

/// @title What forge calls, in any order: everything that anybody can do to a federation.
contract Handler is Books {
    uint256 private constant LATE = 250; // moves: what is closed does not go on for long
    uint256 private constant SLEEPER = ACTORS - 1; // has a seat and seldom commits: every history has somebody to drop

    modifier move() {
        _;
        ++moves;
        _book();
        for (uint256 n = _oldest(); n <= views.lastOpened(); ++n) {
            if (!_isFixed(n)) continue;
            bytes32 right = _rightRoot(n);
            if (honest == 0 || _phase(n) != IFederationTypes.Phase.Final) continue;
            vm.assertEq(views.roundView(n).globalRoot, right, "a wrong global is final");
        }
    }

    constructor(string memory contractName, uint256 honest_) World(contractName) Watch(honest_) {
        _try("fund", SPONSOR, abi.encodeCall(coordinator.fund, (20 * config.roundReward)));
        gave[SPONSOR] += 20 * config.roundReward;
        for (uint256 i = 0; i < 4; ++i) {
            _try("join", everybody[i], abi.encodeCall(coordinator.join, (config.minStake + 300)));
        }
        _try("join", everybody[SLEEPER], abi.encodeCall(coordinator.join, (config.minStake + 300)));
    }

    /// @notice What those who may act now would do, most of them at least: brings a history forward.
    function advance(uint256 seed) external move {
        seed = _fresh(seed);
        uint256 last = views.lastOpened();
        for (uint256 n = last > 1 ? last - 1 : last; n <= last; ++n) {
            IFederationTypes.Phase phase = _phase(n);
            if (phase == IFederationTypes.Phase.Reveal) return _most(seed, n, _revealOnce);
            if (phase == IFederationTypes.Phase.Attest) return _most(seed, n, _vouchOnce);
            if (phase == IFederationTypes.Phase.Aggregate && seed % 2 == 0) {
                _proposeRight(_anybody(seed >> 8), n);
                return;
            }
            if (phase == IFederationTypes.Phase.Challenge && seed % 8 == 0) return _convictAll(n);
        }
        _commitMost(seed, last);
    }

    function seat(uint256 seed) external move {
        seed = _fresh(seed);
        address who = _anybody(seed >> 8);
        uint256 kind = seed % 7;
        uint256[4] memory stakes = [config.minStake, config.minStake + 300, config.minStake - 1, 1e6];
        if (kind < 3) _try("join", who, abi.encodeCall(coordinator.join, (stakes[(seed >> 16) % 4])));
        if (kind == 3 || kind == 4) {
            _try("addStake", who, abi.encodeCall(coordinator.addStake, ([uint256(0), 1, 100, 300][(seed >> 16) % 4])));
        }
        if (kind == 5) _try("exit", who, abi.encodeCall(coordinator.exit, ()));
        if (kind == 6) _try("withdraw", who, abi.encodeCall(coordinator.withdraw, ()));
    }

    function money(uint256 seed) external move {
        seed = _fresh(seed);
        address who = everybody[(seed >> 8) % everybody.length];
        uint256 kind = seed % 8;
        if (kind == 0) {
            uint256 amount = [uint256(0), 1, config.roundReward, 1e5][(seed >> 16) % 4];
            if (_try("fund", who, abi.encodeCall(coordinator.fund, (amount)))) gave[who] += amount;
        }
        if (kind == 1) _donate(who, (seed >> 16) % 100);
        if (kind == 2 && moves > LATE) _try("close", SPONSOR, abi.encodeCall(coordinator.close, ()));
        if (kind == 3) _try("close", who == SPONSOR ? STRANGER : who, abi.encodeCall(coordinator.close, ()));
        if (kind == 4 || kind == 5) _try("claim", who, abi.encodeCall(coordinator.claim, ()));
        if (kind > 5) _try("settle", who, abi.encodeCall(coordinator.settle, (_anybody(seed >> 16))));
    }

    /// @notice Any of a client's calls at any time; those that are honest do no wrong.
    function client(uint256 seed) external move {
        seed = _fresh(seed);
        address who = _anybody(seed >> 8);
        uint256 round = _anyRound(seed >> 16);
        uint256 kind = seed % 4;
        if (kind == 0) _try("open", who, abi.encodeCall(coordinator.open, ()));
        if (kind == 1) _commit(who, round, _isHonest(who) ? _honestPrior(round) : _anyPrior(seed, round), seed);
        if (kind == 2) _reveal(who, round);
        if (kind == 3 && _isHonest(who)) _vouch(who, round);
        if (kind == 3 && !_isHonest(who)) _attest(who, round, (seed >> 24) % 128);
    }

    /// @notice A proposal by anybody, right or wrong; of the honest ones, right.
    function propose(uint256 seed) external move {
        seed = _fresh(seed);
        address who = everybody[(seed >> 8) % (ACTORS + LIARS)];
        uint256 round = _fixedRound(seed >> 16);
        if (!_isFixed(round)) {
            _propose("propose, too early", who, round, new bytes32[](config.leafCount * rule.parts()));
        } else if (_isHonest(who) || seed % 3 == 0) {
            _proposeRight(who, round);
        } else {
            _lie(who, round, seed);
        }
    }

    /// @notice Everybody who may still propose lies at once.
    function flood(uint256 seed) external move {
        seed = _fresh(seed);
        uint256 round = _fixedRound(seed >> 16);
        if (!_isFixed(round)) return;
        for (uint256 i = honest; i < ACTORS + LIARS; ++i) {
            if (_isOpen(round)) _lie(everybody[i], round, Random.next(seed, i));
        }
    }

    /// @notice A call from other inputs or another mask than the round's, by somebody who would be right.
    function mistake(uint256 seed) external move {
        seed = _fresh(seed);
        uint256 round = _fixedRound(seed >> 16);
        if (!_isOpen(round)) return;
        (bytes32 inputsHash, uint256 mask,) = coordinator.inputs(round);
        if (seed % 2 == 0) inputsHash = bytes32(seed);
        else mask ^= 1 << (seed >> 8) % 8;
        bytes32[] memory digests = LeafTree.over(globals[_rightRoot(round)]).digests;
        bytes memory call = abi.encodeCall(coordinator.propose, (round, inputsHash, mask, 0, digests));
        vm.assertFalse(_try("propose, other inputs", _anybody(seed >> 32), call), "a proposal from other inputs");
    }

    /// @notice Anybody convicts what is wrong, or tries to once it is too late.
    function convict(uint256 seed) external move {
        seed = _fresh(seed);
        uint256 round = seed % 4 == 0 ? _anyRound(seed >> 16) : _fixedRound(seed >> 16);
        IFederationTypes.Proposal[] memory live = views.proposals(round, ALL);
        address who = everybody[seed % everybody.length];
        if (masked && (seed >> 24) % 2 == 0 && _isOpen(round)) {
            return _impeach(who, _inputs(round), (seed >> 32) % config.leafCount);
        }
        if (live.length == 0) return;
        uint256 i = (seed >> 8) % live.length;
        if (live[i].root == _rightRoot(round)) return;
        if (_phase(round) != IFederationTypes.Phase.Challenge) return _convictTooLate(who, round, live[i].root);
        _convict(who, round, live[i]);
    }

    /// @notice Anybody carries sums at any leaf, from what was reached or not.
    function carry(uint256 seed) external move {
        seed = _fresh(seed);
        uint256 round = _fixedRound(seed >> 16);
        if (!_isFixed(round)) return;
        Case.Inputs memory c = _inputs(round);
        uint256 start = (seed >> 24) % c.updates.length;
        if ((seed >> 32) % 2 == 0) start = 0;
        uint256 stop = Random.between(seed >> 40, start + 1, c.updates.length);
        _carry(everybody[seed % everybody.length], c, (seed >> 8) % config.leafCount, start, stop);
    }

    /// @notice Attacks on the right proposal, if it is there: forged proofs, and convictions by those who may not.
    function slander(uint256 seed) external move {
        seed = _fresh(seed);
        uint256 round = _fixedRound(seed >> 16);
        address who = everybody[(seed >> 8) % everybody.length];
        if (!_isFixed(round)) return;
        bytes32 root = _rightRoot(round);
        if (seed % 4 == 0) {
            bytes memory unproven = abi.encodeCall(coordinator.convict, (round, root, who));
            vm.assertFalse(_try("convict, unproven", who, unproven), "convicted without a proof");
            return;
        }
        Case.Inputs memory c = _inputs(round);
        bytes32[] memory digests = LeafTree.over(globals[root]).digests;
        IDisputes.Proof memory proof = Case.proof(c, digests, (seed >> 24) % digests.length, 0);
        if (seed % 4 < 3) Forgery.lie(proof, c, seed >> 32);
        proof.proposalRoot = root;
        bytes memory call = abi.encodeCall(IDisputes.challenge, (coordinator, proof));
        vm.assertFalse(_try("challenge, forged", who, address(disputes), call), "a correct aggregate was convicted");
    }

    /// @notice A round without a proposal is given up in time; else mostly too early, or one that has a proposal.
    function abandon(uint256 seed) external move {
        seed = _fresh(seed);
        uint256 round = _anyRound(seed >> 16);
        for (uint256 n = _oldest(); n <= views.lastOpened() && seed % 4 > 0; ++n) {
            if (_phase(n) != IFederationTypes.Phase.Aggregate) continue;
            round = n;
            _warp(views.roundView(n).phaseStart + config.abandonAfter);
        }
        _try("abandon", _anybody(seed >> 8), abi.encodeCall(coordinator.abandon, (round)));
    }

    /// @notice One who has been silent for long loses the seat, if there is one; seldom one who has not.
    function drop(uint256 seed) external move {
        seed = _fresh(seed);
        (address[] memory droppable,) = views.silent();
        if (droppable.length == 0 && seed % 4 > 0) return;
        address sleeper = droppable.length == 0 ? _anybody(seed >> 16) : droppable[(seed >> 16) % droppable.length];
        _try("drop", _anybody(seed >> 8), abi.encodeCall(coordinator.drop, (sleeper)));
    }

    /// @notice A second, or up to a moment at which something changes or beside it; seldom for very long.
    function passTime(uint256 seed) external move {
        seed = _fresh(seed);
        uint256 round = _anyRound(seed >> 16);
        IFederationTypes.RoundView memory v = views.roundView(round);
        uint256 moment = v.phaseEnd;
        if (v.phase == IFederationTypes.Phase.Aggregate) moment = v.phaseStart + config.abandonAfter;
        if (v.phase == IFederationTypes.Phase.Challenge && seed % 2 == 0) {
            moment = v.phaseEnd - config.challengeLength + config.minWindow;
        }
        if (moment > 0) moment = moment + 1 - (seed >> 24) % 3;
        if (seed % 4 == 0 || moment <= block.timestamp) moment = block.timestamp + 1 + (seed >> 32) % 7;
        if (seed % 64 == 1) moment = block.timestamp + 10_000;
        _warp(moment);
    }

    // ---------------------------------------------------------------- parts

    function _commitMost(uint256 seed, uint256 last) private {
        IFederationTypes.Phase phase = _phase(last);
        if (phase == IFederationTypes.Phase.Waiting) return;
        uint256 round = phase == IFederationTypes.Phase.Train ? last : last + 1;
        if (views.activeCount() < config.minClients) return _reinforce();
        bytes32 prior = _honestPrior(round);
        for (uint256 i = 0; i < ACTORS; ++i) {
            if (!_joinsIn(seed, i) || promises[round][everybody[i]].examples > 0) continue;
            if (i == SLEEPER) continue;
            IFederationTypes.Seat memory s = views.seat(everybody[i]);
            if (s.activeFrom == 0 || s.activeFrom > round || s.activeUntil <= round) continue;
            _commit(everybody[i], round, prior, Random.next(seed, i));
        }
    }

    /// @dev So that a federation does not die out early.
    function _reinforce() private {
        for (uint256 i = 0; i < ACTORS; ++i) {
            IFederationTypes.Seat memory s = views.seat(everybody[i]);
            if (s.activeFrom == 0) _try("join", everybody[i], abi.encodeCall(coordinator.join, (config.minStake)));
            else if (!s.exited) _try("addStake", everybody[i], abi.encodeCall(coordinator.addStake, (300)));
        }
    }

    function _most(uint256 seed, uint256 round, function(address, uint256) internal act) private {
        for (uint256 i = 0; i < committers[round].length; ++i) {
            if (_joinsIn(seed, i)) act(committers[round][i], round);
        }
    }

    function _revealOnce(address who, uint256 round) private {
        if (!promises[round][who].revealed) _reveal(who, round);
    }

    function _vouchOnce(address who, uint256 round) private {
        if (promises[round][who].revealed && !promises[round][who].attested) _vouch(who, round);
    }

    function _lie(address who, uint256 round, uint256 seed) private {
        Case.Inputs memory c = _inputs(round);
        uint256 kind = (seed >> 24) % 4;
        LeafTree.Tree memory global = LeafTree.over(globals[_rightRoot(round)]);
        uint256 place = (seed >> 32) % global.leaves.length;
        if (kind == 0) global.leaves[place][(seed >> 40) % 128] ^= bytes1(uint8(1 + (seed >> 48) % 255));
        if (kind == 1) global.leaves[place] = c.prior.leaves[place];
        if (kind == 2) {
            c.weights[(seed >> 32) % c.weights.length] *= 2;
            global = Case.right(c);
        }
        if (kind == 3 && honest > 0) {
            global.digests[place] = bytes32(seed); // nobody could go on from it, and somebody sees to it that nobody must
            _propose("propose, wrong", who, round, global.digests);
            return;
        }
        global = LeafTree.over(global.leaves);
        _keep(global);
        _propose(global.root == _rightRoot(round) ? "propose, right" : "propose, wrong", who, round, global.digests);
    }

    function _donate(address who, uint256 amount) private {
        vm.prank(who, who);
        token.transfer(address(coordinator), amount);
        gave[who] += amount;
        donated += amount;
    }

    function _anyPrior(uint256 seed, uint256 round) private returns (bytes32) {
        if ((seed >> 24) % 4 > 0) return _honestPrior(round);
        IFederationTypes.Proposal[] memory live = views.proposals(round > 0 ? round - 1 : 0, ALL);
        return live.length == 0 ? config.genesisRoot : live[(seed >> 32) % live.length].root;
    }

    /// @dev Often one of the two that may be unsettled, else the next one or one long gone.
    function _anyRound(uint256 seed) private view returns (uint256) {
        uint256 last = views.lastOpened();
        uint256 kind = seed % 8;
        if (kind == 0) return last + 1;
        if (kind == 1) return (seed >> 8) % (last + 1);
        return kind < 4 && last > 1 ? last - 1 : last;
    }

    /// @dev Mostly one whose inputs are fixed and which is not settled, if there is one.
    function _fixedRound(uint256 seed) private view returns (uint256) {
        uint256 last = views.lastOpened();
        for (uint256 n = _oldest(); n <= last && seed % 8 > 0; ++n) {
            if (_isFixed(n) && _phase(n) < IFederationTypes.Phase.Final) return n;
        }
        return _anyRound(seed >> 3);
    }

    function _anybody(uint256 seed) private view returns (address) {
        return everybody[seed % ACTORS];
    }

    function _isOpen(uint256 round) private view returns (bool) {
        return _phase(round) == IFederationTypes.Phase.Aggregate || _phase(round) == IFederationTypes.Phase.Challenge;
    }

    function _joinsIn(uint256 seed, uint256 i) private pure returns (bool) {
        return (seed >> (16 + 3 * i)) % 8 != 0;
    }

    function _fresh(uint256 seed) private view returns (uint256) {
        return Random.next(seed, moves);
    }
}
