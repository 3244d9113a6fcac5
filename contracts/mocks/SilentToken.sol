// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

/// @title As USDT: no call returns anything, and an allowance changes from or to zero only.
contract SilentToken {
    error AllowanceStands(uint256 amount);

    mapping(address account => uint256) public balanceOf;
    mapping(address owner => mapping(address spender => uint256)) public allowance;

    function mint(address to, uint256 amount) external {
        balanceOf[to] += amount;
    }

    function approve(address spender, uint256 amount) external {
        uint256 standing = allowance[msg.sender][spender];
        if (amount != 0 && standing != 0) revert AllowanceStands(standing);
        allowance[msg.sender][spender] = amount;
    }

    function transfer(address to, uint256 amount) external {
        balanceOf[msg.sender] -= amount;
        balanceOf[to] += amount;
    }

    function transferFrom(address from, address to, uint256 amount) public virtual {
        allowance[from][msg.sender] -= amount;
        balanceOf[from] -= amount;
        balanceOf[to] += amount;
    }
}
