// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

/// @title Values that follow from a seed, with the extremes among them.
/// @dev A seed is 256 bits; every draw takes its own with `Random.next`.
library Random {
    uint256 internal constant MAX_WEIGHT = 2 ** 20 - 1;

    /// @notice Another seed, independent of `seed` and of those with another `salt`.
    function next(uint256 seed, uint256 salt) internal pure returns (uint256) {
        return uint256(keccak256(abi.encode(seed, salt)));
    }

    /// @notice low ... high, both included.
    function between(uint256 seed, uint256 low, uint256 high) internal pure returns (uint256) {
        return low + seed % (high - low + 1);
    }

    /// @notice True once in `n` times.
    function onceIn(uint256 seed, uint256 n) internal pure returns (bool) {
        return seed % n == 0;
    }

    function bits(uint256 seed) internal pure returns (uint8) {
        return seed % 2 == 0 ? 8 : 16;
    }

    /// @notice 1 ... 2^20 - 1, either of these half of the time.
    function weight(uint256 seed) internal pure returns (uint32) {
        if (seed % 4 == 0) return 1;
        if (seed % 4 == 1) return uint32(MAX_WEIGHT);
        return uint32(between(seed >> 2, 1, MAX_WEIGHT));
    }

    /// @notice 0 ... 31 - bits, the largest a third of the time.
    function shift(uint256 seed, uint256 bits_) internal pure returns (uint8) {
        return uint8(seed % 3 == 0 ? 31 - bits_ : between(seed >> 2, 0, 31 - bits_));
    }

    /// @notice 1 ... 2^17, either of these, or 1.0, half of the time.
    function serverLr(uint256 seed) internal pure returns (uint32) {
        uint32[3] memory usual = [uint32(1), 2 ** 16, 2 ** 17];
        return seed % 2 == 0 ? usual[(seed >> 1) % 3] : uint32(between(seed >> 1, 1, 2 ** 17));
    }

    /// @notice `count` big-endian integers of `width` bytes: in seven of eight words any bytes or the type's limits,
    /// 0 and -1 beside each other in any order; the eighth part of all strings are one of these throughout.
    function integers(uint256 seed, uint256 count, uint256 width) internal pure returns (bytes memory data) {
        data = new bytes(count * width + 32);
        uint256 kind = seed % 8 == 0 ? 1 + (seed >> 3) % 4 : 0;
        for (uint256 at = 0; at < count * width; at += 32) {
            uint256 word = _word(next(seed, at), width, kind);
            assembly ("memory-safe") {
                mstore(add(add(data, 32), at), word)
            }
        }
        assembly ("memory-safe") {
            mstore(data, mul(count, width))
        }
    }

    /// @dev 32 bytes of values. kind: 0 mixed, 1 lowest, 2 highest, 3 zero, 4 minus one.
    function _word(uint256 seed, uint256 width, uint256 kind) private pure returns (uint256 word) {
        if (kind == 0 && seed % 2 == 0) return next(seed, 1);
        uint256 bits_ = 8 * width;
        for (uint256 i = 0; i < 32 / width; ++i) {
            uint256 k = kind == 0 ? 1 + (seed >> (1 + 2 * i)) % 4 : kind;
            uint256 value = k == 1 ? 1 << (bits_ - 1) : k == 2 ? (1 << (bits_ - 1)) - 1 : k == 3 ? 0 : (1 << bits_) - 1;
            word = word << bits_ | value;
        }
    }
}
