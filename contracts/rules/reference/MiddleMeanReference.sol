// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {IAggregationRule} from "../../../interfaces/IAggregationRule.sol";
import {GatheredLeaves} from "../../libraries/GatheredLeaves.sol";

/// @title `MiddleMean` value by value, as one reads it: what the packed rules are tested against. Not deployed.
/// @dev Any number of values, and any number of updates.
abstract contract MiddleMeanReference is IAggregationRule {
    /// @dev The mean of the middle values among `ordered`, which are in ascending order.
    function _mean(int256[] memory ordered) internal pure virtual returns (int256);

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
    function finish(bytes calldata sums, bytes calldata prior, uint256, uint32 serverLr)
        external
        pure
        returns (bytes memory result)
    {
        GatheredLeaves.Rows memory rows = GatheredLeaves.read(sums, prior.length / 4);
        uint256[] memory shifts = new uint256[](rows.count);
        for (uint256 i = 0; i < rows.count; ++i) (, shifts[i]) = GatheredLeaves.header(rows, i);
        result = new bytes(prior.length);
        int256[] memory column = new int256[](rows.count);
        for (uint256 j = 0; j < prior.length / 4; ++j) {
            for (uint256 i = 0; i < rows.count; ++i) {
                int256 mantissa = _mantissa(sums, i * rows.size + GatheredLeaves.HEADER, j, rows.bits);
                _insert(column, i, mantissa * int256(1 << shifts[i]));
            }
            int256 step = _rounded(_mean(column) * int256(uint256(serverLr)), 2 ** 16);
            _put(result, j, int256(int32(uint32(bytes4(prior[4 * j:4 * j + 4])))) + step);
        }
    }

    function _mantissa(bytes calldata sums, uint256 at, uint256 j, uint256 bits) private pure returns (int256) {
        if (bits == 8) return int8(uint8(sums[at + j]));
        return int16(uint16(bytes2(sums[at + 2 * j:at + 2 * j + 2])));
    }

    /// @dev Among the first `count` values, which are in ascending order, so that they stay so.
    function _insert(int256[] memory ordered, uint256 count, int256 value) private pure {
        uint256 at = count;
        for (; at > 0 && ordered[at - 1] > value; --at) ordered[at] = ordered[at - 1];
        ordered[at] = value;
    }

    /// @dev The nearest int32 as value number `j`.
    function _put(bytes memory result, uint256 j, int256 value) private pure {
        if (value > type(int32).max) value = type(int32).max;
        if (value < type(int32).min) value = type(int32).min;
        for (uint256 k = 0; k < 4; ++k) result[4 * j + k] = bytes1(uint8(uint256(value) >> (24 - 8 * k)));
    }

    /// @dev a / b to the nearest integer, halves away from zero.
    function _rounded(int256 a, int256 b) internal pure returns (int256) {
        return a < 0 ? -((-2 * a + b) / (2 * b)) : (2 * a + b) / (2 * b);
    }
}
