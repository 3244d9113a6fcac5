// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {IAggregationRule} from "../../../interfaces/IAggregationRule.sol";
import {PlainIntegers} from "./PlainIntegers.sol";

/// @title FedAvgM value by value, as one reads it: what `FedAvgM` is tested against. Not deployed.
/// @dev For arguments within the protocol's limits; it refuses none.
contract FedAvgMReference is IAggregationRule {
    int256 private constant MOMENTUM = 19_661;

    /// @inheritdoc IAggregationRule
    function name() external pure returns (string memory) {
        return "fedavgm";
    }

    /// @inheritdoc IAggregationRule
    function parts() external pure returns (uint256) {
        return 2;
    }

    /// @inheritdoc IAggregationRule
    function maxClients(uint256, uint8) external pure returns (uint256) {
        return 256;
    }

    /// @inheritdoc IAggregationRule
    function accumulate(bytes calldata sums, bytes calldata mantissas, uint8 bits, uint32 weight, uint8 shift)
        external
        pure
        returns (bytes memory result)
    {
        int256[] memory added = PlainIntegers.all(mantissas, bits / 8);
        int256[] memory old = sums.length == 0 ? new int256[](added.length) : PlainIntegers.all(sums, 8);
        result = new bytes(8 * added.length);
        for (uint256 j = 0; j < added.length; ++j) {
            PlainIntegers.put(result, j, 8, old[j] + int256(uint256(weight) << shift) * added[j]);
        }
    }

    /// @inheritdoc IAggregationRule
    function finish(bytes calldata sums, bytes calldata prior, uint256 totalWeight, uint32 serverLr)
        external
        pure
        returns (bytes memory result)
    {
        result = new bytes(prior.length);
        int256[] memory sum = PlainIntegers.all(sums, 8);
        int256[] memory old = PlainIntegers.all(prior, 4);
        for (uint256 j = 0; j < sum.length; ++j) {
            int256 mean = PlainIntegers.rounded(sum[j], int256(totalWeight));
            int256 momentum = PlainIntegers.clamped(_kept(old[sum.length + j]) + mean);
            int256 step = PlainIntegers.rounded((mean + _kept(momentum)) * int256(uint256(serverLr)), 2 ** 16);
            PlainIntegers.put(result, j, 4, PlainIntegers.clamped(old[j] + step));
            PlainIntegers.put(result, sum.length + j, 4, momentum);
        }
    }

    function _kept(int256 momentum) private pure returns (int256) {
        return PlainIntegers.rounded(momentum * MOMENTUM, 2 ** 16);
    }
}
