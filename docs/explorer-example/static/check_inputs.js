"use strict";
/* What one word of the contract, and the votes, say about the list of a round's updates. check.js says what this is for,
 * and what a manifest holds. */
const FedInputs = (() => {
  const plain = (hex) => hex.toLowerCase().replace(/^0x/, "");
  const hexOf = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  const bytesOf = (hex) => Uint8Array.from(plain(hex).match(/../g) || [], (pair) => parseInt(pair, 16));

  /** keccak-256 as Ethereum uses it: 24 rounds over 25 lanes of 64 bits. Its constants come from a shift register. */
  function keccak256(bytes) {
    const RATE = 136, LANE = (1n << 64n) - 1n;
    const turned = (lane, by) => ((lane << BigInt(by)) | (lane >> BigInt(64 - by))) & LANE;
    const padded = new Uint8Array(Math.ceil((bytes.length + 1) / RATE) * RATE);
    padded.set(bytes);
    padded[bytes.length] = 1;
    padded[padded.length - 1] |= 0x80;
    const input = new DataView(padded.buffer), a = Array(25).fill(0n); // the lane in column x of row y is a[x + 5 * y]
    for (let at = 0; at < padded.length; at += RATE) {
      for (let i = 0; i < RATE / 8; i++) a[i] ^= input.getBigUint64(at + 8 * i, true);
      for (let round = 0, register = 1; round < 24; round++) {
        const columns = [0, 1, 2, 3, 4].map((x) => a[x] ^ a[x + 5] ^ a[x + 10] ^ a[x + 15] ^ a[x + 20]);
        for (let i = 0; i < 25; i++) a[i] ^= columns[(i + 4) % 5] ^ turned(columns[(i + 1) % 5], 1);
        for (let i = 0, x = 1, y = 0, moved = a[1]; i < 24; i++) {
          [x, y] = [y, (2 * x + 3 * y) % 5];
          [moved, a[x + 5 * y]] = [a[x + 5 * y], turned(moved, (((i + 1) * (i + 2)) / 2) % 64)];
        }
        for (let y = 0; y < 25; y += 5) {
          const row = a.slice(y, y + 5);
          for (let x = 0; x < 5; x++) a[x + y] = row[x] ^ (~row[(x + 1) % 5] & LANE & row[(x + 2) % 5]);
        }
        for (let bit = 1; bit <= 64; bit *= 2) {
          if (register & 1) a[0] ^= 1n << BigInt(bit - 1);
          register = (register << 1) ^ (register >> 7 ? 0x171 : 0);
        }
      }
    }
    const output = new DataView(new ArrayBuffer(32));
    for (let i = 0; i < 4; i++) output.setBigUint64(8 * i, a[i], true);
    return new Uint8Array(output.buffer);
  }

  /** The contract's inputsHash: it covers the chain, the contract, the round, the prior, and every revealed update. */
  function inputsHash({ chain_id, coordinator, round, prior_root, updates }) {
    const word = (number) => BigInt(number).toString(16).padStart(64, "0");
    const hash = (...words) => hexOf(keccak256(bytesOf(words.join(""))));
    return updates.reduce(
      (before, { index, client, root, shift, weight }) =>
        hash(before, word(index), word(client), plain(root), word(shift), word(weight)),
      hash(word(chain_id), word(coordinator), word(round), plain(prior_root)));
  }

  /** For each update whether the votes accept it: two thirds of the weight must vouch for it, and the updates that are
   * vouched for must hold two thirds of the weight together; if they are masked, they must be all. */
  function acceptedBy(updates, votes, isMasked = false) {
    const weightOf = (list) => list.reduce((sum, { weight }) => sum + weight, 0), total = weightOf(updates);
    const isVouched = updates.map((update, i) => {
      const voters = votes.filter(({ bitmap }) => (BigInt(bitmap) >> BigInt(i)) & 1n).map(({ client }) => client);
      return 3 * weightOf(updates.filter((one) => one === update || voters.includes(one.client))) >= 2 * total;
    });
    const together = weightOf(updates.filter((_, i) => isVouched[i]));
    const isEnough = isMasked ? isVouched.every((is) => is) : 3 * together >= 2 * total;
    return isVouched.map((is) => is && isEnough);
  }

  return { inputsHash, acceptedBy, keccak256, plain, hexOf, bytesOf };
})();
