// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {IAggregationRule} from "../../interfaces/IAggregationRule.sol";
import {Random} from "./support/Random.sol";
import {vm} from "./support/Vm.sol";

/// @title The packed trimmed mean and median do what the readable ones do.
contract MiddleMeanTest {
    IAggregationRule[2] private packed;
    IAggregationRule[2] private readable;

    function setUp() public {
        packed[0] = IAggregationRule(vm.deployCode("TrimmedMean.sol:TrimmedMean"));
        readable[0] = IAggregationRule(vm.deployCode("TrimmedMeanReference.sol:TrimmedMeanReference"));
        packed[1] = IAggregationRule(vm.deployCode("Median.sol:Median"));
        readable[1] = IAggregationRule(vm.deployCode("MedianReference.sol:MedianReference"));
    }

    function testFuzz_a_round_is_the_readable_ones(uint256 seed, uint8 clients) public view {
        _compare(Random.next(seed, 1), 1 + clients % 9, 1 << Random.between(seed >> 8, 5, 6));
    }

    /// @dev For every number of clients other pairs are compared.
    function test_any_number_of_clients() public view {
        for (uint256 count = 10; count < 34; count += 1 + count / 10) {
            _compare(count, count, 32);
        }
    }

    /// @dev Arguments of any kind: what one refuses the other refuses with the same error, but that the packed one wants
    /// whole blocks of values.
    function testFuzz_both_refuse_the_same(uint256 seed, uint16 cut, uint8 at, uint8 value) public view {
        bytes memory sums = _rows(Random.next(seed, 1), 1 + seed % 4, 32);
        if (seed & 16 != 0) sums[uint256(at) % 64] = bytes1(value); // mostly in the first header
        bytes memory given = sums;
        if (seed & 32 != 0) given = _cut(sums, uint256(cut) % (sums.length + 1));
        bytes memory prior = Random.integers(Random.next(seed, 2), 32, 4);
        bytes memory call = abi.encodeCall(IAggregationRule.finish, (given, prior, 1, 2 ** 16));
        for (uint256 i = 0; i < 2; ++i) {
            (bool ok, bytes memory answer) = address(packed[i]).staticcall(call);
            (bool expected, bytes memory other) = address(readable[i]).staticcall(call);
            vm.assertTrue(ok == expected, "only one of them refuses");
            vm.assertEq(answer, other, "answers");
        }
    }

    /// @dev Both accumulate alike, because both gather; here it is compared with what the form says.
    function testFuzz_rows_follow_one_another(uint256 seed) public view {
        uint8 bits = Random.bits(seed);
        (uint32 weight, uint8 shift) = (Random.weight(Random.next(seed, 3)), Random.shift(Random.next(seed, 4), bits));
        bytes memory leaf = Random.integers(Random.next(seed, 2), 64, bits / 8);
        bytes memory before = Random.integers(Random.next(seed, 5), (seed >> 8) % 4 * (32 + leaf.length), 1);
        bytes memory row = bytes.concat(new bytes(26), bytes1(bits), bytes4(weight), bytes1(shift), leaf);
        for (uint256 i = 0; i < 2; ++i) {
            bytes memory sums = packed[i].accumulate(before, leaf, bits, weight, shift);
            vm.assertEq(sums, bytes.concat(before, row), "a row at the end");
        }
    }

    function _compare(uint256 seed, uint256 count, uint256 k) private view {
        bytes memory sums = _rows(Random.next(seed, 1), count, k);
        bytes memory prior = Random.integers(Random.next(seed, 2), k, 4);
        uint32 serverLr = Random.serverLr(Random.next(seed, 3));
        for (uint256 i = 0; i < 2; ++i) {
            bytes memory result = packed[i].finish(sums, prior, 1, serverLr);
            vm.assertEq(result, readable[i].finish(sums, prior, 1, serverLr), "the new leaf");
        }
    }

    /// @dev What `accumulate` makes of `count` random updates of `k` values.
    function _rows(uint256 seed, uint256 count, uint256 k) private view returns (bytes memory sums) {
        uint8 bits = Random.bits(seed);
        for (uint256 i = 0; i < count; ++i) {
            uint256 s = Random.next(seed, i);
            bytes memory leaf = Random.integers(Random.next(s, 1), k, bits / 8);
            uint32 weight = Random.weight(Random.next(s, 2));
            sums = packed[0].accumulate(sums, leaf, bits, weight, Random.shift(Random.next(s, 3), bits));
        }
    }

    function _cut(bytes memory data, uint256 length) private pure returns (bytes memory part) {
        part = new bytes(length);
        for (uint256 i = 0; i < length; ++i) {
            part[i] = data[i];
        }
    }
}
