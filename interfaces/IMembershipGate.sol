// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

/// @title Who may take a seat.
interface IMembershipGate {
    /// @notice Says whether an account may take a seat. `join` and `drop` ask, in a static call with bounded gas:
    /// `join` goes on only after a clear `true`, and `drop` only after a clear `false`.
    /// @param account The account that asks for a seat, or that has one.
    /// @return Whether the account may have a seat.
    function isAllowed(address account) external view returns (bool);
}
