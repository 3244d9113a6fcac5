// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {IAggregationRule} from "../../interfaces/IAggregationRule.sol";

/// @title The partial sums of a rule that needs the weighted mean of all updates: S = sum (w_i << shift_i) * m_i, K int64.
/// @dev Twin of `fedaggregator.rules.weighted_sums`. At the protocol's limits (256 clients, weights below 2^20,
/// shift + bits <= 31) |S| < 2^59: a sum never leaves int64. This runs once a value and client in a proof, so it works
/// on words of four int64 lanes, on mantissas plus 2^(bits-1) and sums plus 2^63: none is negative, so no lane borrows
/// from its neighbour, and none overflows while the true sums are within int64.
library WeightedSums {
    uint256 internal constant WIDTH = 8; // bytes of a sum
    uint256 private constant ONES = 0x0000000000000001000000000000000100000000000000010000000000000001; // in every lane

    error BadBits(uint8 bits);
    error WeightTooLarge(uint32 weight);
    error ShiftTooLarge(uint8 shift);

    /// @notice One more update's leaf onto `sums`: what `IAggregationRule.accumulate` returns.
    function add(bytes calldata sums, bytes calldata mantissas, uint8 bits, uint32 weight, uint8 shift)
        internal
        pure
        returns (bytes memory result)
    {
        if (bits != 8 && bits != 16) revert BadBits(bits);
        if (weight >= 2 ** 20) revert WeightTooLarge(weight);
        if (uint256(shift) + bits > 31) revert ShiftTooLarge(shift);
        uint256 count = mantissas.length / (bits / 8);
        if (mantissas.length % 32 != 0) {
            revert IAggregationRule.LengthMismatch(mantissas.length, mantissas.length / 32 * 32);
        }
        uint256 length = count * WIDTH;
        if (sums.length != 0 && sums.length != length) revert IAggregationRule.LengthMismatch(sums.length, length);

        result = sums.length == 0 ? new bytes(length) : sums;
        uint256 from;
        uint256 to;
        assembly ("memory-safe") {
            from := mantissas.offset
            to := add(result, 32)
        }
        uint256 factor = uint256(weight) << shift;
        if (bits == 8) _addBytes(from, to, to + length, factor);
        else _addPairs(from, to, to + length, factor);
    }

    /// @dev sums += factor * mantissas of 8 bits: 32 mantissas, which are 8 words of sums, at a time.
    function _addBytes(uint256 from, uint256 to, uint256 end, uint256 factor) private pure {
        uint256 high = ONES << 63;
        uint256 lanes = ONES * 0xff;
        uint256 bias = ONES * (factor << 7);
        assembly ("memory-safe") {
            let flip := 0x8080808080808080808080808080808080808080808080808080808080808080
            // Four bytes times this are four copies without overlap, byte i of which stands at the foot of lane i.
            let spread := 0x1000000000000010000000000000100000000000001
            let four := 0xffffffff
            for {} lt(to, end) { to := add(to, 256) } {
                let word := xor(calldataload(from), flip)
                from := add(from, 32)
                let v := mul(and(mul(shr(224, word), spread), lanes), factor)
                mstore(to, xor(sub(add(xor(mload(to), high), v), bias), high))
                v := mul(and(mul(and(shr(192, word), four), spread), lanes), factor)
                mstore(add(to, 32), xor(sub(add(xor(mload(add(to, 32)), high), v), bias), high))
                v := mul(and(mul(and(shr(160, word), four), spread), lanes), factor)
                mstore(add(to, 64), xor(sub(add(xor(mload(add(to, 64)), high), v), bias), high))
                v := mul(and(mul(and(shr(128, word), four), spread), lanes), factor)
                mstore(add(to, 96), xor(sub(add(xor(mload(add(to, 96)), high), v), bias), high))
                v := mul(and(mul(and(shr(96, word), four), spread), lanes), factor)
                mstore(add(to, 128), xor(sub(add(xor(mload(add(to, 128)), high), v), bias), high))
                v := mul(and(mul(and(shr(64, word), four), spread), lanes), factor)
                mstore(add(to, 160), xor(sub(add(xor(mload(add(to, 160)), high), v), bias), high))
                v := mul(and(mul(and(shr(32, word), four), spread), lanes), factor)
                mstore(add(to, 192), xor(sub(add(xor(mload(add(to, 192)), high), v), bias), high))
                v := mul(and(mul(and(word, four), spread), lanes), factor)
                mstore(add(to, 224), xor(sub(add(xor(mload(add(to, 224)), high), v), bias), high))
            }
        }
    }

    /// @dev sums += factor * mantissas of 16 bits: 16 mantissas, which are 4 words of sums, at a time.
    function _addPairs(uint256 from, uint256 to, uint256 end, uint256 factor) private pure {
        uint256 high = ONES << 63;
        uint256 lanes = ONES * 0xffff;
        uint256 bias = ONES * (factor << 15);
        assembly ("memory-safe") {
            let flip := 0x8000800080008000800080008000800080008000800080008000800080008000
            // Two mantissas at the foot of each half; times this, the first of either also stands in the lane above.
            let upper := shl(128, 0xffffffff)
            let spread := 0x1000000000001
            for {} lt(to, end) { to := add(to, 128) } {
                let word := xor(calldataload(from), flip)
                from := add(from, 32)
                let v := or(and(shr(96, word), upper), and(shr(192, word), 0xffffffff))
                v := mul(and(mul(v, spread), lanes), factor)
                mstore(to, xor(sub(add(xor(mload(to), high), v), bias), high))
                v := or(and(shr(32, word), upper), and(shr(128, word), 0xffffffff))
                v := mul(and(mul(v, spread), lanes), factor)
                mstore(add(to, 32), xor(sub(add(xor(mload(add(to, 32)), high), v), bias), high))
                v := or(and(shl(32, word), upper), and(shr(64, word), 0xffffffff))
                v := mul(and(mul(v, spread), lanes), factor)
                mstore(add(to, 64), xor(sub(add(xor(mload(add(to, 64)), high), v), bias), high))
                v := or(and(shl(96, word), upper), and(word, 0xffffffff))
                v := mul(and(mul(v, spread), lanes), factor)
                mstore(add(to, 96), xor(sub(add(xor(mload(add(to, 96)), high), v), bias), high))
            }
        }
    }
}
