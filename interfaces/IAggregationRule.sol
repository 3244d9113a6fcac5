// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

/// @title The arithmetic of one aggregation algorithm over one leaf.
/// @notice The Solidity half of a pair; its NumPy twin stands in `fedaggregator.rules` under the same name.
/// @dev Byte strings are big-endian arrays: partial sums int64, mantissas int8 or int16, weights of the model int32.
/// K, the values of a leaf, is a power of two and at least 32.
interface IAggregationRule {
    error LengthMismatch(uint256 given, uint256 expected);

    function name() external pure returns (string memory);

    /// @notice Add one client's leaf to the partial sums.
    /// @param sums 8 * K bytes.
    /// @param mantissas K mantissas of `bits` bits.
    /// @return The new partial sums, 8 * K bytes.
    function accumulate(bytes calldata sums, bytes calldata mantissas, uint8 bits, uint32 weight, uint8 shift)
        external
        pure
        returns (bytes memory);

    /// @notice Apply the finished sums to the prior leaf.
    /// @param prior 4 * K bytes.
    /// @return The new global leaf, 4 * K bytes.
    function finish(bytes calldata sums, bytes calldata prior, uint256 totalWeight, uint32 serverLr)
        external
        pure
        returns (bytes memory);
}
