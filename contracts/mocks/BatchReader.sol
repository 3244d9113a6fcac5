// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

/// @title Many views of one contract in one call: for tests only.
contract BatchReader {
    function read(address target, bytes[] calldata calls) external view returns (bytes[] memory results) {
        results = new bytes[](calls.length);
        for (uint256 i = 0; i < calls.length; ++i) {
            bool ok;
            (ok, results[i]) = target.staticcall(calls[i]);
            require(ok, "a view reverted");
        }
    }
}
