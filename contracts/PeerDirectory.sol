// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {IPeerDirectory} from "../interfaces/IPeerDirectory.sol";

/// @title What each account says of itself, and nothing else.
/// @notice See IPeerDirectory.
contract PeerDirectory is IPeerDirectory {
    uint256 private constant MOST_BYTES = 512;

    mapping(address coordinator => mapping(address account => bytes peers)) private _said;

    /// @inheritdoc IPeerDirectory
    function announce(address coordinator, bytes calldata peers) external {
        uint256 length = peers.length;
        if (length > MOST_BYTES) revert TooLong(length, MOST_BYTES);
        _said[coordinator][msg.sender] = peers;
        emit Announced(coordinator, msg.sender, peers);
    }

    /// @inheritdoc IPeerDirectory
    function announced(address coordinator, address[] calldata accounts) external view returns (bytes[] memory peers) {
        peers = new bytes[](accounts.length);
        for (uint256 i = 0; i < accounts.length; i++) {
            peers[i] = _said[coordinator][accounts[i]];
        }
    }
}
