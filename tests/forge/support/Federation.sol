// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {IAggregationRule} from "../../../interfaces/IAggregationRule.sol";
import {IDisputes} from "../../../interfaces/IDisputes.sol";
import {IFederationCoordinator} from "../../../interfaces/IFederationCoordinator.sol";
import {IFederationTypes} from "../../../interfaces/IFederationTypes.sol";
import {IFederationViews} from "../../../interfaces/IFederationViews.sol";
import {IMembershipGate} from "../../../interfaces/IMembershipGate.sol";
import {LeafTree} from "./LeafTree.sol";
import {Random} from "./Random.sol";
import {Rules} from "./Rules.sol";
import {vm} from "./Vm.sol";

interface IToken is IERC20 {
    function mint(address to, uint256 amount) external;
}

/// @title A federation with a real rule and the real Disputes, and calls on it by anybody.
abstract contract Federation {
    address internal constant SPONSOR = address(0x5905);
    uint256 internal constant TRANSACTION_GAS = 2 ** 24; // EIP-7825

    uint256 internal constant ALL = type(uint256).max; // of a round's live proposals

    IFederationCoordinator internal coordinator;
    IFederationViews internal views; // of the coordinator, through the lens
    IDisputes internal disputes;
    IToken internal token;
    IAggregationRule internal rule;
    IAggregationRule internal readable; // the same rule, value by value

    /// @dev Token units and seconds that are odd on purpose. Two clients at least, six at most.
    function _config() internal pure returns (IFederationTypes.Config memory c) {
        c.sponsor = SPONSOR;
        c.specDigest = keccak256("spec");
        c.leafCount = 3;
        c.leafValues = 32;
        c.mantissaBits = 8;
        c.maxShift = 23;
        c.serverLr = 70_000;
        c.minClients = 2;
        c.maxClients = 6;
        c.totalRounds = 1_000;
        c.aggregatorBps = 1_000;
        c.roundReward = 1_004;
        c.minStake = 401;
        c.stakePerExample = 2;
        c.penalty = 100;
        c.bondBase = 251;
        (c.trainLength, c.revealLength, c.attestLength) = (100, 80, 60);
        (c.challengeLength, c.minWindow, c.abandonAfter) = (50, 20, 300);
    }

    /// @dev The same of a federation that masks updates; its gate admits everybody.
    function _maskedConfig() internal returns (IFederationTypes.Config memory c) {
        c = _config();
        c.gate = IMembershipGate(vm.deployCode("GateMock.sol:GateMock"));
        (c.mantissaBits, c.maxShift, c.minClients) = (32, 0, 3);
        (c.penalty, c.minStake) = (c.roundReward, 4 * c.roundReward + 1);
    }

    /// @dev The rule of the federation that is deployed next; FedAvg without a call of this.
    function _useRule(string memory contractName) internal {
        (rule, readable) = (Rules.packed(contractName), Rules.readable(contractName));
    }

    /// @dev The federation of `c` over `genesis`; token, rule and disputes are filled in.
    function _deploy(IFederationTypes.Config memory c, LeafTree.Tree memory genesis) internal {
        token = IToken(vm.deployCode("TokenMock.sol:TokenMock"));
        disputes = IDisputes(vm.deployCode("Disputes.sol:Disputes"));
        c.token = token;
        if (address(rule) == address(0)) _useRule("FedAvg");
        c.rule = rule;
        c.disputes = address(disputes);
        c.genesisRoot = genesis.root;
        coordinator =
            IFederationCoordinator(vm.deployCode("FederationCoordinator.sol:FederationCoordinator", abi.encode(c)));
        views = IFederationViews(vm.deployCode("LensReader.sol:LensReader", abi.encode(coordinator)));
    }

    /// @dev `account` gets tokens, and lets the coordinator take them.
    function _enrich(address account, uint256 amount) internal {
        token.mint(account, amount);
        vm.prank(account, account);
        token.approve(address(coordinator), type(uint256).max);
    }

    function _account(uint256 i) internal pure returns (address) {
        return address(uint160(0xC11E000 + i));
    }

    /// @dev The call that hands in a page of a proposal, from the inputs that the round has.
    function _proposing(uint256 round, uint256 page, bytes32[] memory digests) internal view returns (bytes memory) {
        (bytes32 inputsHash, uint256 acceptedMask,) = coordinator.inputs(round);
        return abi.encodeCall(coordinator.propose, (round, inputsHash, acceptedMask, page, digests));
    }

    /// @dev A call of the coordinator that must succeed. Returns the gas that its transaction used.
    function _do(address sender, bytes memory data) internal returns (uint256) {
        return _must(sender, address(coordinator), data);
    }

    function _challenge(address sender, IDisputes.Proof memory proof) internal returns (uint256) {
        return _must(sender, address(disputes), abi.encodeCall(IDisputes.challenge, (coordinator, proof)));
    }

    function _carry(address sender, IDisputes.Step memory step) internal returns (uint256) {
        return _must(sender, address(disputes), abi.encodeCall(IDisputes.carry, (coordinator, step)));
    }

    function _must(address sender, address target, bytes memory data) internal returns (uint256) {
        (bool ok, bytes memory answer, uint256 gas) = _send(sender, target, data);
        vm.assertTrue(ok, vm.toString(answer));
        vm.assertLt(gas, TRANSACTION_GAS, "a call that no transaction holds");
        return gas;
    }

    function _refused(address sender, address target, bytes memory data, bytes4 reason) internal {
        (bool ok, bytes memory answer,) = _send(sender, target, data);
        vm.assertFalse(ok, "it should have been refused");
        vm.assertEq(bytes32(bytes4(answer)), bytes32(reason), "another error");
    }

    /// @dev With the gas of the largest transaction.
    function _send(address sender, address target, bytes memory data)
        internal
        returns (bool ok, bytes memory answer, uint256 gas)
    {
        vm.prank(sender, sender);
        (ok, answer) = target.call{gas: TRANSACTION_GAS}(data);
        gas = vm.lastCallGas().gasTotalUsed;
    }

    /// @dev What a client of this federation may send in: leaves of any content.
    function _randomTree(uint256 seed, IFederationTypes.Config memory c, uint256 width)
        internal
        pure
        returns (LeafTree.Tree memory)
    {
        bytes[] memory leaves = new bytes[](c.leafCount);
        for (uint256 i = 0; i < leaves.length; ++i) {
            leaves[i] = Random.integers(Random.next(seed, i), c.leafValues, width);
        }
        return LeafTree.over(leaves);
    }

    /// @dev A global of any content, with all parts of the rule.
    function _randomGlobal(uint256 seed, IFederationTypes.Config memory c)
        internal
        view
        returns (LeafTree.Tree memory)
    {
        bytes[] memory leaves = new bytes[](c.leafCount * rule.parts());
        for (uint256 i = 0; i < leaves.length; ++i) {
            leaves[i] = Random.integers(Random.next(seed, i), c.leafValues, 4);
        }
        return LeafTree.over(leaves);
    }

    function _commitHash(
        uint256 round,
        address sender,
        bytes32 prior,
        bytes32 root,
        uint8 shift,
        uint32 examples,
        bytes32 salt
    ) internal view returns (bytes32) {
        return keccak256(
            abi.encode(block.chainid, address(coordinator), round, sender, prior, root, shift, examples, salt)
        );
    }
}
