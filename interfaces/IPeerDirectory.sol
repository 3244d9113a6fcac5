// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

/// @title Where the participants of federations say that their content can be read from.
/// @notice One contract serves every federation of a chain. It holds no money, nothing depends on it, and it judges
/// nothing: whoever reads it decides whose word counts, and checks all content against its hash.
interface IPeerDirectory {
    /// @notice An account has said where its content can be read from.
    /// @param coordinator The federation that it said it for.
    /// @param account The account that said it.
    /// @param peers The places as UTF-8 text, one in a line. Empty: nowhere any more.
    event Announced(address indexed coordinator, address indexed account, bytes peers);

    /// @notice What was to be announced is longer than an announcement may be.
    /// @param length Its length in bytes.
    /// @param most The most bytes that an announcement may have.
    error TooLong(uint256 length, uint256 most);

    /// @notice Says where the caller's content can be read from. It takes the place of what the caller said before.
    /// @param coordinator The federation that it is said for.
    /// @param peers The places as UTF-8 text, one in a line, 512 bytes at most. Empty: nowhere any more.
    function announce(address coordinator, bytes calldata peers) external;

    /// @notice Shows what accounts said last.
    /// @param coordinator The federation that they said it for.
    /// @param accounts The accounts that are asked about.
    /// @return peers What each of them said, in the same order. Empty: it said nothing.
    function announced(address coordinator, address[] calldata accounts) external view returns (bytes[] memory peers);
}
