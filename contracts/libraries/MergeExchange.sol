// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

/// @title Batcher's merge exchange (Knuth, The Art of Computer Programming, volume 3, 5.2.2, algorithm M): which pairs of
/// n things to compare and exchange, one pair after the other, so that any n end in ascending order.
library MergeExchange {
    /// @notice The pairs that move the `trim` smallest of n things to the first places and the `trim` largest to the last
    /// ones. What stands at these places, and between them, is in no order.
    /// @param n 1 ... 256.
    /// @param trim Less than n / 2.
    /// @param stride What the places in the result are multiplied by, up to 2^16 / n: the size of a thing in memory.
    /// @return pairs `i * stride << 16 | j * stride`, i < j: of the things at i and j the smaller one goes to i.
    function separating(uint256 n, uint256 trim, uint256 stride) internal pure returns (uint256[] memory pairs) {
        pairs = _sorting(n);
        // Backward: a pair within one of the three groups is needed only if a later pair looks at one of its two places.
        uint256 needed; // a bit for each place
        assembly ("memory-safe") {
            let first := add(pairs, 32)
            let last := sub(n, trim)
            let kept := add(first, shl(5, mload(pairs)))
            for { let next := kept } gt(next, first) {} {
                next := sub(next, 32)
                let pair := mload(next)
                let i := shr(8, pair)
                let j := and(pair, 0xff)
                let both := or(shl(i, 1), shl(j, 1))
                if or(and(needed, both), or(xor(lt(i, trim), lt(j, trim)), xor(lt(i, last), lt(j, last)))) {
                    needed := or(needed, both)
                    kept := sub(kept, 32)
                    mstore(kept, or(shl(16, mul(i, stride)), mul(j, stride)))
                }
            }
            // What was kept stands at the end: the array begins there.
            let count := shr(5, sub(add(first, shl(5, mload(pairs))), kept))
            pairs := sub(kept, 32)
            mstore(pairs, count)
        }
    }

    /// @dev All pairs of the algorithm in its order, as `i << 8 | j`. p, q, r and d are Knuth's.
    function _sorting(uint256 n) private pure returns (uint256[] memory pairs) {
        uint256 top = 1; // the largest power of two below n, but 1 for n = 1
        while (2 * top < n) top *= 2;
        uint256 next;
        assembly ("memory-safe") {
            pairs := mload(0x40)
            next := add(pairs, 32)
        }
        for (uint256 p = top; p > 0 && n > 1; p >>= 1) {
            (uint256 q, uint256 r, uint256 d) = (top, 0, p);
            while (true) {
                next = _compare(next, n - d, p, r, d);
                if (q == p) break;
                (q, r, d) = (q >> 1, p, q - p);
            }
        }
        assembly ("memory-safe") {
            mstore(pairs, shr(5, sub(next, add(pairs, 32))))
            mstore(0x40, next)
        }
    }

    /// @dev Writes the pairs (i, i + d) for all i < end with i & p == r at `next`; returns where they end.
    function _compare(uint256 next, uint256 end, uint256 p, uint256 r, uint256 d) private pure returns (uint256) {
        assembly ("memory-safe") {
            for { let i := r } lt(i, end) { i := add(i, p) } { // p of them follow one another, and p are left out
                for { let past := add(i, p) } and(lt(i, past), lt(i, end)) { i := add(i, 1) } {
                    mstore(next, or(shl(8, i), add(i, d)))
                    next := add(next, 32)
                }
            }
        }
        return next;
    }
}
