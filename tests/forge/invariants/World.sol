// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {IFederationTypes} from "../../../interfaces/IFederationTypes.sol";
import {Federation} from "../support/Federation.sol";
import {LeafTree} from "../support/LeafTree.sol";
import {Rules} from "../support/Rules.sol";
import {vm} from "../support/Vm.sol";

/// @title A federation, everybody who ever calls it, and what its calls came to.
abstract contract World is Federation {
    uint256 internal constant MINTED = 1e9; // tokens of everybody at the start
    uint256 internal constant ACTORS = 8;
    uint256 internal constant LIARS = 4; // more accounts that only propose
    address internal constant STRANGER = address(0x57);

    IFederationTypes.Config internal config;
    bool internal masked; // updates are: others see their sum alone
    address[] internal everybody; // the actors, the liars, the sponsor, one that is nobody in the federation

    /// @dev What a kind of call did so far.
    struct Tally {
        uint256 done;
        uint256 refused;
        uint256 mostGas;
    }

    mapping(string kind => Tally) internal tallies;
    string[] internal kinds;

    /// @dev Tokens that an account gave away: to the pool, or unasked.
    mapping(address account => uint256) internal gave;
    uint256 internal donated;

    mapping(bytes32 root => bytes[] leaves) internal globals;

    uint256 internal moves; // of the handler so far

    constructor(string memory contractName) {
        masked = keccak256(bytes(contractName)) == keccak256("MaskedMean");
        if (masked) (rule, readable) = Rules.masked();
        else _useRule(contractName);
        IFederationTypes.Config memory c = masked ? _maskedConfig() : _config();
        c.maxClients = 6;
        LeafTree.Tree memory genesis = _randomGlobal(7, c);
        _deploy(c, genesis);
        config = c;
        _keep(genesis);
        for (uint256 i = 0; i < ACTORS + LIARS; ++i) {
            everybody.push(_account(i));
        }
        everybody.push(SPONSOR);
        everybody.push(STRANGER);
        for (uint256 i = 0; i < everybody.length; ++i) {
            _enrich(everybody[i], MINTED);
        }
    }

    function _keep(LeafTree.Tree memory global) internal {
        if (globals[global.root].length == 0) globals[global.root] = global.leaves;
    }

    /// @dev A call that may be refused, but with an error that the contract names.
    function _try(string memory kind, address sender, address target, bytes memory data) internal returns (bool ok) {
        bytes memory answer;
        uint256 gas;
        (ok, answer, gas) = _send(sender, target, data);
        vm.assertLt(gas, TRANSACTION_GAS, "a call that no transaction holds");
        vm.assertTrue(ok || answer.length >= 4, "refused without a reason");
        vm.assertTrue(ok || bytes4(answer) != bytes4(keccak256("Panic(uint256)")), "panicked");
        Tally storage tally = tallies[kind];
        if (tally.done + tally.refused == 0) kinds.push(kind);
        if (!ok) {
            ++tally.refused;
            return false;
        }
        ++tally.done;
        if (gas > tally.mostGas) tally.mostGas = gas;
    }

    function _try(string memory kind, address sender, bytes memory data) internal returns (bool) {
        return _try(kind, sender, address(coordinator), data);
    }

    function _phase(uint256 round) internal view returns (IFederationTypes.Phase) {
        return views.roundView(round).phase;
    }

    /// @dev The oldest round that may be unsettled.
    function _oldest() internal view returns (uint256) {
        uint256 last = views.lastOpened();
        return last > 1 ? last - 1 : 1;
    }
}
