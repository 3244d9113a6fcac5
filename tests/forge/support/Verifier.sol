// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IFederationCoordinator} from "../../../interfaces/IFederationCoordinator.sol";
import {IFederationTypes} from "../../../interfaces/IFederationTypes.sol";
import {Case} from "./Case.sol";
import {Game} from "./Game.sol";
import {LeafTree} from "./LeafTree.sol";
import {Listener} from "./Listener.sol";
import {vm} from "./Vm.sol";

/// @title Proposes what nobody sees in a transaction's calldata: it makes the digests itself.
contract HiddenLiar {
    function lie(IFederationCoordinator coordinator, IERC20 token, uint256 round, uint256 leaves, uint256 salt)
        external
    {
        bytes32[] memory digests = new bytes32[](leaves);
        for (uint256 i = 0; i < leaves; ++i) {
            digests[i] = keccak256(abi.encode(salt, i));
        }
        (bytes32 inputsHash, uint256 acceptedMask,) = coordinator.inputs(round);
        token.approve(address(coordinator), type(uint256).max);
        coordinator.propose(round, inputsHash, acceptedMask, 0, digests);
    }
}

/// @title One honest verifier of round 1. It knows what standard calls and logs say, convicts one proposal at a time, older
/// windows first, and each case takes it all the time that a case may: minWindow / 10.
abstract contract Verifier is Game, Listener {
    address internal constant VERIFIER = address(0x7E51F1E5);

    uint256 private _ready; // when its case is complete; 0: it has none
    bytes32 private _accused;

    /// @dev Time goes on, and the verifier with it.
    function _pass(Played memory p, uint256 time) internal {
        for (uint256 i = 0; i < time; ++i) {
            _work(p);
            vm.warp(block.timestamp + 1);
            _staysRight(p);
        }
        _work(p);
    }

    function _work(Played memory p) private {
        if (views.roundView(1).phase != IFederationTypes.Phase.Challenge) return;
        if (_ready != 0 && block.timestamp >= _ready) {
            _ready = 0;
            if (views.proposal(1, _accused).completedAt != 0) _convict(p, VERIFIER, _accused);
        }
        if (_ready != 0) return;
        IFederationTypes.Proposal[] memory live = views.proposals(1, 2); // one of any two is wrong
        for (uint256 i = 0; i < live.length && _ready == 0; ++i) {
            if (live[i].root == p.right.root) continue;
            (_accused, _ready) = (live[i].root, block.timestamp + p.config.minWindow / 10);
        }
    }

    /// @dev The case against a live proposal, from its digests in the logs: it must succeed.
    function _convict(Played memory p, address who, bytes32 root) internal {
        bytes32[] memory claimed = heard[root];
        uint256 leaf;
        while (claimed[leaf] == p.right.digests[leaf]) {
            ++leaf;
        }
        _challenge(who, Case.proof(p.inputs, claimed, leaf, 0));
    }

    function _staysRight(Played memory p) internal view {
        IFederationTypes.RoundView memory v = views.roundView(1);
        if (v.phase != IFederationTypes.Phase.Final) return;
        vm.assertEq(v.globalRoot, p.right.root, "a wrong global is final");
    }
}
