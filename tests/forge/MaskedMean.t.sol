// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {IAggregationRule} from "../../interfaces/IAggregationRule.sol";
import {IMaskedRule} from "../../interfaces/IMaskedRule.sol";
import {Formula} from "./support/Formula.sol";
import {Random} from "./support/Random.sol";
import {vm} from "./support/Vm.sol";

/// @title The packed masked mean does what the readable one does, and masks that cancel change nothing.
contract MaskedMeanTest {
    uint256 private constant MAX_WEIGHT = 2 ** 15;

    function testFuzz_sums_are_the_readable_ones(uint256 seed) public {
        (IMaskedRule packed, IMaskedRule readable) = _pair(seed % 16, 1 << (seed >> 8) % 16);
        uint256 k = 1 << Random.between(seed >> 16, 5, 9);
        bytes memory sums;
        bytes memory plain;
        for (uint256 i = 0; i < 4; ++i) {
            bytes memory leaf = Random.integers(Random.next(seed, i), k, 4);
            sums = packed.accumulate(sums, leaf, 32, uint32(i + 1), 0);
            plain = readable.accumulate(plain, leaf, 32, uint32(i + 1), 0);
            vm.assertEq(sums, plain, "sums");
        }
        bytes memory prior = Random.integers(Random.next(seed, 9), k, 4);
        uint32 lr = Random.serverLr(Random.next(seed, 10));
        uint256 total = Random.between(Random.next(seed, 11), 1, MAX_WEIGHT);
        vm.assertEq(packed.finish(sums, prior, total, lr), readable.finish(sums, prior, total, lr), "finish");
    }

    /// @dev Three sites, each pair of which shares a mask: the lower adds it, the higher subtracts it.
    function testFuzz_masks_cancel(uint256 seed) public {
        uint256 s = seed % 16;
        (IMaskedRule packed,) = _pair(s, MAX_WEIGHT);
        uint256 k = 32;
        bytes[3] memory masked = [new bytes(4 * k), new bytes(4 * k), new bytes(4 * k)];
        bytes memory prior = Random.integers(Random.next(seed, 1), k, 4);
        bytes memory expected = new bytes(4 * k);
        for (uint256 j = 0; j < k; ++j) {
            int256 total;
            int256[3] memory m; // shared by sites 0 and 1, 0 and 2, 1 and 2
            for (uint256 i = 0; i < 3; ++i) {
                m[i] = int256(uint256(uint32(Random.next(seed, 100 + 3 * j + i))));
            }
            int256[3] memory masks = [m[0] + m[1], m[2] - m[0], -m[1] - m[2]];
            for (uint256 i = 0; i < 3; ++i) {
                int256 x = int256(Random.next(seed, 1_000 + 3 * j + i) % 200_001) - 100_000;
                total += x;
                Formula.put(masked[i], j, 4, x + masks[i]);
            }
            int256 value = Formula.at(prior, j, 4) + Formula.rounded(total * int256(1 << s), 300);
            if (value > type(int32).max) value = type(int32).max;
            if (value < type(int32).min) value = type(int32).min;
            Formula.put(expected, j, 4, value);
        }
        bytes memory sums;
        for (uint256 i = 0; i < 3; ++i) {
            sums = packed.accumulate(sums, masked[i], 32, 100, 0);
        }
        vm.assertEq(packed.finish(sums, prior, 300, 2 ** 16), expected, "the mean of what was masked");
    }

    /// @dev In every lane a carry out of the top bit, none of which reaches the next.
    function test_no_lane_carries_into_its_neighbour() public {
        (IMaskedRule packed, IMaskedRule readable) = _pair(0, 1);
        int256[5] memory limits = [int256(type(int32).min), type(int32).max, -1, 1, 0];
        for (uint256 a = 0; a < 5; ++a) {
            for (uint256 b = 0; b < 5; ++b) {
                bytes memory left = new bytes(128);
                bytes memory right = new bytes(128);
                for (uint256 j = 0; j < 32; ++j) {
                    Formula.put(left, j, 4, limits[(a + j) % 5]);
                    Formula.put(right, j, 4, limits[(b + 2 * j) % 5]);
                }
                bytes memory sums = packed.accumulate(left, right, 32, 1, 0);
                vm.assertEq(sums, readable.accumulate(left, right, 32, 1, 0), "sums");
                bytes memory result = packed.finish(sums, left, 1, 2 ** 17);
                vm.assertEq(result, readable.finish(sums, left, 1, 2 ** 17), "finish");
            }
        }
    }

    /// @dev A sum just within the bound, one just beyond it on either side, in any place.
    function testFuzz_what_honest_sums_cannot_be(uint256 seed) public {
        uint256 bound = Random.between(seed, 1, MAX_WEIGHT);
        uint256 total = Random.between(Random.next(seed, 1), 1, MAX_WEIGHT);
        (IMaskedRule packed, IMaskedRule readable) = _pair(0, bound);
        int256 most = int256(bound * total);
        int256[4] memory edges = [most, -most, most + 1, -most - 1];
        uint256 place = Random.next(seed, 2) % 32;
        for (uint256 i = 0; i < 4; ++i) {
            bytes memory sums = new bytes(128);
            Formula.put(sums, place, 4, edges[i]);
            vm.assertTrue(packed.exceeds(sums, total) == (i > 1), "packed");
            vm.assertTrue(readable.exceeds(sums, total) == (i > 1), "readable");
        }
        bytes memory noise = Random.integers(Random.next(seed, 3), 32, 4);
        vm.assertTrue(packed.exceeds(noise, total) == readable.exceeds(noise, total), "noise");
    }

    function test_what_it_refuses() public {
        (IMaskedRule packed, IMaskedRule readable) = _pair(15, MAX_WEIGHT);
        for (uint256 i = 0; i < 2; ++i) {
            IMaskedRule rule = i == 0 ? packed : readable;
            _refuses(rule, 16, 1, 0, abi.encodeWithSignature("BadBits(uint8)", 16));
            _refuses(rule, 32, 2 ** 15 + 1, 0, abi.encodeWithSignature("WeightTooLarge(uint32)", 2 ** 15 + 1));
            _refuses(rule, 32, 1, 1, abi.encodeWithSignature("ShiftTooLarge(uint8)", 1));
            bytes memory leaf = new bytes(128);
            vm.expectRevert(abi.encodeWithSignature("BadTotalWeight(uint256)", 0));
            rule.finish(leaf, leaf, 0, 1);
            vm.expectRevert(abi.encodeWithSignature("BadTotalWeight(uint256)", 2 ** 15 + 1));
            rule.finish(leaf, leaf, 2 ** 15 + 1, 1);
            vm.expectRevert(abi.encodeWithSignature("BadTotalWeight(uint256)", 0));
            rule.exceeds(leaf, 0);
            vm.expectRevert(abi.encodeWithSelector(IAggregationRule.LengthMismatch.selector, 128, 256));
            rule.finish(leaf, new bytes(256), 1, 1);
            vm.assertEq(rule.maxClients(1024, 32), 64, "masked");
            vm.assertEq(rule.maxClients(1024, 16), 0, "not masked");
        }
        vm.expectRevert(abi.encodeWithSignature("BadScale(uint256)", 16));
        this.deploy(16, 1);
        vm.expectRevert(abi.encodeWithSignature("BadBound(uint256)", 0));
        this.deploy(0, 0);
        vm.expectRevert(abi.encodeWithSignature("BadBound(uint256)", 2 ** 15 + 1));
        this.deploy(0, 2 ** 15 + 1);
    }

    /// @dev By create, so that the constructor's own error comes back.
    function deploy(uint256 scale, uint256 bound) external returns (address at) {
        bytes memory code = bytes.concat(vm.getCode("MaskedMean.sol:MaskedMean"), abi.encode(scale, bound));
        assembly ("memory-safe") {
            at := create(0, add(code, 32), mload(code))
            if iszero(at) {
                let free := mload(0x40)
                returndatacopy(free, 0, returndatasize())
                revert(free, returndatasize())
            }
        }
    }

    function _refuses(IAggregationRule rule, uint8 bits, uint32 weight, uint8 shift, bytes memory reason) private {
        vm.expectRevert(reason);
        rule.accumulate("", new bytes(128), bits, weight, shift);
    }

    function _pair(uint256 scale, uint256 bound) private returns (IMaskedRule, IMaskedRule) {
        bytes memory arguments = abi.encode(scale, bound);
        return (
            IMaskedRule(vm.deployCode("MaskedMean.sol:MaskedMean", arguments)),
            IMaskedRule(vm.deployCode("MaskedMeanReference.sol:MaskedMeanReference", arguments))
        );
    }
}
