// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

/// @title The arithmetic of one aggregation algorithm over one leaf.
/// @notice The Solidity half of a pair; its NumPy twin stands in `fedaggregator.rules` under the same name. Whoever
/// adds an algorithm adds these two and their shared test: nothing else knows what a rule computes.
/// @dev Byte strings are big-endian arrays: mantissas int8 or int16, values of a global int32. K, the values of a leaf,
/// is a power of two and at least 32.
interface IAggregationRule {
    /// @notice A byte string has another length than the leaf or the sums that it stands for.
    /// @param given The length of the byte string, in bytes.
    /// @param expected The length that it must have, in bytes.
    error LengthMismatch(uint256 given, uint256 expected);

    /// @notice Gives the name of the rule, which is also the name of its NumPy twin and stands in the spec.
    /// @return The name, for example "fedavg".
    function name() external pure returns (string memory);

    /// @notice Says how many leaves of a global there are for each leaf of an update: its weights, and state that the
    /// rule keeps beside them. Part p of leaf i stands at leaf p * leafCount + i of the global's tree. Part 0 are the
    /// weights; the others are zero at genesis.
    /// @return The number of parts, 1 to 8.
    function parts() external pure returns (uint256);

    /// @notice Says for how many updates at most one leaf can be proved within the calldata and gas of a transaction.
    /// @param leafValues K, the number of values in a leaf.
    /// @param bits The width of a mantissa, 8 or 16 bits.
    /// @return The largest number of updates.
    function maxClients(uint256 leafValues, uint8 bits) external pure returns (uint256);

    /// @notice Adds one client's leaf to the partial sums.
    /// @param sums The sums as this function returned them, or empty if there are none yet. Their form is the rule's
    /// own.
    /// @param mantissas The leaf of the update: K mantissas of `bits` bits.
    /// @param bits The width of a mantissa, 8 or 16 bits.
    /// @param weight The weight of the update, in examples.
    /// @param shift The shift of the update: its values are mantissas times 2^shift units.
    /// @return The new partial sums.
    function accumulate(bytes calldata sums, bytes calldata mantissas, uint8 bits, uint32 weight, uint8 shift)
        external
        pure
        returns (bytes memory);

    /// @notice Applies the finished sums to the prior leaf.
    /// @param sums The sums over all accepted updates.
    /// @param prior The parts of the leaf in the prior global, one after the other: 4 * K bytes each.
    /// @param totalWeight The weight of all accepted updates together, in examples.
    /// @param serverLr The server's learning rate, in units of 2^-16.
    /// @return The new global leaf, in the same form as `prior`.
    function finish(bytes calldata sums, bytes calldata prior, uint256 totalWeight, uint32 serverLr)
        external
        view
        returns (bytes memory);
}
