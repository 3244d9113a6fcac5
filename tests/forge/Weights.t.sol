// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {IFederationTypes} from "../../interfaces/IFederationTypes.sol";
import {Federation} from "./support/Federation.sol";
import {Random} from "./support/Random.sol";
import {vm} from "./support/Vm.sol";

/// @title What a client weighs, and what one that does nothing, or nothing good, can stop.
contract WeightsTest is Federation {
    uint256 private constant EACH = 100; // stake for an example
    uint256 private constant MOST = 2 ** 20 - 1; // examples that count
    address private constant STRANGER = address(0x57);
    bytes32 private constant SALT = keccak256("salt");

    enum Fault {
        Silent, // reveals nothing
        Absent, // attests nothing
        Naysayer, // vouches for nobody
        Garbage // reveals what nobody vouches for, and vouches for nobody
    }

    IFederationTypes.Config private _c;
    address[] private _clients;
    uint256[] private _weights;

    /// @dev Stake that is added once Train is over buys no weight; what was locked at the last commit does.
    function testFuzz_stake_added_after_the_commit_buys_nothing(uint256 first, uint256 between, uint256 later, uint32 n)
        public
    {
        (first, between, later) = (first % 2 ** 40, between % 2 ** 40, 1 + later % 2 ** 40);
        _start(3, 0);
        address a = _clients[0];
        (uint256 stake, uint32 examples) = (_c.minStake, uint32(1 + n % (2 ** 32 - 1)));
        _add(a, first);
        _commit(1, a, _c.genesisRoot, examples);
        _add(a, between);
        bool again = later % 2 == 0;
        if (again) _commit(1, a, _c.genesisRoot, examples);
        stake += first + (again ? between : 0);
        vm.assertEq(views.commitment(1, a).backed, _least(stake / EACH, MOST), "backed");
        _commit(1, _clients[1], _c.genesisRoot, 1);
        _commit(1, _clients[2], _c.genesisRoot, 1);
        _add(a, later);
        _reveal(1, a, examples);
        vm.assertEq(views.updates(1)[0].weight, _least(_least(stake / EACH, MOST), examples), "weight");
    }

    /// @dev The penalty of a round that is settled between commit and reveal takes weight; stake that makes up for it gives
    /// no more than there was.
    function testFuzz_a_penalty_after_the_commit_lowers_the_weight(uint256 added) public {
        added %= 3 * 250;
        _start(3, 0);
        (address a, address b, address c) = (_clients[0], _clients[1], _clients[2]);
        for (uint256 i = 0; i < 3; ++i) {
            _commit(1, _clients[i], _c.genesisRoot, 10);
        }
        for (uint256 i = 0; i < 3; ++i) {
            _reveal(1, _clients[i], 10);
        }
        _attest(a, 7);
        _attest(c, 7); // b does not
        vm.warp(views.roundView(1).phaseEnd);
        _enrich(STRANGER, _c.bondBase);
        _do(STRANGER, _proposing(1, 0, new bytes32[](_c.leafCount)));
        bytes32 root = views.proposals(1, 1)[0].root;
        for (uint256 i = 0; i < 3; ++i) {
            _commit(2, _clients[i], root, 1_000);
        }
        vm.assertEq(views.commitment(2, b).backed, _c.minStake / EACH, "backed");
        vm.warp(block.timestamp + _c.minWindow);
        _add(b, added);
        _reveal(2, b, 1_000);
        vm.assertEq(views.seat(b).stake, _c.minStake - _c.penalty + added, "the penalty");
        uint256 stake = _least(_c.minStake, _c.minStake - _c.penalty + added);
        vm.assertEq(views.updates(2)[0].weight, stake / EACH, "weight");
    }

    /// @dev One of at most a third of the weight, whatever it does: the round goes on, with two clients as with six.
    function testFuzz_a_third_of_the_weight_stops_nothing(uint256 seed) public {
        uint256 count = Random.between(seed, 2, 6);
        uint256 others = _start(count, seed);
        if (_weights[0] > others / 2) _weights[0] = others / 2;
        _plays(Fault((seed >> 16) % 4), seed);
        vm.assertTrue(_phase(1) == IFederationTypes.Phase.Aggregate, "the round was stopped");
    }

    /// @dev A bit more than a third stops it, as before: rewards return to the pool.
    function testFuzz_more_than_a_third_of_the_weight_is_needed(uint256 seed) public {
        uint256 others = _start(Random.between(seed, 2, 6), seed);
        _weights[0] = others / 2 + 1;
        Fault fault = Fault((seed >> 16) % 4);
        _plays(fault, seed);
        vm.assertTrue(_phase(1) == IFederationTypes.Phase.Void, "a round without two thirds");
        IFederationTypes.VoidReason reason = IFederationTypes.VoidReason.TooFewAccepted;
        if (fault == Fault.Silent) reason = IFederationTypes.VoidReason.TooFewReveals;
        vm.assertTrue(views.roundView(1).voidReason == reason, "the reason");
    }

    /// @dev Client 0 does as `fault` says, all others what they should. Stakes carry exactly the weights.
    function _plays(Fault fault, uint256 seed) private {
        for (uint256 i = 0; i < _clients.length; ++i) {
            _add(_clients[i], _weights[i] * EACH - _c.minStake);
            _commit(1, _clients[i], _c.genesisRoot, uint32(_weights[i]));
        }
        uint256 first = fault == Fault.Silent ? 1 : 0;
        for (uint256 i = first; i < _clients.length; ++i) {
            _reveal(1, _clients[i], uint32(_weights[i]));
        }
        if (_phase(1) == IFederationTypes.Phase.Reveal) vm.warp(views.roundView(1).phaseEnd);
        if (_phase(1) == IFederationTypes.Phase.Void) return;
        uint256 all = (1 << views.roundView(1).revealed) - 1;
        bool isGarbage = fault == Fault.Garbage || (fault == Fault.Naysayer && seed % 2 == 0);
        for (uint256 i = 1; i < _clients.length; ++i) {
            _attest(_clients[i], isGarbage ? all - 1 : all);
        }
        if (fault == Fault.Naysayer || fault == Fault.Garbage) _attest(_clients[0], 0);
        if (_phase(1) == IFederationTypes.Phase.Attest) vm.warp(views.roundView(1).phaseEnd);
    }

    /// @dev `count` clients with the least stake; weights for them, which that carries, and their sum but for the first's.
    function _start(uint256 count, uint256 seed) private returns (uint256 others) {
        _c = _config();
        (_c.stakePerExample, _c.minStake, _c.penalty) = (EACH, 1_000, 250);
        (_c.maxClients, _c.minClients) = (uint16(count), uint16(count));
        _deploy(_c, _randomTree(7, _c, 4));
        _c = coordinator.config();
        _enrich(SPONSOR, 2 ** 100);
        _do(SPONSOR, abi.encodeCall(coordinator.fund, (3 * _c.roundReward)));
        for (uint256 i = 0; i < count; ++i) {
            _clients.push(_account(i));
            _enrich(_clients[i], 2 ** 100);
            _do(_clients[i], abi.encodeCall(coordinator.join, (_c.minStake)));
            _weights.push(Random.between(Random.next(seed, i), 20, 1_000)); // the least stake carries 10
            if (i > 0) others += _weights[i];
        }
    }

    function _add(address client, uint256 amount) private {
        if (amount > 0) _do(client, abi.encodeCall(coordinator.addStake, (amount)));
    }

    function _commit(uint256 round, address client, bytes32 prior, uint32 examples) private {
        bytes32 root = keccak256(abi.encode(client));
        bytes32 hash = _commitHash(round, client, prior, root, 3, examples, SALT);
        _do(client, abi.encodeCall(coordinator.commit, (round, prior, hash)));
    }

    function _reveal(uint256 round, address client, uint32 examples) private {
        bytes memory call =
            abi.encodeCall(coordinator.reveal, (round, keccak256(abi.encode(client)), 3, examples, SALT, 2, 1));
        _do(client, call);
    }

    function _attest(address client, uint256 bitmap) private {
        _do(client, abi.encodeCall(coordinator.attest, (1, views.roundView(1).inputsHash, bitmap)));
    }

    function _phase(uint256 round) private view returns (IFederationTypes.Phase) {
        return views.roundView(round).phase;
    }

    function _least(uint256 a, uint256 b) private pure returns (uint256) {
        return a < b ? a : b;
    }
}
