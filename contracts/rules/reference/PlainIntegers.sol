// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

/// @title Big-endian arrays of signed integers, one value at a time, for the contracts that rules are tested against.
library PlainIntegers {
    /// @notice All values, of `width` bytes each.
    function all(bytes calldata data, uint256 width) internal pure returns (int256[] memory values) {
        values = new int256[](data.length / width);
        for (uint256 j = 0; j < values.length; ++j) {
            uint256 head = uint256(bytes32(data[j * width:(j + 1) * width])); // of a word
            values[j] = int256(head) >> (256 - 8 * width);
        }
    }

    /// @notice Writes the low `width` bytes of `value` as value number `j`.
    function put(bytes memory data, uint256 j, uint256 width, int256 value) internal pure {
        for (uint256 k = 0; k < width; ++k) {
            data[j * width + k] = bytes1(uint8(uint256(value) >> (8 * (width - 1 - k))));
        }
    }

    /// @notice R(a, b): a / b to the nearest integer, halves away from zero.
    function rounded(int256 a, int256 b) internal pure returns (int256) {
        return a < 0 ? -((-2 * a + b) / (2 * b)) : (2 * a + b) / (2 * b);
    }

    /// @notice The nearest int32.
    function clamped(int256 value) internal pure returns (int256) {
        if (value > type(int32).max) return type(int32).max;
        if (value < type(int32).min) return type(int32).min;
        return value;
    }
}
