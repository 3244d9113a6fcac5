// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

/// @title Many views in one call: for tests only.
contract BatchReader {
    function read(address[] calldata targets, bytes[] calldata calls) external view returns (bytes[] memory results) {
        results = new bytes[](calls.length);
        for (uint256 i = 0; i < calls.length; ++i) {
            bool ok;
            (ok, results[i]) = targets[i].staticcall(calls[i]);
            require(ok, "a view reverted");
        }
    }
}
