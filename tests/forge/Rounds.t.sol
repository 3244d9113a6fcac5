// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {IDisputes} from "../../interfaces/IDisputes.sol";
import {IFederationTypes} from "../../interfaces/IFederationTypes.sol";
import {Case} from "./support/Case.sol";
import {Federation} from "./support/Federation.sol";
import {LeafTree} from "./support/LeafTree.sol";
import {vm} from "./support/Vm.sol";

/// @title The same round again and again: no call becomes dearer.
contract RoundsTest is Federation {
    uint256 private constant ROUNDS = 40;
    uint256 private constant USUAL = 4; // by this round every storage slot that is used again has been
    uint256 private constant CLIENTS = 4;
    uint8 private constant SHIFT = 7;
    uint32 private constant EXAMPLES = 100;
    bytes32 private constant SALT = keccak256("salt");

    mapping(string call => mapping(uint256 round => uint256 gas)) private _gas;
    string[] private _calls;

    function test_no_call_grows_with_the_rounds() public {
        IFederationTypes.Config memory c = _config();
        LeafTree.Tree memory prior = _randomTree(1, c, 4);
        _deploy(c, prior);
        for (uint256 i = 0; i <= CLIENTS + 1; ++i) {
            _enrich(i == CLIENTS ? SPONSOR : _account(i), 2 ** 100);
        }
        _do(SPONSOR, abi.encodeCall(coordinator.fund, (ROUNDS * c.roundReward)));
        for (uint256 i = 0; i < CLIENTS; ++i) {
            _do(_account(i), abi.encodeCall(coordinator.join, (1_000)));
        }
        for (uint256 n = 1; n <= ROUNDS; ++n) {
            prior = _round(n, c, prior);
        }
        vm.assertEq(views.finalCount(), ROUNDS, "final rounds");
        for (uint256 i = 0; i < _calls.length; ++i) {
            _isFlat(_calls[i]);
        }
    }

    /// @dev All take part; a wrong proposal is convicted, the right one becomes final, everybody claims.
    function _round(uint256 n, IFederationTypes.Config memory c, LeafTree.Tree memory prior)
        private
        returns (LeafTree.Tree memory right)
    {
        LeafTree.Tree memory update = _randomTree(2, c, 1);
        for (uint256 i = 0; i < CLIENTS; ++i) {
            bytes32 hash = _commitHash(n, _account(i), prior.root, update.root, SHIFT, EXAMPLES, SALT);
            _meter("commit", n, _account(i), abi.encodeCall(coordinator.commit, (n, prior.root, hash)));
        }
        for (uint256 i = 0; i < CLIENTS; ++i) {
            bytes memory reveal = abi.encodeCall(coordinator.reveal, (n, update.root, SHIFT, EXAMPLES, SALT, 2, 1));
            _meter("reveal", n, _account(i), reveal);
        }
        bytes32 inputs = views.roundView(n).inputsHash;
        for (uint256 i = 0; i < CLIENTS; ++i) {
            _meter("attest", n, _account(i), abi.encodeCall(coordinator.attest, (n, inputs, 2 ** CLIENTS - 1)));
        }
        Case.Inputs memory inputs_ = _inputs(n, inputs, c, prior, update);
        right = Case.right(inputs_);
        bytes32[] memory wrong = LeafTree.over(right.leaves).digests;
        wrong[1] = keccak256("wrong");
        address aggregator = _account(CLIENTS + 1);
        _meter("propose", n, _account(0), _proposing(n, 0, wrong));
        _meter("propose", n, aggregator, _proposing(n, 0, right.digests));
        _note("carry", n, _carry(_account(1), Case.step(inputs_, 1, 0, 2)));
        _note("challenge", n, _challenge(_account(2), Case.proof(inputs_, wrong, 1, 2)));
        vm.warp(views.roundView(n).phaseEnd);
        _meter("settle", n, SPONSOR, abi.encodeCall(coordinator.settle, (_account(3))));
        for (uint256 i = 0; i < CLIENTS; ++i) {
            _meter("claim", n, _account(i), abi.encodeCall(coordinator.claim, ()));
        }
        _meter("claim", n, aggregator, abi.encodeCall(coordinator.claim, ()));
    }

    function _inputs(
        uint256 n,
        bytes32 inputsHash,
        IFederationTypes.Config memory c,
        LeafTree.Tree memory prior,
        LeafTree.Tree memory update
    ) private view returns (Case.Inputs memory inputs) {
        (inputs.round, inputs.inputsHash, inputs.prior) = (n, inputsHash, prior);
        (inputs.bits, inputs.serverLr, inputs.readable) = (c.mantissaBits, c.serverLr, readable);
        inputs.updates = new LeafTree.Tree[](CLIENTS);
        (inputs.weights, inputs.shifts) = (new uint256[](CLIENTS), new uint256[](CLIENTS));
        for (uint256 i = 0; i < CLIENTS; ++i) {
            (inputs.updates[i], inputs.weights[i], inputs.shifts[i]) = (update, EXAMPLES, SHIFT);
        }
    }

    function _meter(string memory call, uint256 round, address sender, bytes memory data) private {
        _note(call, round, _do(sender, data));
    }

    /// @dev The dearest of its kind in this round.
    function _note(string memory call, uint256 round, uint256 gas) private {
        if (round == 1 && _gas[call][1] == 0) _calls.push(call);
        if (gas > _gas[call][round]) _gas[call][round] = gas;
    }

    /// @dev Bytes of calldata that happen to be zero make a percent at most.
    function _isFlat(string memory call) private view {
        uint256 usual = _gas[call][USUAL];
        for (uint256 n = USUAL + 1; n <= ROUNDS; ++n) {
            vm.assertLe(100 * _gas[call][n], 101 * usual, call);
        }
    }
}
