// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {UpdateTree} from "../libraries/UpdateTree.sol";

/// @title The internal functions of UpdateTree, callable: for its tests only.
contract UpdateTreeHarness {
    function pageRoot(bytes32[] calldata digests) external view returns (bytes32) {
        return UpdateTree.pageRoot(digests);
    }

    function rootOfPages(bytes32[] memory pageRoots, uint256 leafCount) external view returns (bytes32) {
        return UpdateTree.rootOfPages(pageRoots, leafCount);
    }

    function rootFromPath(uint256 leafCount, uint256 index, bytes32 digest, bytes32[] calldata path)
        external
        view
        returns (bytes32)
    {
        return UpdateTree.rootFromPath(leafCount, index, digest, path);
    }
}
