// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

/// @title The tree of an update by another definition than `UpdateTree`'s: split at the largest power of two.
/// @dev It keeps all leaves, and takes its time.
library LeafTree {
    struct Tree {
        bytes[] leaves;
        bytes32[] digests;
        bytes32 root;
    }

    function over(bytes[] memory leaves) internal pure returns (Tree memory) {
        bytes32[] memory digests = new bytes32[](leaves.length);
        for (uint256 i = 0; i < leaves.length; ++i) {
            digests[i] = sha256(leaves[i]);
        }
        return Tree(leaves, digests, root(digests));
    }

    function root(bytes32[] memory digests) internal pure returns (bytes32) {
        return subtree(digests, 0, digests.length);
    }

    /// @notice Siblings of leaf `index`, leaf level first.
    function path(bytes32[] memory digests, uint256 index) internal pure returns (bytes32[] memory siblings) {
        siblings = new bytes32[](64);
        uint256 used;
        (uint256 from, uint256 to) = (0, digests.length);
        while (to - from > 1) {
            uint256 middle = from + _split(to - from);
            bool isLeft = index < middle;
            siblings[used++] = isLeft ? subtree(digests, middle, to) : subtree(digests, from, middle);
            (from, to) = isLeft ? (from, middle) : (middle, to);
        }
        assembly ("memory-safe") {
            mstore(siblings, used)
        }
        for (uint256 i = 0; i < used / 2; ++i) {
            (siblings[i], siblings[used - 1 - i]) = (siblings[used - 1 - i], siblings[i]);
        }
    }

    /// @notice Root over the leaves from ... to - 1.
    function subtree(bytes32[] memory digests, uint256 from, uint256 to) internal pure returns (bytes32) {
        if (to - from == 1) return digests[from];
        uint256 middle = from + _split(to - from);
        return sha256(
            abi.encodePacked(
                hex"82",
                _link(subtree(digests, from, middle), middle - from == 1),
                _link(subtree(digests, middle, to), to - middle == 1)
            )
        );
    }

    /// @dev Tag 42 over a byte string of 37: the identity prefix, then a CIDv1 of sha2-256.
    function _link(bytes32 digest, bool raw) private pure returns (bytes memory) {
        return abi.encodePacked(hex"d82a58250001", raw ? bytes1(0x55) : bytes1(0x71), hex"1220", digest);
    }

    /// @dev Leaves under the left child: the largest power of two below `count`.
    function _split(uint256 count) private pure returns (uint256 left) {
        left = 1;
        while (2 * left < count) {
            left *= 2;
        }
    }
}
