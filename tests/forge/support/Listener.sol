// SPDX-License-Identifier: MIT
pragma solidity 0.8.28;

import {IFederationTypes} from "../../../interfaces/IFederationTypes.sol";
import {Vm, vm} from "./Vm.sol";

/// @title What `eth_getLogs` tells of proposals: the digests of each.
abstract contract Listener {
    mapping(bytes32 root => bytes32[] digests) internal heard;
    mapping(address proposer => bytes32[] digests) private _draft; // pages of its unfinished proposal

    /// @dev Logs in order, of any contract.
    function _listen(address coordinator, Vm.Log[] memory logs) internal {
        for (uint256 i = 0; i < logs.length; ++i) {
            if (logs[i].emitter != coordinator) continue;
            if (logs[i].topics[0] == IFederationTypes.ProposalPaged.selector) _page(logs[i]);
            if (logs[i].topics[0] == IFederationTypes.Proposed.selector) {
                heard[logs[i].topics[3]] = _draft[address(uint160(uint256(logs[i].topics[2])))];
            }
        }
    }

    function _page(Vm.Log memory log) private {
        address proposer = address(uint160(uint256(log.topics[2])));
        (uint256 page,, bytes32[] memory digests) = abi.decode(log.data, (uint256, bytes32, bytes32[]));
        if (page == 0) delete _draft[proposer];
        for (uint256 i = 0; i < digests.length; ++i) {
            _draft[proposer].push(digests[i]);
        }
    }
}
