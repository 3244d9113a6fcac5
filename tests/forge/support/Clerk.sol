// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {IFederationCoordinator} from "../../../interfaces/IFederationCoordinator.sol";
import {IFederationViews} from "../../../interfaces/IFederationViews.sol";

/// @title The same for many accounts in one call: of a test's calls, each is a transaction with all that costs it.
contract Clerk {
    struct Account {
        uint256 stake;
        uint256 owed;
        uint256 bondDue;
    }

    function settle(IFederationCoordinator coordinator, address[] calldata accounts) external {
        for (uint256 i = 0; i < accounts.length; ++i) {
            coordinator.settle(accounts[i]);
        }
    }

    function read(IFederationViews views, address[] calldata accounts) external view returns (Account[] memory list) {
        list = new Account[](accounts.length);
        for (uint256 i = 0; i < accounts.length; ++i) {
            address a = accounts[i];
            list[i] = Account(views.seat(a).stake, views.owed(a), views.bondDue(a));
        }
    }
}
