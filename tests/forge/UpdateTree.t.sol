// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {LeafTree} from "./support/LeafTree.sol";
import {Random} from "./support/Random.sol";
import {vm} from "./support/Vm.sol";

interface IUpdateTree {
    function pageRoot(bytes32[] calldata digests) external view returns (bytes32);
    function rootOfPages(bytes32[] calldata pageRoots, uint256 leafCount) external view returns (bytes32);
    function rootFromPath(uint256 leafCount, uint256 index, bytes32 digest, bytes32[] calldata path)
        external
        view
        returns (bytes32);
}

/// @title Roots and paths against another definition of the same tree.
contract UpdateTreeTest {
    uint256 private constant PAGE = 2048;

    IUpdateTree private tree;

    error WrongPathLength(uint256 given, uint256 expected);

    function setUp() public {
        tree = IUpdateTree(vm.deployCode("UpdateTreeHarness.sol:UpdateTreeHarness"));
    }

    function testFuzz_every_path_leads_to_the_root(uint256 seed, uint16 count, uint256 index) public view {
        bytes32[] memory digests = _digests(seed, _count(count));
        index %= digests.length;
        bytes32 root = LeafTree.root(digests);
        vm.assertEq(
            tree.rootFromPath(digests.length, index, digests[index], LeafTree.path(digests, index)), root, "path"
        );
        vm.assertEq(tree.pageRoot(digests), root, "page");
    }

    function test_every_path_of_every_small_tree() public view {
        for (uint256 count = 2; count <= 20; ++count) {
            bytes32[] memory digests = _digests(count, count);
            bytes32 root = LeafTree.root(digests);
            for (uint256 i = 0; i < count; ++i) {
                vm.assertEq(tree.rootFromPath(count, i, digests[i], LeafTree.path(digests, i)), root, "path");
            }
        }
    }

    /// @dev One bit anywhere, in the leaf or a sibling, leads elsewhere.
    function testFuzz_a_changed_path_leads_elsewhere(
        uint256 seed,
        uint16 count,
        uint256 index,
        uint256 where,
        uint8 bit
    ) public view {
        bytes32[] memory digests = _digests(seed, _count(count));
        index %= digests.length;
        bytes32[] memory path = LeafTree.path(digests, index);
        bytes32 digest = digests[index];
        bytes32 flip = bytes32(1 << uint256(bit));
        where %= path.length + 1;
        if (where == path.length) digest ^= flip;
        else path[where] ^= flip;
        bytes32 root = tree.rootFromPath(digests.length, index, digest, path);
        vm.assertNotEq(root, LeafTree.root(digests), "another leaf or path");
    }

    /// @dev A leaf shows nothing at another place, and an inner node is no leaf's digest at any depth.
    function testFuzz_a_leaf_stands_at_one_place_only(uint256 seed, uint16 count, uint256 index, uint256 other)
        public
        view
    {
        bytes32[] memory digests = _digests(seed, _count(count));
        (index, other) = (index % digests.length, other % digests.length);
        bytes32[] memory path = LeafTree.path(digests, index);
        bytes32 root = LeafTree.root(digests);
        if (index != other && path.length == LeafTree.path(digests, other).length) {
            vm.assertNotEq(tree.rootFromPath(digests.length, other, digests[index], path), root, "another place");
        }
        uint256 pair = index & ~uint256(1);
        if (pair + 1 < digests.length) {
            bytes32 node = LeafTree.subtree(digests, pair, pair + 2);
            bytes32[] memory above = new bytes32[](path.length - 1);
            for (uint256 i = 0; i < above.length; ++i) {
                above[i] = path[i + 1];
            }
            vm.assertTrue(_leadsElsewhere(digests.length, index, node, above, root), "a node for a leaf");
            if (digests.length < 4) return; // no tree has one leaf
            vm.assertTrue(_leadsElsewhere(digests.length / 2, index / 2, node, above, root), "in a tree half as large");
        }
    }

    function testFuzz_a_path_of_another_length_reverts(uint256 seed, uint16 count, uint256 index, uint8 length) public {
        bytes32[] memory digests = _digests(seed, _count(count));
        index %= digests.length;
        uint256 right = LeafTree.path(digests, index).length;
        uint256 wrong = uint256(length) % 64;
        if (wrong == right) ++wrong;
        vm.expectRevert(abi.encodeWithSelector(WrongPathLength.selector, wrong, right));
        tree.rootFromPath(digests.length, index, digests[index], _digests(seed, wrong));
    }

    /// @dev Roots of pages are nodes of the whole tree: one more leaf than full pages is promoted beside them.
    function test_trees_of_several_pages() public view {
        uint16[4] memory counts = [uint16(PAGE), 2049, 4097, 5000];
        for (uint256 i = 0; i < counts.length; ++i) {
            bytes32[] memory digests = _digests(i, counts[i]);
            bytes32 root = LeafTree.root(digests);
            vm.assertEq(tree.rootOfPages(_pageRoots(digests), digests.length), root, "pages");
            uint256 last = digests.length - 1;
            vm.assertEq(tree.rootFromPath(last + 1, last, digests[last], LeafTree.path(digests, last)), root, "path");
        }
    }

    function _pageRoots(bytes32[] memory digests) private view returns (bytes32[] memory roots) {
        roots = new bytes32[]((digests.length + PAGE - 1) / PAGE);
        for (uint256 p = 0; p < roots.length; ++p) {
            uint256 left = digests.length - p * PAGE;
            bytes32[] memory page = new bytes32[](left < PAGE ? left : PAGE);
            for (uint256 i = 0; i < page.length; ++i) {
                page[i] = digests[p * PAGE + i];
            }
            roots[p] = tree.pageRoot(page);
        }
    }

    function _leadsElsewhere(uint256 count, uint256 index, bytes32 digest, bytes32[] memory path, bytes32 root)
        private
        view
        returns (bool)
    {
        try tree.rootFromPath(count, index, digest, path) returns (bytes32 computed) {
            return computed != root;
        } catch {
            return true;
        }
    }

    /// @dev 2 ... 300, small ones half of the time.
    function _count(uint16 seed) private pure returns (uint256) {
        return Random.between(seed >> 1, 2, seed % 2 == 0 ? 12 : 300);
    }

    function _digests(uint256 seed, uint256 count) private pure returns (bytes32[] memory digests) {
        digests = new bytes32[](count);
        for (uint256 i = 0; i < count; ++i) {
            digests[i] = bytes32(Random.next(seed, i));
        }
    }
}
