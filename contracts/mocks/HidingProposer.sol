// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

/// @title A proposer that is a contract and keeps what it calls with out of its transaction's calldata.
contract HidingProposer {
    /// @param masked The call's data, every byte xor `mask`.
    function run(address target, bytes calldata masked, bytes1 mask) external {
        bytes memory data = masked;
        for (uint256 i = 0; i < data.length; ++i) data[i] ^= mask;
        (bool ok, bytes memory answer) = target.call(data);
        require(ok, string(answer));
    }
}
