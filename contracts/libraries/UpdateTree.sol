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
    /// What stands before the left digest: 82 d82a 5825 0001 <codec> 1220, with the codec left out.
    uint256 private constant LEFT = 0x82d82a58250001001220;
    /// What stands before the right one: d82a 5825 0001 <codec> 1220.
    uint256 private constant RIGHT = 0xd82a58250001001220;
    /// The codecs, at their place in both.
    uint256 private constant RAW = 0x550000;
    uint256 private constant DAG_CBOR = 0x710000;

    error NoLeaves();
    error WrongPageCount(uint256 given, uint256 expected);
    error LeafOutOfRange(uint256 index, uint256 leafCount);
    error WrongPathLength(uint256 given, uint256 expected);
    error HashFailed(); // out of gas in the precompile

    /// @notice Root of the subtree over one page.
    /// @param digests sha2-256 digests of raw leaves, left to right; a single one is its own root.
    function pageRoot(bytes32[] calldata digests) internal view returns (bytes32) {
        bytes32[] memory nodes = digests;
        return _fold(nodes, true, true);
    }

    /// @notice Root of a tree of `leafCount` leaves from the roots of its pages.
    /// @param pageRoots All of them, in order. Used as working memory: its contents are lost.
    function rootOfPages(bytes32[] memory pageRoots, uint256 leafCount) internal view returns (bytes32) {
        uint256 pages = (leafCount + PAGE_LEAVES - 1) / PAGE_LEAVES;
        if (pageRoots.length != pages) revert WrongPageCount(pageRoots.length, pages);
        return _fold(pageRoots, false, leafCount % PAGE_LEAVES == 1);
    }

    /// @notice Root of a tree of `leafCount` leaves from one leaf and its path.
    /// @param path Sibling digests, leaf level first; levels at which the node is promoted have none.
    function rootFromPath(uint256 leafCount, uint256 index, bytes32 digest, bytes32[] calldata path)
        internal
        view
        returns (bytes32)
    {
        if (index >= leafCount) revert LeafOutOfRange(index, leafCount);
        uint256 last = leafCount - 1;
        if (path.length != _pathLength(last, index)) revert WrongPathLength(path.length, _pathLength(last, index));
        bytes memory node = new bytes(NODE_BYTES);
        uint256 used = 0;
        uint256 written = 3; // raw links in the codecs that `node` has; none are set yet
        unchecked {
            for (uint256 level = 0; last >> level != 0; level++) {
                uint256 right = (index >> level) | 1; // of the pair at this level; the last node there is last >> level
                if (right > last >> level) continue;
                // Above the leaves nothing is raw but a promoted last leaf: the codecs seldom change.
                uint256 rawLinks = level == 0 ? 2 : right << level == last ? 1 : 0;
                if (rawLinks != written) _setCodecs(node, rawLinks == 2, rawLinks != 0);
                written = rawLinks;
                bytes32 sibling = path[used++];
                digest = index >> level == right ? _hashPair(node, sibling, digest) : _hashPair(node, digest, sibling);
            }
        }
        return digest;
    }

    /// @dev Digest of a node. `node` is its buffer, with the codecs set.
    function _hashPair(bytes memory node, bytes32 left, bytes32 right) private view returns (bytes32 digest) {
        bool ok;
        assembly ("memory-safe") {
            mstore(add(node, 42), left) // bytes 10..41
            mstore(add(node, 83), right) // bytes 51..82
            ok := staticcall(gas(), 2, add(node, 32), NODE_BYTES, 0, 32)
            digest := mload(0)
        }
        if (!ok) revert HashFailed();
    }

    /// @dev Siblings in the path of leaf `index`, `last` being the last leaf.
    function _pathLength(uint256 last, uint256 index) private pure returns (uint256 length) {
        for (uint256 level = 0; last >> level != 0; level++) {
            if ((index >> level) | 1 <= last >> level) length++;
        }
    }

    /// @dev Fold a level, in place, up to its root.
    /// @param leaves Every node is a leaf.
    /// @param lastIsLeaf The last one is.
    function _fold(bytes32[] memory nodes, bool leaves, bool lastIsLeaf) private view returns (bytes32) {
        uint256 count = nodes.length;
        if (count == 0) revert NoLeaves();
        bytes memory node = new bytes(NODE_BYTES);
        while (count > 1) {
            uint256 pairs = count / 2;
            bool promotes = count % 2 == 1;
            _setCodecs(node, leaves, leaves);
            _hashPairs(node, nodes, 0, pairs - 1);
            _setCodecs(node, leaves, leaves || (lastIsLeaf && !promotes));
            _hashPairs(node, nodes, pairs - 1, pairs);
            if (promotes) nodes[pairs] = nodes[count - 1];
            count -= pairs;
            lastIsLeaf = lastIsLeaf && promotes;
            leaves = false;
        }
        return nodes[0];
    }

    /// @dev Write all of a node but its two digests.
    function _setCodecs(bytes memory node, bool leftRaw, bool rightRaw) private pure {
        uint256 left = LEFT | (leftRaw ? RAW : DAG_CBOR);
        uint256 right = RIGHT | (rightRaw ? RAW : DAG_CBOR);
        assembly ("memory-safe") {
            mstore(add(node, 32), shl(176, left)) // bytes 0..9
            mstore(add(node, 74), shl(184, right)) // bytes 42..50
        }
    }

    /// @dev nodes[i] = digest of the node over nodes[2i] and nodes[2i + 1], for from <= i < to. `node` is its buffer,
    /// with the codecs set. In assembly, unchecked: a page has 2,047 of them.
    function _hashPairs(bytes memory node, bytes32[] memory nodes, uint256 from, uint256 to) private view {
        bool ok = true;
        assembly ("memory-safe") {
            let data := add(node, 32)
            let first := add(nodes, 32)
            for { let i := from } lt(i, to) { i := add(i, 1) } {
                let pair := add(first, shl(6, i))
                mstore(add(data, 10), mload(pair)) // bytes 10..41
                mstore(add(data, 51), mload(add(pair, 32))) // bytes 51..82
                ok := and(ok, staticcall(gas(), 2, data, NODE_BYTES, add(first, shl(5, i)), 32))
            }
        }
        if (!ok) revert HashFailed();
    }
}
