// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

/// @title The tree of an update: IPLD raw leaves under DAG-CBOR nodes of two links, sha2-256.
/// @notice `docs/protocol.md` ("Tree") is the specification, `fedprotocol.tree` the Python twin.
/// @dev Neighbours are paired left to right, an odd last one is promoted. A link's codec is raw exactly if its subtree
/// is one leaf; that is always derived from the position, never taken from a caller.
library UpdateTree {
    /// Leaves of a full page. A power of two, so that the roots of pages are nodes of the whole tree.
    uint256 internal constant PAGE_LEAVES = 2048;

    uint256 private constant NODE_BYTES = 83;
    /// Array of two, then a link up to its codec's place: 82 d82a 5825 0001 .. 1220 (10 bytes, codec zero).
    uint256 private constant LEFT = 0x82d82a58250001001220;
    /// A link: d82a 5825 0001 .. 1220 (9 bytes, codec zero).
    uint256 private constant RIGHT = 0xd82a58250001001220;
    /// The codecs, at their place in both.
    uint256 private constant RAW = 0x550000;
    uint256 private constant DAG_CBOR = 0x710000;

    error NoLeaves();
    error WrongPageCount(uint256 given, uint256 expected);
    error LeafOutOfRange(uint256 index, uint256 leafCount);
    error WrongPathLength(uint256 given, uint256 expected);

    /// @notice Root of the subtree over one page.
    /// @param digests sha2-256 digests of raw leaves, left to right; a single one is its own root.
    function pageRoot(bytes32[] calldata digests) internal pure returns (bytes32) {
        bytes32[] memory nodes = digests;
        return _fold(nodes, 0);
    }

    /// @notice Root of a tree of `leafCount` leaves from the roots of its pages.
    /// @param pageRoots All of them, in order. Used as working memory: its contents are lost.
    function rootOfPages(bytes32[] memory pageRoots, uint256 leafCount) internal pure returns (bytes32) {
        uint256 pages = (leafCount + PAGE_LEAVES - 1) / PAGE_LEAVES;
        if (pageRoots.length != pages) revert WrongPageCount(pageRoots.length, pages);
        return _fold(pageRoots, leafCount % PAGE_LEAVES == 1 ? pages - 1 : pages);
    }

    /// @notice Root of a tree of `leafCount` leaves from one leaf and its path.
    /// @param path Sibling digests, leaf level first; levels at which the node is promoted have none.
    function rootFromPath(uint256 leafCount, uint256 index, bytes32 digest, bytes32[] calldata path)
        internal
        pure
        returns (bytes32)
    {
        if (index >= leafCount) revert LeafOutOfRange(index, leafCount);
        if (path.length != pathLength(leafCount, index)) {
            revert WrongPathLength(path.length, pathLength(leafCount, index));
        }
        bytes memory node = new bytes(NODE_BYTES);
        uint256 used;
        uint256 span = 1; // leaves under a node of this level, unless it is the last one
        for (uint256 count = leafCount; count > 1; count = (count + 1) / 2) {
            uint256 sibling = index ^ 1;
            if (sibling < count) {
                bool raw = span == 1 || index * span == leafCount - 1;
                bool siblingRaw = span == 1 || sibling * span == leafCount - 1;
                digest = index < sibling
                    ? _hash(node, digest, raw, path[used++], siblingRaw)
                    : _hash(node, path[used++], siblingRaw, digest, raw);
            }
            index /= 2;
            span *= 2;
        }
        return digest;
    }

    /// @notice Siblings in the path of leaf `index`.
    function pathLength(uint256 leafCount, uint256 index) internal pure returns (uint256 length) {
        for (uint256 count = leafCount; count > 1; count = (count + 1) / 2) {
            if ((index ^ 1) < count) length++;
            index /= 2;
        }
    }

    /// @dev Fold a level, in place, up to its root. Nodes from `rawFrom` on are single leaves.
    function _fold(bytes32[] memory nodes, uint256 rawFrom) private pure returns (bytes32) {
        uint256 count = nodes.length;
        if (count == 0) revert NoLeaves();
        bytes memory node = new bytes(NODE_BYTES);
        while (count > 1) {
            uint256 pairs = count / 2;
            for (uint256 i = 0; i < pairs; i++) {
                (bytes32 left, bytes32 right) = _pair(nodes, i);
                bytes32 parent = _hash(node, left, 2 * i >= rawFrom, right, 2 * i + 1 >= rawFrom);
                _set(nodes, i, parent);
            }
            bool promotes = count % 2 == 1;
            if (promotes) nodes[pairs] = nodes[count - 1];
            bool leafPromoted = promotes && rawFrom < count;
            count = promotes ? pairs + 1 : pairs;
            rawFrom = leafPromoted ? pairs : count;
        }
        return nodes[0];
    }

    /// @dev nodes[2i] and nodes[2i + 1], without the bounds checks (2i + 1 < nodes.length).
    function _pair(bytes32[] memory nodes, uint256 i) private pure returns (bytes32 left, bytes32 right) {
        assembly ("memory-safe") {
            let at := add(add(nodes, 32), shl(6, i))
            left := mload(at)
            right := mload(add(at, 32))
        }
    }

    /// @dev nodes[i] = value, without the bounds check (i < nodes.length).
    function _set(bytes32[] memory nodes, uint256 i, bytes32 value) private pure {
        assembly ("memory-safe") {
            mstore(add(add(nodes, 32), shl(5, i)), value)
        }
    }

    /// @dev Digest of the node with these children; `node` is a buffer of NODE_BYTES.
    function _hash(bytes memory node, bytes32 left, bool leftRaw, bytes32 right, bool rightRaw)
        private
        pure
        returns (bytes32)
    {
        uint256 first = LEFT | (leftRaw ? RAW : DAG_CBOR);
        uint256 second = RIGHT | (rightRaw ? RAW : DAG_CBOR);
        assembly ("memory-safe") {
            mstore(add(node, 32), shl(176, first)) // bytes 0..9
            mstore(add(node, 42), left) // 10..41
            mstore(add(node, 74), shl(184, second)) // 42..50
            mstore(add(node, 83), right) // 51..82
        }
        return sha256(node);
    }
}
