// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {IMembershipGate} from "../../interfaces/IMembershipGate.sol";

/// @title Lets listed accounts take a seat.
/// @notice Asked by `join` and by `drop`: whoever is taken off the list stays seated until anybody drops it.
contract AllowlistGate is IMembershipGate, Ownable {
    /// @inheritdoc IMembershipGate
    mapping(address account => bool) public isAllowed;

    event AllowanceChanged(address indexed account, bool allowed);

    constructor(address owner_, address[] memory accounts) Ownable(owner_) {
        _set(accounts, true);
    }

    /// @notice Owner: put accounts on the list, or take them off.
    function setAllowed(address[] calldata accounts, bool allowed) external onlyOwner {
        _set(accounts, allowed);
    }

    function _set(address[] memory accounts, bool allowed) private {
        for (uint256 i = 0; i < accounts.length; i++) {
            isAllowed[accounts[i]] = allowed;
            emit AllowanceChanged(accounts[i], allowed);
        }
    }
}
