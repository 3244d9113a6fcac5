// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {GatheredLeaves} from "./GatheredLeaves.sol";

/// @title The lengths of the leaves of all updates.
library LeafNorms {
    /// @notice The L2 norm of every update's leaf in units, rounded down: floor(sqrt(sum (m << shift)^2)), below 2^37.
    function norms(GatheredLeaves.Rows memory rows) internal pure returns (uint256[] memory result) {
        result = new uint256[](rows.count);
        for (uint256 i = 0; i < rows.count; ++i) {
            (, uint256 shift) = GatheredLeaves.header(rows, i);
            uint256 from = GatheredLeaves.mantissasOf(rows, i);
            uint256 squares = _squares(from, from + rows.size - GatheredLeaves.HEADER, rows.bits);
            result[i] = Math.sqrt(squares << (2 * shift));
        }
    }

    /// @notice The value at index floor((n - 1) / 2) of the n values in ascending order: the middle one, or the smaller of
    /// the two in the middle.
    /// @param values At least one, all below 2^37.
    function lowerMedian(uint256[] memory values) internal pure returns (uint256 median) {
        // The smallest number that more than floor((n - 1) / 2) of the values do not exceed, bit by bit.
        uint256 above = 2 ** 37 - 1;
        while (median < above) {
            uint256 middle = (median + above) / 2;
            if (_upTo(values, middle) > (values.length - 1) / 2) above = middle;
            else median = middle + 1;
        }
    }

    /// @dev How many of the values are at most `limit`.
    function _upTo(uint256[] memory values, uint256 limit) private pure returns (uint256 count) {
        assembly ("memory-safe") {
            let at := add(values, 32)
            for { let end := add(at, shl(5, mload(values))) } lt(at, end) { at := add(at, 32) } {
                count := add(count, iszero(gt(mload(at), limit)))
            }
        }
    }

    /// @dev The sum of the squares of the mantissas that stand in calldata from `from` to `end`, whole words of them.
    /// A word is taken as lanes of four mantissas. For each of the four, a word with this mantissa at the foot of its lane
    /// is multiplied by the same word with its lanes in reverse. In the product, of signed numbers, the uppermost lane is
    /// the sum of the squares: only there every mantissa meets itself. What stands below may be negative, but is less than
    /// half of that lane's unit: adding this half rounds it away.
    function _squares(uint256 from, uint256 end, uint256 bits) private pure returns (uint256 total) {
        uint256 ones = type(uint256).max / ((1 << (4 * bits)) - 1); // in every lane
        uint256 mask = ones * ((1 << bits) - 1);
        uint256 zero = ones << (bits - 1); // a mantissa of zero, as they get 2^(bits-1) added while they are cut apart
        uint256 flip = type(uint256).max / ((1 << bits) - 1) << (bits - 1); // the top bit of each mantissa
        uint256 odd = 0xffffffffffffffff0000000000000000ffffffffffffffff; // every other 64 bits
        uint256 narrow = bits == 8 ? 0xffffffff00000000ffffffff00000000ffffffff00000000ffffffff : 0; // every other 32
        uint256 unit = 1 << (256 - 4 * bits); // of the uppermost lane
        assembly ("memory-safe") {
            let half := shr(1, unit)
            for {} lt(from, end) { from := add(from, 32) } {
                let a := xor(calldataload(from), flip)
                let b := or(shl(128, a), shr(128, a))
                b := or(shl(64, and(b, odd)), and(shr(64, b), odd))
                if narrow { b := or(shl(32, and(b, narrow)), and(shr(32, b), narrow)) }
                total := add(total, div(add(mul(sub(and(a, mask), zero), sub(and(b, mask), zero)), half), unit))
                a := shr(bits, a)
                b := shr(bits, b)
                total := add(total, div(add(mul(sub(and(a, mask), zero), sub(and(b, mask), zero)), half), unit))
                a := shr(bits, a)
                b := shr(bits, b)
                total := add(total, div(add(mul(sub(and(a, mask), zero), sub(and(b, mask), zero)), half), unit))
                a := shr(bits, a)
                b := shr(bits, b)
                total := add(total, div(add(mul(sub(and(a, mask), zero), sub(and(b, mask), zero)), half), unit))
            }
        }
    }
}
