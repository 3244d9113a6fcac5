// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {IFederationTypes} from "../../interfaces/IFederationTypes.sol";
import {Game} from "./support/Game.sol";
import {Case} from "./support/Case.sol";
import {LeafTree} from "./support/LeafTree.sol";
import {Listener} from "./support/Listener.sol";
import {Random} from "./support/Random.sol";
import {vm} from "./support/Vm.sol";

/// @title `propose`, and who copies it.
contract ProposeTest is Game, Listener {
    uint256 private constant RICH = 2 ** 100;

    /// @dev What a round came to.
    struct Outcome {
        bytes32 root;
        uint256 aggregatorGot;
        uint256[] clientsGot;
        IFederationTypes.Balances balances;
    }

    /// @dev Who sends the same call first is the proposer. The other one is out of nothing but gas; the global, the
    /// clients' rewards and the balances are the same.
    function testFuzz_a_copied_propose_changes_who_is_paid_and_nothing_else(uint256 seed) public {
        Played memory p = _randomGame(seed);
        (address author, address copier) = (_account(90), _account(91));
        _enrich(author, RICH);
        _enrich(copier, RICH);
        bytes memory call = _proposing(1, 0, p.right.digests);
        uint256 start = vm.snapshotState();
        _do(author, call);
        Outcome memory alone = _end(p, author);

        vm.revertToState(start);
        _do(copier, call);
        _refused(author, address(coordinator), call, IFederationTypes.DuplicateRoot.selector);
        vm.assertEq(token.balanceOf(author), RICH, "the author's tokens");
        Outcome memory copied = _end(p, copier);
        vm.assertEq(views.owed(author), 0, "the author's share");
        vm.assertEq(keccak256(abi.encode(copied)), keccak256(abi.encode(alone)), "the round");
        vm.assertEq(copied.root, p.right.root, "the global");
    }

    /// @dev Pages of two proposers come between each other's; one of them starts over.
    function test_two_propose_page_by_page() public {
        IFederationTypes.Config memory c = _config();
        (c.minClients, c.maxClients, c.leafCount) = (1, 1, 2049);
        Played memory p = _play(5, c, 0);
        (address one, address two) = (_account(90), _account(91));
        LeafTree.Tree memory wrong = _spoiled(p.right, 2048, 1);
        _page(one, p.right.digests, 0);
        _page(two, p.right.digests, 0);
        _page(two, wrong.digests, 0);
        _page(one, p.right.digests, 1);
        _page(two, wrong.digests, 1);
        IFederationTypes.Proposal[] memory live = views.proposals(1, ALL);
        vm.assertEq(live[0].root, p.right.root, "the root of the first one");
        vm.assertEq(live[1].root, wrong.root, "the root of the second one");
        vm.assertEq(live[1].proposer, two, "its proposer");
    }

    /// @dev What the logs say is enough, and is all there is: pages that were begun again, those of others in between.
    function test_the_last_pages_in_the_logs_are_the_proposal() public {
        IFederationTypes.Config memory c = _config();
        (c.minClients, c.maxClients, c.leafCount) = (1, 1, 2049);
        Played memory p = _play(5, c, 0);
        (address one, address two) = (_account(90), _account(91));
        LeafTree.Tree memory wrong = _spoiled(p.right, 2048, 1);
        bytes32[] memory junk = new bytes32[](2049);
        vm.recordLogs();
        _page(one, junk, 0);
        _page(two, p.right.digests, 0);
        _page(one, junk, 0);
        _page(one, wrong.digests, 0);
        _page(two, p.right.digests, 1);
        _page(one, wrong.digests, 1);
        _listen(address(coordinator), vm.getRecordedLogs());
        bytes32 heardOfOne = keccak256(abi.encode(heard[wrong.root]));
        vm.assertEq(heardOfOne, keccak256(abi.encode(wrong.digests)), "the wrong one");
        bytes32 heardOfTwo = keccak256(abi.encode(heard[p.right.root]));
        vm.assertEq(heardOfTwo, keccak256(abi.encode(p.right.digests)), "the right one");
        _challenge(_account(7), Case.proof(p.inputs, heard[wrong.root], 2048, 0));
    }

    /// @dev Whatever the phase, with other inputs or another mask nobody proposes, not the first page and not the last.
    function testFuzz_a_proposal_names_its_inputs(uint256 seed) public {
        Played memory p = _randomGame(seed);
        (bytes32 inputsHash, uint256 mask,) = coordinator.inputs(1);
        vm.assertEq(inputsHash, p.inputs.inputsHash, "the inputs");
        _refusesOthers(p, inputsHash, mask, Random.next(seed, 1));
        _propose(_account(92), _spoiled(p.right, 0, seed).digests);
        _refusesOthers(p, inputsHash, mask, Random.next(seed, 2)); // in Challenge
        _propose(_account(93), p.right.digests);
    }

    function _refusesOthers(Played memory p, bytes32 inputsHash, uint256 mask, uint256 seed) private {
        address who = _account(93);
        _enrich(who, RICH);
        bytes32 other = bytes32(uint256(inputsHash) ^ (1 << seed % 256));
        bytes memory call = abi.encodeCall(coordinator.propose, (1, other, mask, 0, p.right.digests));
        _refused(who, address(coordinator), call, IFederationTypes.WrongInputs.selector);
        call = abi.encodeCall(coordinator.propose, (1, inputsHash, mask ^ (1 << (seed >> 8) % 256), 0, p.right.digests));
        _refused(who, address(coordinator), call, IFederationTypes.WrongAccepted.selector);
        vm.assertEq(views.balances().bonds, views.roundView(1).live * p.config.bondBase, "bonds");
    }

    function _page(address who, bytes32[] memory digests, uint256 page) private {
        _enrich(who, RICH);
        uint256 length = page == 0 ? 2048 : digests.length - 2048;
        bytes32[] memory part = new bytes32[](length);
        for (uint256 i = 0; i < length; ++i) {
            part[i] = digests[page * 2048 + i];
        }
        _do(who, _proposing(1, page, part));
    }

    /// @dev The round becomes final, everybody is settled.
    function _end(Played memory p, address aggregator) private returns (Outcome memory o) {
        vm.warp(block.timestamp + p.config.challengeLength);
        o.clientsGot = new uint256[](p.clients.length);
        for (uint256 i = 0; i < p.clients.length; ++i) {
            _do(SPONSOR, abi.encodeCall(coordinator.settle, (p.clients[i])));
            o.clientsGot[i] = views.owed(p.clients[i]);
        }
        (, o.root) = views.latestFinal();
        o.aggregatorGot = views.owed(aggregator);
        o.balances = views.balances();
    }
}
