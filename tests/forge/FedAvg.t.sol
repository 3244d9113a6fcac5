// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {IAggregationRule} from "../../interfaces/IAggregationRule.sol";
import {Formula} from "./support/Formula.sol";
import {Random} from "./support/Random.sol";
import {vm} from "./support/Vm.sol";

/// @title The packed rule does what the readable one does, and what the formula says.
contract FedAvgTest {
    uint256 private constant MAX_WEIGHT = 2 ** 20 - 1;
    uint256 private constant MAX_LR = 2 ** 17;

    IAggregationRule private packed;
    IAggregationRule private readable;

    function setUp() public {
        packed = IAggregationRule(vm.deployCode("FedAvg.sol:FedAvg"));
        readable = IAggregationRule(vm.deployCode("FedAvgReference.sol:FedAvgReference"));
    }

    /// @dev 32 ... 8,192 values onto any sums that the protocol can reach.
    function testFuzz_accumulate_is_the_readable_ones(uint256 seed) public view {
        uint8 bits = Random.bits(seed);
        bytes memory sums = _reachable(Random.next(seed, 1), _k(seed >> 8, 13));
        bytes memory leaf = Random.integers(Random.next(seed, 2), sums.length / 8, bits / 8);
        _accumulate(sums, leaf, bits, Random.weight(Random.next(seed, 3)), Random.shift(Random.next(seed, 4), bits));
    }

    /// @dev Any sums at all, int64's limits too.
    function testFuzz_finish_is_the_readable_ones(uint256 seed, uint64 weight, uint256 heavy) public view {
        bytes memory sums = Random.integers(Random.next(seed, 1), _k(seed >> 8, 13), 8);
        bytes memory prior = Random.integers(Random.next(seed, 2), sums.length / 8, 4);
        uint256 total = heavy % 4 == 0 ? Random.between(heavy >> 2, 1, 256 * MAX_WEIGHT) : uint256(weight) | 1;
        _finish(sums, prior, total, Random.serverLr(Random.next(seed, 3)));
    }

    /// @dev A whole leaf of up to 256 clients, in 256 bits and value by value.
    function testFuzz_a_round_is_the_formulas(uint256 seed, uint8 clients) public view {
        uint256 count = seed % 8 == 0 ? uint256(clients) + 1 : 1 + clients % 8;
        _round(Random.next(seed, 1), count, _k(seed >> 8, 6));
    }

    function test_a_round_of_256_clients() public view {
        for (uint256 i = 0; i < 4; ++i) {
            _round(i, 256, 64);
        }
    }

    /// @dev Every shift of both widths, with the smallest and the largest weight, on all patterns of extremes.
    function test_every_shift_at_every_limit() public view {
        for (uint8 bits = 8; bits <= 16; bits += 8) {
            for (uint8 shift = 0; shift <= 31 - bits; ++shift) {
                for (uint256 pattern = 0; pattern < 6; ++pattern) {
                    bytes memory leaf = _pattern(pattern, 64, bits / 8);
                    bytes memory sums = _reachable(Random.next(shift, pattern), 64);
                    _accumulate(sums, leaf, bits, 1, shift);
                    _accumulate(sums, leaf, bits, uint32(MAX_WEIGHT), shift);
                    _accumulate(new bytes(sums.length), leaf, bits, uint32(MAX_WEIGHT), shift);
                }
            }
        }
    }

    /// @dev 256 clients of the largest weight and shift, all values at a limit: the sums come near 2^59, and the result to
    /// the clamp on either side.
    function test_all_at_the_limits() public view {
        for (uint8 bits = 8; bits <= 16; bits += 8) {
            for (uint256 pattern = 0; pattern < 6; ++pattern) {
                bytes memory leaf = _pattern(pattern, 64, bits / 8);
                bytes memory sums = new bytes(8 * 64);
                for (uint256 i = 0; i < 256; ++i) {
                    sums = packed.accumulate(sums, leaf, bits, uint32(MAX_WEIGHT), 31 - bits);
                }
                if (pattern == 0) vm.assertEq(uint256(-Formula.at(sums, 0, 8)), 256 * MAX_WEIGHT << 30, "-2^58");
                for (uint256 i = 0; i < 6; ++i) {
                    bytes memory prior = _pattern(i, 64, 4);
                    _finish(sums, prior, 256 * MAX_WEIGHT, uint32(MAX_LR));
                    _finish(sums, prior, 1, 1);
                    _finish(sums, prior, type(uint64).max, uint32(MAX_LR));
                }
            }
        }
    }

    /// @dev Arguments of any kind: what one refuses the other refuses with the same error, but that the packed one wants
    /// whole words of mantissas.
    function testFuzz_both_refuse_the_same(
        uint16 sumBytes,
        uint16 leafBytes,
        uint8 bits,
        uint32 weight,
        uint8 shift,
        uint256 plausible
    ) public view {
        if (plausible & 1 != 0) bits = plausible & 2 != 0 ? 8 : 16;
        if (plausible & 4 != 0) weight %= 2 ** 20 + 1;
        if (plausible & 8 != 0) shift %= 25;
        uint256 length = plausible & 16 != 0 ? uint256(leafBytes) % 512 / 32 * 32 : uint256(leafBytes) % 512;
        bool fits = plausible & 32 != 0 && (bits == 8 || bits == 16);
        bytes memory leaf = Random.integers(plausible, length, 1);
        bytes memory sums = new bytes(fits ? 8 * length / (bits / 8) : uint256(sumBytes) % 5_000);
        bytes memory call = abi.encodeCall(IAggregationRule.accumulate, (sums, leaf, bits, weight, shift));
        (bool ok, bytes memory answer) = address(packed).staticcall(call);
        (bool expected, bytes memory other) = address(readable).staticcall(call);
        if (length % 32 != 0) return vm.assertFalse(ok, "a part of a word");
        vm.assertTrue(ok == expected, "only one of them refuses");
        vm.assertEq(answer, other, "answers");
    }

    function testFuzz_both_refuse_to_finish_the_same(uint16 sumBytes, uint16 priorBytes, uint256 total, uint32 lr)
        public
        view
    {
        uint256 length = priorBytes % 512;
        bytes memory prior = Random.integers(total, length, 1);
        bytes memory sums = Random.integers(lr, sumBytes % 2 == 0 ? 2 * length : sumBytes % 1_024, 1);
        if (sumBytes % 4 > 1) total %= 2 ** 64;
        bytes memory call = abi.encodeCall(IAggregationRule.finish, (sums, prior, total, lr));
        (bool ok, bytes memory answer) = address(packed).staticcall(call);
        (bool expected, bytes memory other) = address(readable).staticcall(call);
        vm.assertTrue(ok == expected, "only one of them refuses");
        vm.assertEq(answer, other, "answers");
    }

    function _round(uint256 seed, uint256 clients, uint256 k) private view {
        uint8 bits = Random.bits(seed);
        Formula.Terms memory t;
        (t.bits, t.serverLr) = (bits, Random.serverLr(Random.next(seed, 1)));
        (t.mantissas, t.weights, t.shifts) = (new bytes[](clients), new uint256[](clients), new uint256[](clients));
        bytes memory sums = new bytes(8 * k);
        uint256 total;
        for (uint256 i = 0; i < clients; ++i) {
            uint256 s = Random.next(seed, 10 + i);
            t.mantissas[i] = Random.integers(Random.next(s, 1), k, bits / 8);
            (t.weights[i], t.shifts[i]) = (Random.weight(Random.next(s, 2)), Random.shift(Random.next(s, 3), bits));
            sums = _accumulate(sums, t.mantissas[i], bits, uint32(t.weights[i]), uint8(t.shifts[i]));
            total += t.weights[i];
        }
        vm.assertEq(sums, Formula.sums(t, k), "sums");
        bytes memory prior = Random.integers(Random.next(seed, 2), k, 4);
        vm.assertEq(_finish(sums, prior, total, uint32(t.serverLr)), Formula.leaf(t, prior), "the new leaf");
    }

    function _accumulate(bytes memory sums, bytes memory leaf, uint8 bits, uint32 weight, uint8 shift)
        private
        view
        returns (bytes memory result)
    {
        result = packed.accumulate(sums, leaf, bits, weight, shift);
        vm.assertEq(result, readable.accumulate(sums, leaf, bits, weight, shift), "accumulate");
    }

    function _finish(bytes memory sums, bytes memory prior, uint256 total, uint32 lr)
        private
        view
        returns (bytes memory result)
    {
        result = packed.finish(sums, prior, total, lr);
        vm.assertEq(result, readable.finish(sums, prior, total, lr), "finish");
    }

    /// @dev A power of two, 32 ... 2^most.
    function _k(uint256 seed, uint256 most) private pure returns (uint256) {
        return 1 << Random.between(seed, 5, most);
    }

    /// @dev Sums within 2^59 of zero.
    function _reachable(uint256 seed, uint256 k) private pure returns (bytes memory sums) {
        sums = Random.integers(seed, k, 8);
        assembly ("memory-safe") {
            // In every lane the sign once more in the four bits below it: x of 60 bits, in 64.
            for { let at := add(sums, 32) } lt(at, add(add(sums, 32), mload(sums))) { at := add(at, 8) } {
                let lane := sar(4, mload(at))
                let rest := and(mload(at), sub(shl(192, 1), 1))
                mstore(at, or(shl(192, shr(192, lane)), rest))
            }
        }
    }

    /// @dev 0: lowest, 1: highest, 2: zero, 3: minus one, 4: limits in turn, 5: one among zeros.
    function _pattern(uint256 kind, uint256 count, uint256 width) private pure returns (bytes memory data) {
        data = new bytes(count * width);
        int256 high = int256(1) << (8 * width - 1);
        for (uint256 j = 0; j < count; ++j) {
            int256 value =
                [-high, high - 1, int256(0), -1, j % 2 == 0 ? -high : high - 1, j == 7 ? int256(1) : int256(0)][kind];
            Formula.put(data, j, width, value);
        }
    }
}
