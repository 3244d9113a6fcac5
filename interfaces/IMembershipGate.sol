// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

/// @title Who may take a seat.
interface IMembershipGate {
    /// @notice Asked by `join` only, as a static call with bounded gas; anything but `true` means no.
    function isAllowed(address account) external view returns (bool);
}
