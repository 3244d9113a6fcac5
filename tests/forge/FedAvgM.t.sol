// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {IAggregationRule} from "../../interfaces/IAggregationRule.sol";
import {Formula} from "./support/Formula.sol";
import {Random} from "./support/Random.sol";
import {Rules} from "./support/Rules.sol";
import {vm} from "./support/Vm.sol";

/// @title The rule with momentum does what the readable one does. Its sums are those of FedAvg.
contract FedAvgMTest {
    uint256 private constant MAX_TOTAL = 256 * (2 ** 20 - 1);
    uint32 private constant MAX_LR = 2 ** 17;

    IAggregationRule private packed;
    IAggregationRule private readable;
    IAggregationRule private fedavg;

    function setUp() public {
        packed = Rules.packed("FedAvgM");
        readable = Rules.readable("FedAvgM");
        fedavg = Rules.packed("FedAvg");
    }

    /// @dev 32 ... 8,192 values; any sums at all, int64's limits too, and any state.
    function testFuzz_finish_is_the_readable_ones(uint256 seed, uint64 weight, uint256 heavy) public view {
        uint256 k = 1 << Random.between(seed >> 8, 5, 10);
        uint256 total = heavy % 4 == 0 ? Random.between(heavy >> 2, 1, MAX_TOTAL) : uint256(weight) | 1;
        bytes memory sums = Random.integers(Random.next(seed, 1), k, 8);
        bytes memory prior = Random.integers(Random.next(seed, 2), 2 * k, 4);
        _finish(sums, prior, total, Random.serverLr(Random.next(seed, 3)));
    }

    /// @dev Arguments of any kind, those too that both refuse.
    function testFuzz_accumulate_is_that_of_fedavg(uint256 seed, uint8 bits, uint32 weight, uint8 shift) public view {
        if (seed & 1 != 0) bits = Random.bits(seed >> 8);
        if (seed & 2 != 0) (weight, shift) = (weight % 2 ** 20, shift % 16);
        bytes memory leaf = Random.integers(Random.next(seed, 1), 32 * ((seed >> 16) % 8), 1);
        bytes memory sums =
            Random.integers(Random.next(seed, 2), seed % 3 == 0 ? 0 : bits == 0 ? 1 : leaf.length * 8 / bits, 8);
        bytes memory call = abi.encodeCall(IAggregationRule.accumulate, (sums, leaf, bits, weight, shift));
        (bool ok, bytes memory answer) = address(packed).staticcall(call);
        (bool expected, bytes memory other) = address(fedavg).staticcall(call);
        vm.assertTrue(ok == expected, "only one of them refuses");
        vm.assertEq(answer, other, "answers");
    }

    /// @dev Every corner of sum, weight and momentum, and halves on both sides of zero.
    function test_all_at_the_limits() public view {
        int256 limit = int256(MAX_TOTAL << 30);
        int256[7] memory sums = [-limit, limit, 0, -int256(MAX_TOTAL / 2), int256(MAX_TOTAL / 2), -1, 1];
        int256[7] memory values = [int256(type(int32).min), type(int32).max, 0, -1, 1, -32_768, 32_768];
        bytes memory all = new bytes(8 * 7 * 49);
        bytes memory prior = new bytes(8 * 7 * 49);
        for (uint256 j = 0; j < 7 * 49; ++j) {
            Formula.put(all, j, 8, sums[j / 49]);
            Formula.put(prior, j, 4, values[j / 7 % 7]);
            Formula.put(prior, 7 * 49 + j, 4, values[j % 7]);
        }
        _finish(all, prior, MAX_TOTAL, MAX_LR);
        _finish(all, prior, MAX_TOTAL, 2 ** 16);
        _finish(all, prior, MAX_TOTAL, 1);
        _finish(all, prior, 1, MAX_LR);
        _finish(all, prior, type(uint64).max, type(uint32).max);
    }

    function _finish(bytes memory sums, bytes memory prior, uint256 total, uint32 lr) private view {
        vm.assertEq(packed.finish(sums, prior, total, lr), readable.finish(sums, prior, total, lr), "finish");
    }
}
