// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

/// @title The arithmetic of one aggregation algorithm over one leaf.
/// @notice The Solidity half of a pair; its NumPy twin stands in `fedaggregator.rules` under the same name. Whoever adds
/// an algorithm adds these two and their shared test: nothing else knows what a rule computes.
/// @dev Byte strings are big-endian arrays: mantissas int8 or int16, values of a global int32. K, the values of a leaf, is a
/// power of two and at least 32.
interface IAggregationRule {
    error LengthMismatch(uint256 given, uint256 expected);

    function name() external pure returns (string memory);

    /// @notice Leaves of a global for each leaf of an update, 1 to 8: its weights, and state that the rule keeps beside
    /// them. Part p of leaf i stands at leaf p * leafCount + i of the global's tree. Part 0 are the weights; the others
    /// are zero at genesis.
    function parts() external pure returns (uint256);

    /// @notice Most updates for which one leaf can be proved within the calldata and gas of a transaction.
    function maxClients(uint256 leafValues, uint8 bits) external pure returns (uint256);

    /// @notice Add one client's leaf to the partial sums.
    /// @param sums As this function returned them, or empty: there are none yet. Their form is the rule's own.
    /// @param mantissas K mantissas of `bits` bits.
    /// @return The new partial sums.
    function accumulate(bytes calldata sums, bytes calldata mantissas, uint8 bits, uint32 weight, uint8 shift)
        external
        pure
        returns (bytes memory);

    /// @notice Apply the finished sums to the prior leaf.
    /// @param prior Its parts, one after the other: 4 * K bytes each.
    /// @return The new global leaf, in the same form.
    function finish(bytes calldata sums, bytes calldata prior, uint256 totalWeight, uint32 serverLr)
        external
        pure
        returns (bytes memory);
}
