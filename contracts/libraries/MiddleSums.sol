// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {GatheredLeaves} from "./GatheredLeaves.sol";
import {MergeExchange} from "./MergeExchange.sol";

/// @title For every value of a leaf: the sum over the updates, without the smallest and the largest ones.
/// @dev Sorts on words of eight lanes of 32 bits, of values plus 2^30: none is negative and the top bit of a lane is free
/// (0 <= m * 2^shift + 2^30 < 2^31), so no lane borrows from its neighbour. A block of a leaf are 32 values, four words of
/// lanes. In which lane a value stands follows from how cheap it is to put it there: a word of mantissas becomes w = 4
/// (8 bits) or 2 (16 bits) words, and the k-th of these has the mantissas k, w + k, 2w + k and so on.
library MiddleSums {
    uint256 private constant BLOCK = 32; // values
    uint256 private constant LANES = 128; // bytes of a block of one update
    uint256 private constant PLAN = 96; // bytes of what `_plan` writes for an update
    uint256 private constant BIAS = 2 ** 30;
    uint256 private constant ONES_64 = 0x0000000000000001000000000000000100000000000000010000000000000001;
    uint256 private constant ONES_32 = 0x0000000100000001000000010000000100000001000000010000000100000001;

    /// @notice The sums of m * 2^shift over all rows but the `trim` smallest and the `trim` largest of each value.
    /// @param rows At least one and at most 256.
    /// @param values K, a multiple of 32.
    /// @param trim Less than half of the rows.
    /// @return sums K int64.
    function sum(GatheredLeaves.Rows memory rows, uint256 values, uint256 trim)
        internal
        pure
        returns (bytes memory sums)
    {
        sums = new bytes(8 * values + 32); // room for the last word that is stored
        assembly ("memory-safe") {
            mstore(sums, shl(3, values))
        }
        uint256[] memory pairs = MergeExchange.separating(rows.count, trim, LANES);
        bytes memory plan = _plan(rows);
        bytes memory lanes = new bytes(LANES * rows.count);
        for (uint256 block_ = 0; block_ < values / BLOCK; ++block_) {
            if (rows.bits == 8) _unpackBytes(plan, block_ * BLOCK, lanes);
            else _unpackPairs(plan, block_ * BLOCK * 2, lanes);
            _exchange(pairs, lanes);
            _add(lanes, trim, 32 / rows.bits, sums, block_ * BLOCK * 8);
        }
    }

    /// @dev For every row: where its mantissas begin, its shift, and what makes a shifted lane a value plus 2^30.
    function _plan(GatheredLeaves.Rows memory rows) private pure returns (bytes memory plan) {
        plan = new bytes(PLAN * rows.count);
        for (uint256 i = 0; i < rows.count; ++i) {
            (, uint256 shift) = GatheredLeaves.header(rows, i);
            uint256 from = GatheredLeaves.mantissasOf(rows, i);
            uint256 bias = ONES_32 * (BIAS - (1 << (rows.bits - 1 + shift)));
            assembly ("memory-safe") {
                let to := add(add(plan, 32), mul(i, PLAN))
                mstore(to, from)
                mstore(add(to, 32), shift)
                mstore(add(to, 64), bias)
            }
        }
    }

    /// @dev One block of every update as lanes, `skip` bytes after the first. Mantissas get 2^7 added.
    function _unpackBytes(bytes memory plan, uint256 skip, bytes memory lanes) private pure {
        uint256 mask = ONES_32 * 0xff;
        uint256 flip = ONES_32 * 0x80808080;
        assembly ("memory-safe") {
            let to := add(lanes, 32)
            let row := add(plan, 32)
            for { let end := add(row, mload(plan)) } lt(row, end) { row := add(row, PLAN) } {
                let word := xor(calldataload(add(mload(row), skip)), flip)
                let shift := mload(add(row, 32))
                let bias := mload(add(row, 64))
                mstore(to, add(shl(shift, and(shr(24, word), mask)), bias))
                mstore(add(to, 32), add(shl(shift, and(shr(16, word), mask)), bias))
                mstore(add(to, 64), add(shl(shift, and(shr(8, word), mask)), bias))
                mstore(add(to, 96), add(shl(shift, and(word, mask)), bias))
                to := add(to, LANES)
            }
        }
    }

    /// @dev The same for mantissas of 16 bits, which get 2^15 added.
    function _unpackPairs(bytes memory plan, uint256 skip, bytes memory lanes) private pure {
        uint256 mask = ONES_32 * 0xffff;
        uint256 flip = ONES_32 * 0x80008000;
        assembly ("memory-safe") {
            let to := add(lanes, 32)
            let row := add(plan, 32)
            for { let end := add(row, mload(plan)) } lt(row, end) { row := add(row, PLAN) } {
                let from := add(mload(row), skip)
                let shift := mload(add(row, 32))
                let bias := mload(add(row, 64))
                let word := xor(calldataload(from), flip)
                mstore(to, add(shl(shift, and(shr(16, word), mask)), bias))
                mstore(add(to, 32), add(shl(shift, and(word, mask)), bias))
                word := xor(calldataload(add(from, 32)), flip)
                mstore(add(to, 64), add(shl(shift, and(shr(16, word), mask)), bias))
                mstore(add(to, 96), add(shl(shift, and(word, mask)), bias))
                to := add(to, LANES)
            }
        }
    }

    /// @dev Every pair of updates in turn: of each two lanes the smaller one to the first.
    function _exchange(uint256[] memory pairs, bytes memory lanes) private pure {
        uint256 high = ONES_32 << 31;
        assembly ("memory-safe") {
            lanes := add(lanes, 32)
            let next := add(pairs, 32)
            for { let end := add(next, shl(5, mload(pairs))) } lt(next, end) { next := add(next, 32) } {
                let pair := mload(next)
                let a := add(lanes, shr(16, pair))
                let b := add(lanes, and(pair, 0xffff))
                // x - y, with the top bit set where x >= y; then x - y there and 0 elsewhere, which moves from x to y.
                let x := mload(a)
                let y := mload(b)
                let d := sub(or(x, high), y)
                let top := and(d, high)
                d := and(d, sub(top, shr(31, top)))
                mstore(a, sub(x, d))
                mstore(b, add(y, d))
                a := add(a, 32)
                b := add(b, 32)
                x := mload(a)
                y := mload(b)
                d := sub(or(x, high), y)
                top := and(d, high)
                d := and(d, sub(top, shr(31, top)))
                mstore(a, sub(x, d))
                mstore(b, add(y, d))
                a := add(a, 32)
                b := add(b, 32)
                x := mload(a)
                y := mload(b)
                d := sub(or(x, high), y)
                top := and(d, high)
                d := and(d, sub(top, shr(31, top)))
                mstore(a, sub(x, d))
                mstore(b, add(y, d))
                a := add(a, 32)
                b := add(b, 32)
                x := mload(a)
                y := mload(b)
                d := sub(or(x, high), y)
                top := and(d, high)
                d := and(d, sub(top, shr(31, top)))
                mstore(a, sub(x, d))
                mstore(b, add(y, d))
            }
        }
    }

    /// @dev The sums over all updates but the first and the last `trim`, as 32 int64 in their order, `at` bytes after the
    /// beginning of `sums`. `width` is w.
    function _add(bytes memory lanes, uint256 trim, uint256 width, bytes memory sums, uint256 at) private pure {
        uint256 bias = (lanes.length / LANES - 2 * trim) * BIAS;
        uint256 low = ONES_64 * 0xffffffff;
        assembly ("memory-safe") {
            let to := add(add(sums, 32), at)
            let first := add(add(lanes, 32), mul(trim, LANES))
            let length := sub(mload(lanes), mul(trim, mul(2, LANES)))
            let sums64 := mload(0x40) // not kept: w words of even lanes, and w of odd ones, as wide as 256 sums need
            for { let word := 0 } lt(word, LANES) {} {
                for { let end := add(sums64, shl(5, width)) } lt(sums64, end) { sums64 := add(sums64, 32) } {
                    let even := 0
                    let odd := 0
                    let row := add(first, word)
                    for { let past := add(row, length) } lt(row, past) { row := add(row, LANES) } {
                        even := add(even, and(shr(32, mload(row)), low))
                        odd := add(odd, and(mload(row), low))
                    }
                    mstore(sums64, even)
                    mstore(add(sums64, shl(5, width)), odd)
                    word := add(word, 32)
                }
                sums64 := mload(0x40)
                for { let drop := 256 } drop {} {
                    drop := sub(drop, 64)
                    for { let end := add(sums64, shl(6, width)) } lt(sums64, end) { sums64 := add(sums64, 32) } {
                        mstore(to, shl(192, sub(shr(drop, mload(sums64)), bias)))
                        to := add(to, 8)
                    }
                    sums64 := mload(0x40)
                }
            }
        }
    }
}
