// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

/// @title From the sums of a leaf to its new values.
library ServerStep {
    error BadDivisor(uint256 divisor);

    /// @notice Per value: mean = R(sum, divisor); g' = clamp_int32(g + R(mean * serverLr, 2^16)), with
    /// R(a, b) = sign(a) * floor((2|a| + b) / 2b): to nearest, halves away from zero.
    /// @param sums K int64.
    /// @param prior K int32.
    /// @param divisor 1 ... 2^64 - 1.
    /// @param serverLr In units of 2^-16.
    /// @return result K int32.
    function step(bytes memory sums, bytes calldata prior, uint256 divisor, uint256 serverLr)
        internal
        pure
        returns (bytes memory result)
    {
        if (divisor == 0 || divisor >= 2 ** 64) revert BadDivisor(divisor);
        assert(sums.length == 2 * prior.length);
        result = new bytes(prior.length + 32); // room for the last word that is stored
        assembly ("memory-safe") {
            mstore(result, prior.length)
            let twice := shl(1, divisor)
            let to := add(result, 32)
            let end := add(to, prior.length)
            let old := sub(prior.offset, to)
            let from := sub(add(sums, 32), shl(1, to))
            for {} lt(to, end) { to := add(to, 4) } {
                // R works on |a| and gives the sign back: with sign = 0 or -1, (x ^ sign) - sign is x or -x.
                let sum := sar(192, mload(add(from, shl(1, to))))
                let sign := sar(255, sum)
                let mean := div(add(shl(1, sub(xor(sum, sign), sign)), divisor), twice)
                let by := shr(16, add(mul(mean, serverLr), 0x8000)) // R(mean * serverLr, 2^16)
                let value := add(sar(224, calldataload(add(old, to))), sub(xor(by, sign), sign))
                if shr(32, add(value, 0x80000000)) {
                    value := xor(0x7fffffff, sar(255, value)) // the largest int32, or the smallest
                }
                mstore(to, shl(224, value))
            }
        }
    }
}
