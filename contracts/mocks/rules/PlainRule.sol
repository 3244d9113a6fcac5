// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {IAggregationRule} from "../../../interfaces/IAggregationRule.sol";

/// @title Big-endian arrays read and written value by value, for rules that stand in tests only.
abstract contract PlainRule is IAggregationRule {
    /// @dev Value number `index` of an array of `bits`-bit values.
    function _at(bytes memory values, uint256 index, uint256 bits) internal pure returns (int256 value) {
        uint256 at = index * bits / 8;
        for (uint256 i = 0; i < bits / 8; ++i) value = value << 8 | int256(uint256(uint8(values[at + i])));
        if (value >= int256(1) << (bits - 1)) value -= int256(1) << bits;
    }

    /// @dev Write `value` at `index` of an array of `bits`-bit values.
    function _set(bytes memory values, uint256 index, uint256 bits, int256 value) internal pure {
        uint256 at = index * bits / 8;
        for (uint256 i = bits / 8; i > 0; --i) {
            values[at + i - 1] = bytes1(uint8(uint256(value)));
            value >>= 8;
        }
    }

    /// @dev a + b within int32.
    function _added(int256 a, int256 b) internal pure returns (int256 sum) {
        sum = a + b;
        if (sum > type(int32).max) return type(int32).max;
        if (sum < type(int32).min) return type(int32).min;
    }
}
