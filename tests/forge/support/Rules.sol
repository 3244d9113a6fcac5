// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {IAggregationRule} from "../../../interfaces/IAggregationRule.sol";
import {vm} from "./Vm.sol";

/// @title All rules, each with the contract that computes the same value by value.
library Rules {
    uint256 internal constant COUNT = 5;

    /// @notice The contract of rule number `index`.
    function name(uint256 index) internal pure returns (string memory) {
        return ["FedAvg", "FedAvgM", "TrimmedMean", "Median", "NormBoundedMean"][index];
    }

    /// @notice The contract that federations use.
    function packed(string memory rule) internal returns (IAggregationRule) {
        return IAggregationRule(vm.deployCode(string.concat(rule, ".sol:", rule)));
    }

    /// @notice The rule of masked updates, packed and as one reads it.
    function masked() internal returns (IAggregationRule, IAggregationRule) {
        bytes memory scaleAndBound = abi.encode(6, 2 ** 15);
        address packed_ = vm.deployCode("MaskedMean.sol:MaskedMean", scaleAndBound);
        address readable_ = vm.deployCode("MaskedMeanReference.sol:MaskedMeanReference", scaleAndBound);
        return (IAggregationRule(packed_), IAggregationRule(readable_));
    }

    /// @notice The contract as one reads it.
    function readable(string memory rule) internal returns (IAggregationRule) {
        return packed(string.concat(rule, "Reference"));
    }
}
