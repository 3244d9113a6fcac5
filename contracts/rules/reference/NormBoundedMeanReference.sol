// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {IAggregationRule} from "../../../interfaces/IAggregationRule.sol";
import {GatheredLeaves} from "../../libraries/GatheredLeaves.sol";
import {PlainIntegers} from "./PlainIntegers.sol";

/// @title `NormBoundedMean` value by value, as one reads it: what it is tested against. Not deployed.
/// @dev Any number of values.
contract NormBoundedMeanReference is IAggregationRule {
    error BadTotalWeight(uint256 totalWeight);

    /// @inheritdoc IAggregationRule
    function name() external pure returns (string memory) {
        return "norm-bounded";
    }

    /// @inheritdoc IAggregationRule
    function parts() external pure returns (uint256) {
        return 1;
    }

    /// @inheritdoc IAggregationRule
    function maxClients(uint256, uint8) external pure returns (uint256) {
        return 256;
    }

    /// @inheritdoc IAggregationRule
    function accumulate(bytes calldata sums, bytes calldata mantissas, uint8 bits, uint32 weight, uint8 shift)
        external
        pure
        returns (bytes memory)
    {
        return GatheredLeaves.append(sums, mantissas, bits, weight, shift);
    }

    /// @inheritdoc IAggregationRule
    function finish(bytes calldata sums, bytes calldata prior, uint256 totalWeight, uint32 serverLr)
        external
        pure
        returns (bytes memory result)
    {
        int256[] memory old = PlainIntegers.all(prior, 4);
        GatheredLeaves.Rows memory rows = GatheredLeaves.read(sums, old.length);
        (int256[] memory total, uint256 weight) = _boundedSums(sums, rows, old.length);
        if (weight != totalWeight || weight == 0) revert BadTotalWeight(totalWeight);
        result = new bytes(prior.length);
        for (uint256 j = 0; j < old.length; ++j) {
            int256 mean = PlainIntegers.rounded(total[j], int256(weight));
            int256 step = PlainIntegers.rounded(mean * int256(uint256(serverLr)), 2 ** 16);
            PlainIntegers.put(result, j, 4, PlainIntegers.clamped(old[j] + step));
        }
    }

    /// @dev Of all updates, each scaled down to the lower median of their norms.
    function _boundedSums(bytes calldata sums, GatheredLeaves.Rows memory rows, uint256 values)
        private
        pure
        returns (int256[] memory total, uint256 weights)
    {
        uint256[] memory norms = new uint256[](rows.count);
        for (uint256 i = 0; i < rows.count; ++i) {
            norms[i] = _norm(_values(sums, rows, i));
        }
        uint256 bound = _lowerMedian(norms);
        total = new int256[](values);
        for (uint256 i = 0; i < rows.count; ++i) {
            (uint256 weight,) = GatheredLeaves.header(rows, i);
            weights += weight;
            int256 factor = int256(norms[i] <= bound ? 2 ** 16 : bound * 2 ** 16 / norms[i]);
            int256[] memory x = _values(sums, rows, i);
            for (uint256 j = 0; j < values; ++j) {
                total[j] += int256(weight) * ((x[j] * factor + 2 ** 15) >> 16); // the shift rounds down
            }
        }
    }

    /// @dev Row `index` in units.
    function _values(bytes calldata sums, GatheredLeaves.Rows memory rows, uint256 index)
        private
        pure
        returns (int256[] memory x)
    {
        (, uint256 shift) = GatheredLeaves.header(rows, index);
        uint256 end = (index + 1) * rows.size;
        x = PlainIntegers.all(sums[index * rows.size + GatheredLeaves.HEADER:end], rows.bits / 8);
        for (uint256 j = 0; j < x.length; ++j) {
            x[j] *= int256(1 << shift);
        }
    }

    /// @dev The largest number whose square is at most the sum of the squares.
    function _norm(int256[] memory x) private pure returns (uint256 norm) {
        uint256 squares;
        for (uint256 j = 0; j < x.length; ++j) {
            squares += uint256(x[j] * x[j]);
        }
        for (uint256 bit = 2 ** 63; bit > 0; bit >>= 1) {
            if ((norm + bit) * (norm + bit) <= squares) norm += bit;
        }
    }

    /// @dev By insertion into a list in ascending order.
    function _lowerMedian(uint256[] memory values) private pure returns (uint256) {
        uint256[] memory ordered = new uint256[](values.length);
        for (uint256 i = 0; i < values.length; ++i) {
            uint256 at = i;
            for (; at > 0 && ordered[at - 1] > values[i]; --at) {
                ordered[at] = ordered[at - 1];
            }
            ordered[at] = values[i];
        }
        return ordered[(values.length - 1) / 2];
    }
}
