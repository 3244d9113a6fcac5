// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {GatheredLeaves} from "./GatheredLeaves.sol";

/// @title For every value of a leaf: the weighted sum over the updates, each of which is scaled down first.
/// @dev Works on words of four lanes of 64 bits. A lane is never negative: it holds a mantissa plus 2^(bits-1), a scaled
/// value plus 2^31, or a sum of weight times these. None leaves its lane: m * f << shift is below 2^46 in magnitude, and
/// 256 updates of weights below 2^20 come to less than 2^60.
library ScaledSums {
    uint256 private constant ONES = 0x0000000000000001000000000000000100000000000000010000000000000001; // in every lane
    uint256 private constant LOW_48 = ONES * 0xffffffffffff;
    uint256 private constant ZERO = 2 ** 31; // what stands for a scaled value of zero

    /// @notice sum w_i * y_i with y_i = floor(((m_i << shift_i) * f_i + 2^15) / 2^16), for every value.
    /// @param rows At most 256.
    /// @param values K, a multiple of 32.
    /// @param factors f_i: of each row, at most 2^16.
    /// @return sums K int64.
    /// @return totalWeight The sum of all w_i.
    function sum(GatheredLeaves.Rows memory rows, uint256 values, uint256[] memory factors)
        internal
        pure
        returns (bytes memory sums, uint256 totalWeight)
    {
        bytes memory lanes = new bytes(8 * values);
        for (uint256 i = 0; i < rows.count; ++i) {
            (uint256 weight, uint256 shift) = GatheredLeaves.header(rows, i);
            _add(lanes, GatheredLeaves.mantissasOf(rows, i), rows.bits, weight, factors[i] << shift);
            totalWeight += weight;
        }
        sums = _inOrder(lanes, 64 / rows.bits, totalWeight * ZERO);
    }

    /// @dev lanes += weight * (floor((m * factor + 2^15) / 2^16) + ZERO) for the mantissas in calldata from `from`.
    /// A word of them becomes 64 / bits words of lanes, the last of which has the first mantissa of each 64 bits.
    function _add(bytes memory lanes, uint256 from, uint256 bits, uint256 weight, uint256 factor) private pure {
        uint256 mask = ONES * ((1 << bits) - 1);
        uint256 flip = type(uint256).max / ((1 << bits) - 1) << (bits - 1); // the top bit of each mantissa
        uint256 bias = ONES * ((ZERO << 16) + 2 ** 15 - (factor << (bits - 1)));
        uint256 low = LOW_48;
        assembly ("memory-safe") {
            let to := add(lanes, 32)
            let end := add(to, mload(lanes))
            for {} lt(to, end) { from := add(from, 32) } {
                let word := xor(calldataload(from), flip)
                for { let next := add(to, shl(5, div(64, bits))) } lt(to, next) { to := add(to, 128) } {
                    let y := and(shr(16, add(mul(and(word, mask), factor), bias)), low)
                    mstore(to, add(mload(to), mul(y, weight)))
                    word := shr(bits, word)
                    y := and(shr(16, add(mul(and(word, mask), factor), bias)), low)
                    mstore(add(to, 32), add(mload(add(to, 32)), mul(y, weight)))
                    word := shr(bits, word)
                    y := and(shr(16, add(mul(and(word, mask), factor), bias)), low)
                    mstore(add(to, 64), add(mload(add(to, 64)), mul(y, weight)))
                    word := shr(bits, word)
                    y := and(shr(16, add(mul(and(word, mask), factor), bias)), low)
                    mstore(add(to, 96), add(mload(add(to, 96)), mul(y, weight)))
                    word := shr(bits, word)
                }
            }
        }
    }

    /// @dev The sums as K int64 in the order of the values, `zero` standing for zero in `lanes`. There, each group of
    /// `count` words has in its last word the first, in its last but one the second value of each quarter of 64 bits.
    function _inOrder(bytes memory lanes, uint256 count, uint256 zero) private pure returns (bytes memory sums) {
        sums = new bytes(lanes.length + 32); // room for the last word that is stored
        assembly ("memory-safe") {
            mstore(sums, mload(lanes))
            let to := add(sums, 32)
            let size := shl(5, count)
            let from := add(lanes, 32)
            for { let end := add(from, mload(lanes)) } lt(from, end) { from := add(from, size) } {
                for { let lane := 0 } lt(lane, 32) { lane := add(lane, 8) } {
                    for { let at := add(add(from, size), lane) } gt(at, add(from, lane)) { to := add(to, 8) } {
                        at := sub(at, 32)
                        mstore(to, shl(192, sub(shr(192, mload(at)), zero)))
                    }
                }
            }
        }
    }
}
