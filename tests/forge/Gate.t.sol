// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {IFederationTypes} from "../../interfaces/IFederationTypes.sol";
import {IMembershipGate} from "../../interfaces/IMembershipGate.sol";
import {Federation} from "./support/Federation.sol";
import {Random} from "./support/Random.sol";
import {vm} from "./support/Vm.sol";

interface IGateMock {
    function setMode(uint8 mode) external;
}

/// @title Who may stay: the gate is asked again, and only its clean no counts.
contract GateTest is Federation {
    uint8 private constant ALLOW = 0;
    uint8 private constant REFUSE = 1;
    uint8 private constant MODES = 8;
    address private constant ANYBODY = address(0xA11);

    IGateMock private _gate;
    address private _client;
    IFederationTypes.Config private _c;

    function _federation(uint256 clients) private {
        _c = _config();
        address gate = vm.deployCode("GateMock.sol:GateMock");
        (_gate, _c.gate) = (IGateMock(gate), IMembershipGate(gate));
        _deploy(_c, _randomTree(1, _c, 4));
        _c = coordinator.config();
        _enrich(SPONSOR, _c.roundReward);
        _do(SPONSOR, abi.encodeCall(coordinator.fund, (_c.roundReward)));
        for (uint256 i = 0; i < clients; ++i) {
            _enrich(_account(i), _c.minStake);
            _do(_account(i), abi.encodeCall(coordinator.join, (_c.minStake)));
        }
        _client = _account(0);
    }

    /// @dev A gate that burns all it gets, or answers with 100,000 bytes, has its 200,000 gas and no more.
    function test_a_gate_takes_no_more_than_its_gas() public {
        _federation(0);
        _enrich(_client, _c.minStake);
        bytes memory join = abi.encodeCall(coordinator.join, (_c.minStake));
        for (uint8 mode = 5; mode <= 6; ++mode) {
            _gate.setMode(mode);
            _refused(_client, address(coordinator), join, IFederationTypes.NotAllowed.selector);
            vm.assertLt(vm.lastCallGas().gasTotalUsed, 300_000, "a refused join");
        }
        _gate.setMode(ALLOW);
        _do(_client, join);
    }

    /// @dev Nothing but a clean no drops a client that takes part; a yes, silence, or gas that is gone does not.
    function test_only_a_clean_no_drops() public {
        _federation(3);
        bytes memory drop = abi.encodeCall(coordinator.drop, (_client));
        for (uint8 mode = 0; mode < MODES; ++mode) {
            if (mode == REFUSE) continue;
            _gate.setMode(mode);
            _refused(ANYBODY, address(coordinator), drop, IFederationTypes.NotDroppable.selector);
        }
        _gate.setMode(REFUSE);
        _do(ANYBODY, drop);
        vm.assertTrue(views.seat(_client).exited, "dropped");
        _refused(ANYBODY, address(coordinator), drop, IFederationTypes.NotSeated.selector);
    }

    /// @dev With whatever gas the question is sent: a client whom the gate admits, or of whom it says nothing, stays.
    function testFuzz_no_lack_of_gas_drops(uint256 gas, uint256 seed) public {
        _federation(3);
        gas = Random.between(gas, 25_000, 900_000);
        uint8 mode = uint8(seed % MODES);
        _gate.setMode(mode);
        vm.prank(ANYBODY, ANYBODY);
        (bool ok,) = address(coordinator).call{gas: gas}(abi.encodeCall(coordinator.drop, (_client)));
        vm.assertTrue(!ok || mode == REFUSE, "dropped without a no");
        vm.assertTrue(views.seat(_client).exited == ok, "half dropped");
    }

    /// @dev Too little gas for the question is refused as such, and neither joins nor drops anybody.
    function testFuzz_too_little_gas_is_said(uint256 gas) public {
        _federation(3);
        _gate.setMode(REFUSE);
        gas = Random.between(gas, 120_000, 390_000); // enough to come to the question
        vm.prank(ANYBODY, ANYBODY);
        (bool ok, bytes memory answer) =
            address(coordinator).call{gas: gas}(abi.encodeCall(coordinator.drop, (_client)));
        vm.assertFalse(ok, "dropped");
        vm.assertEq(bytes32(bytes4(answer)), bytes32(IFederationTypes.TooLittleGas.selector), "the error");
        vm.assertEq(views.activeCount(), 3, "active");
    }

    /// @dev It goes from the next round on: the one it committed in, it may finish; then its stake is free, whole.
    function testFuzz_dropped_from_the_next_round_on(uint256 seed) public {
        _federation(3);
        bytes32 prior = _c.genesisRoot;
        for (uint256 i = 0; i < 3; ++i) {
            bytes32 hash = _commitHash(1, _account(i), prior, keccak256(abi.encode(i)), 3, 10, bytes32(seed));
            if (i == 2) _drop(seed % 4 == 0);
            _do(_account(i), abi.encodeCall(coordinator.commit, (1, prior, hash)));
        }
        _drop(seed % 4 == 1);
        bytes memory withdraw = abi.encodeCall(coordinator.withdraw, ());
        for (uint256 i = 0; i < 3; ++i) {
            _do(
                _account(i),
                abi.encodeCall(coordinator.reveal, (1, keccak256(abi.encode(i)), 3, 10, bytes32(seed), 2, 1))
            );
        }
        _drop(seed % 4 == 2);
        bytes32 inputsHash = views.roundView(1).inputsHash;
        for (uint256 i = 0; i < 3; ++i) {
            _do(_account(i), abi.encodeCall(coordinator.attest, (1, inputsHash, 7)));
        }
        _drop(seed % 4 == 3);
        vm.assertEq(views.seat(_client).activeUntil, 2, "active until");
        vm.assertEq(views.activeCount(), 2, "active");
        _refused(_client, address(coordinator), withdraw, IFederationTypes.StillPending.selector);
        _enrich(ANYBODY, _c.bondBase + _c.roundReward);
        _do(ANYBODY, _proposing(1, 0, new bytes32[](_c.leafCount)));
        _do(ANYBODY, abi.encodeCall(coordinator.fund, (_c.roundReward)));
        bytes memory commit = abi.encodeCall(coordinator.commit, (2, prior, keccak256("any")));
        _refused(_client, address(coordinator), commit, IFederationTypes.NotActive.selector);
        vm.warp(views.roundView(1).phaseEnd);
        _do(_client, withdraw);
        vm.assertEq(token.balanceOf(_client), _c.minStake, "the whole stake");
        vm.assertGe(views.owed(_client), 1, "its reward");
        _enrich(_client, 0);
        bytes memory join = abi.encodeCall(coordinator.join, (_c.minStake));
        _refused(_client, address(coordinator), join, IFederationTypes.NotAllowed.selector);
    }

    function _drop(bool now_) private {
        if (!now_) return;
        _gate.setMode(REFUSE);
        _do(ANYBODY, abi.encodeCall(coordinator.drop, (_client)));
    }
}
