// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

/// @title FedAvg as docs/protocol.md writes it, value by value, in 256 bits.
library Formula {
    struct Terms {
        bytes[] mantissas; // one client's leaf each
        uint256[] weights;
        uint256[] shifts;
        uint256 bits;
        uint256 serverLr;
    }

    /// @notice The new global leaf.
    function leaf(Terms memory t, bytes memory prior) internal pure returns (bytes memory result) {
        result = new bytes(prior.length);
        int256 total;
        for (uint256 i = 0; i < t.weights.length; ++i) {
            total += int256(t.weights[i]);
        }
        for (uint256 j = 0; j < prior.length / 4; ++j) {
            int256 mean = rounded(sum(t, j), total);
            int256 value = at(prior, j, 4) + rounded(mean * int256(t.serverLr), 2 ** 16);
            put(
                result,
                j,
                4,
                value > type(int32).max ? type(int32).max : value < type(int32).min ? type(int32).min : value
            );
        }
    }

    /// @notice The partial sums as a byte string.
    function sums(Terms memory t, uint256 count) internal pure returns (bytes memory result) {
        result = new bytes(8 * count);
        for (uint256 j = 0; j < count; ++j) {
            put(result, j, 8, sum(t, j));
        }
    }

    function sum(Terms memory t, uint256 j) internal pure returns (int256 s) {
        for (uint256 i = 0; i < t.mantissas.length; ++i) {
            s += int256(t.weights[i] << t.shifts[i]) * at(t.mantissas[i], j, t.bits / 8);
        }
    }

    /// @notice a / b to the nearest integer, halves away from zero.
    function rounded(int256 a, int256 b) internal pure returns (int256) {
        return a < 0 ? -((-2 * a + b) / (2 * b)) : (2 * a + b) / (2 * b);
    }

    /// @notice Signed big-endian value number `j`.
    function at(bytes memory data, uint256 j, uint256 width) internal pure returns (int256 value) {
        require((j + 1) * width <= data.length, "no such value");
        assembly ("memory-safe") {
            value := sar(sub(256, mul(8, width)), mload(add(add(data, 32), mul(j, width))))
        }
    }

    function put(bytes memory data, uint256 j, uint256 width, int256 value) internal pure {
        for (uint256 k = 0; k < width; ++k) {
            data[j * width + k] = bytes1(uint8(uint256(value) >> (8 * (width - 1 - k))));
        }
    }
}
