// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";

/// @title A token for development chains: its owner makes as much as is asked for.
contract DemoToken is ERC20, Ownable {
    constructor(address owner_) ERC20("Federation demo token", "FED") Ownable(owner_) {}

    /// @param amount In units of 10^-18.
    function mint(address to, uint256 amount) external onlyOwner {
        _mint(to, amount);
    }
}
