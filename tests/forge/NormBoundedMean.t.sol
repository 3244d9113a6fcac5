// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {IAggregationRule} from "../../interfaces/IAggregationRule.sol";
import {Random} from "./support/Random.sol";
import {Rules} from "./support/Rules.sol";
import {vm} from "./support/Vm.sol";

/// @title The packed norm-bounded mean does what the readable one does.
contract NormBoundedMeanTest {
    IAggregationRule private packed;
    IAggregationRule private readable;

    function setUp() public {
        packed = Rules.packed("NormBoundedMean");
        readable = Rules.readable("NormBoundedMean");
    }

    function testFuzz_a_round_is_the_readable_ones(uint256 seed, uint8 clients) public view {
        _compare(Random.next(seed, 1), 1 + clients % 9, 1 << Random.between(seed >> 8, 5, 7), false);
    }

    /// @dev Norms that are alike, where one more or less decides what is scaled.
    function testFuzz_norms_that_hardly_differ(uint256 seed, uint8 clients) public view {
        _compare(Random.next(seed, 1), 2 + clients % 5, 32, true);
    }

    function test_any_number_of_clients() public view {
        for (uint256 count = 10; count < 34; count += 1 + count / 10) {
            _compare(count, count, 32, false);
        }
    }

    /// @dev Arguments of any kind: what one refuses the other refuses with the same error.
    function testFuzz_both_refuse_the_same(uint256 seed, uint16 cut, uint8 at, uint8 value) public view {
        (bytes memory sums, uint256 total) = _rows(Random.next(seed, 1), 1 + seed % 4, 32, false);
        if (seed & 16 != 0) sums[uint256(at) % 64] = bytes1(value); // mostly in the first header
        if (seed & 32 != 0) {
            uint256 length = uint256(cut) % (sums.length + 1);
            assembly ("memory-safe") {
                mstore(sums, length)
            }
        }
        if (seed & 64 != 0) total = seed % 5 < 3 ? total + seed % 3 : Random.next(seed, 3);
        bytes memory prior = Random.integers(Random.next(seed, 2), 32, 4);
        bytes memory call = abi.encodeCall(IAggregationRule.finish, (sums, prior, total, 2 ** 16));
        (bool ok, bytes memory answer) = address(packed).staticcall(call);
        (bool expected, bytes memory other) = address(readable).staticcall(call);
        vm.assertTrue(ok == expected, "only one of them refuses");
        vm.assertEq(answer, other, "answers");
    }

    function _compare(uint256 seed, uint256 count, uint256 k, bool alike) private view {
        (bytes memory sums, uint256 total) = _rows(Random.next(seed, 1), count, k, alike);
        bytes memory prior = Random.integers(Random.next(seed, 2), k, 4);
        uint32 serverLr = Random.serverLr(Random.next(seed, 3));
        bytes memory result = packed.finish(sums, prior, total, serverLr);
        vm.assertEq(result, readable.finish(sums, prior, total, serverLr), "the new leaf");
    }

    /// @dev What `accumulate` makes of `count` updates of `k` values, random ones or, if `alike`, the same but for one
    /// mantissa of each.
    function _rows(uint256 seed, uint256 count, uint256 k, bool alike)
        private
        view
        returns (bytes memory sums, uint256 total)
    {
        uint8 bits = Random.bits(seed);
        bytes memory leaf = Random.integers(Random.next(seed, 1), k, bits / 8);
        uint8 shift = Random.shift(Random.next(seed, 2), bits);
        for (uint256 i = 0; i < count; ++i) {
            uint256 s = Random.next(seed, 10 + i);
            if (alike) {
                leaf[s % leaf.length] = bytes1(uint8(s >> 16));
            } else {
                (leaf, shift) = (Random.integers(Random.next(s, 1), k, bits / 8), Random.shift(Random.next(s, 2), bits));
            }
            uint32 weight = Random.weight(Random.next(s, 3));
            sums = packed.accumulate(sums, leaf, bits, weight, shift);
            total += weight;
        }
    }
}
