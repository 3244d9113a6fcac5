// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {IAggregationRule} from "../../interfaces/IAggregationRule.sol";

/// @title Federated averaging, weighted by examples (McMahan et al. 2017), in integers.
/// @notice Per value: S = sum (w_i << shift_i) * m_i; mean = R(S, W); step = R(mean * serverLr, 2^16);
/// g' = clamp_int32(g + step), with R(a, b) = sign(a) * floor((2|a| + b) / 2b): to nearest, halves away from zero.
/// @dev Twin of `fedaggregator.rules.fedavg`. At the protocol's limits (256 clients, weights below 2^20,
/// shift + bits <= 31) |S| < 2^59; sums a caller hands in beyond int64 wrap, as they do in NumPy.
contract FedAvg is IAggregationRule {
    uint256 private constant SUM_BYTES = 8;
    uint256 private constant GLOBAL_BYTES = 4;

    error BadBits(uint8 bits);
    error WeightTooLarge(uint32 weight);
    error ShiftTooLarge(uint8 shift);
    error ZeroTotalWeight();

    /// @inheritdoc IAggregationRule
    function name() external pure returns (string memory) {
        return "fedavg";
    }

    /// @inheritdoc IAggregationRule
    function accumulate(bytes calldata sums, bytes calldata mantissas, uint8 bits, uint32 weight, uint8 shift)
        external
        pure
        returns (bytes memory result)
    {
        if (bits != 8 && bits != 16) revert BadBits(bits);
        if (weight >= 2 ** 20) revert WeightTooLarge(weight);
        if (uint256(shift) + bits > 31) revert ShiftTooLarge(shift);
        uint256 width = bits / 8;
        uint256 count = _count(mantissas, width);
        if (sums.length != count * SUM_BYTES) revert LengthMismatch(sums.length, count * SUM_BYTES);

        result = _allocate(sums.length);
        int256 factor = int256(uint256(weight) << shift);
        unchecked {
            for (uint256 i = 0; i < count; i++) {
                int256 sum = _read(sums, i, SUM_BYTES) + factor * _read(mantissas, i, width);
                _write(result, i, SUM_BYTES, sum);
            }
        }
    }

    /// @inheritdoc IAggregationRule
    function finish(bytes calldata sums, bytes calldata prior, uint256 totalWeight, uint32 serverLr)
        external
        pure
        returns (bytes memory result)
    {
        if (totalWeight == 0) revert ZeroTotalWeight();
        uint256 count = _count(prior, GLOBAL_BYTES);
        if (sums.length != count * SUM_BYTES) revert LengthMismatch(sums.length, count * SUM_BYTES);

        result = _allocate(prior.length);
        int256 lr = int256(uint256(serverLr));
        unchecked {
            for (uint256 i = 0; i < count; i++) {
                int256 mean = _divideRound(_read(sums, i, SUM_BYTES), totalWeight);
                int256 value = _read(prior, i, GLOBAL_BYTES) + _divideRound(mean * lr, 2 ** 16);
                if (value > type(int32).max) value = type(int32).max;
                if (value < type(int32).min) value = type(int32).min;
                _write(result, i, GLOBAL_BYTES, value);
            }
        }
    }

    /// @dev R(a, b), b > 0.
    function _divideRound(int256 a, uint256 b) private pure returns (int256) {
        unchecked {
            return a < 0 ? -int256((2 * uint256(-a) + b) / (2 * b)) : int256((2 * uint256(a) + b) / (2 * b));
        }
    }

    function _count(bytes calldata values, uint256 width) private pure returns (uint256 count) {
        count = values.length / width;
        if (count * width != values.length) revert LengthMismatch(values.length, count * width);
    }

    /// @dev A byte string of `length`, with room for `_write` to store whole words.
    function _allocate(uint256 length) private pure returns (bytes memory data) {
        data = new bytes(length + 32);
        assembly ("memory-safe") {
            mstore(data, length)
        }
    }

    /// @dev The i-th signed big-endian integer of `width` bytes; i is in range.
    function _read(bytes calldata data, uint256 i, uint256 width) private pure returns (int256 value) {
        assembly ("memory-safe") {
            value := sar(sub(256, shl(3, width)), calldataload(add(data.offset, mul(i, width))))
        }
    }

    /// @dev Store the i-th integer of `width` bytes; spills zeros over what follows, so write in ascending order.
    function _write(bytes memory data, uint256 i, uint256 width, int256 value) private pure {
        assembly ("memory-safe") {
            mstore(add(add(data, 32), mul(i, width)), shl(sub(256, shl(3, width)), value))
        }
    }
}
