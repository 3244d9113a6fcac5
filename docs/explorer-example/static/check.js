"use strict";
/* Checks a round of federated averaging in the browser that shows the page: a second implementation of what
 * docs/protocol.md says. It uses none of the project's other code and no library, and can be read in one go.
 *
 * It believes a manifest about what the chain says, and believes nothing of whoever hands over the leaves:
 *
 *   {leaf_count, leaf_values, mantissa_bits, server_lr, rule, parts, prior_root, global_root,
 *    updates: [{index, client, root, weight, shift, accepted}],    in the order in which they were revealed
 *    chain_id, coordinator, round, inputs_hash,    if the list of updates is to be checked by one word of the contract
 *    votes: [{client, bitmap}]}                    if it is to be checked which updates count; a bitmap is a text
 *
 * Roots are 64 hexadecimal digits. `source.leaves(root, first, count, size)` promises the bytes of `count` leaves of
 * `size` bytes each, one behind the other, from leaf `first` of the tree that has this root; `source.atOnce` says how
 * many it is best asked for together.
 */
const FedCheck = (() => {
  const BYTES_AT_ONCE = 2 ** 18; // of each tree, so that only a small part of the round is in memory
  const WORK = 50; // milliseconds, after which the page gets its turn to show progress and to hear the reader

  class Unchecked extends Error { verdict = "unchecked"; } // the message says why the round cannot be checked
  class Foreign extends Error { verdict = "foreign"; } // the message says what came that is not what the chain names

  // ---- bytes --------------------------------------------------------------------------------------------------------
  const plain = (hex) => hex.toLowerCase().replace(/^0x/, "");
  const hexOf = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  const bytesOf = (hex) => Uint8Array.from(plain(hex).match(/../g) || [], (pair) => parseInt(pair, 16));
  const sha256 = async (bytes) => new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));

  // ---- trees --------------------------------------------------------------------------------------------------------
  /** The digest of a node: 83 bytes of DAG-CBOR, an array of two links. A link says whether a leaf is behind it. */
  function nodeDigest(...children) {
    const link = ({ digest, isLeaf }) => [0xd8, 0x2a, 0x58, 0x25, 0, 1, isLeaf ? 0x55 : 0x71, 0x12, 0x20, ...digest];
    return sha256(Uint8Array.from([0x82, ...children.flatMap(link)]));
  }

  /** The root over the digests of all leaves. A node that is left over at the end of a level moves up unchanged. */
  async function treeRoot(digests) {
    let level = digests.map((digest) => ({ digest, isLeaf: true }));
    while (level.length > 1) {
      const above = [];
      for (let i = 0; i + 1 < level.length; i += 2)
        above.push({ digest: await nodeDigest(level[i], level[i + 1]), isLeaf: false });
      level = above.concat(level.slice(2 * above.length));
    }
    return level[0].digest;
  }

  /** The root to which a path leads. It has the digests of the neighbours, from the leaf upwards. */
  async function pathRoot(leafCount, index, leafDigest, path) {
    const rest = [...path];
    let digest = leafDigest;
    for (let size = 1, at = index, width = leafCount; width > 1; size *= 2, at >>= 1, width = (width + 1) >> 1) {
      const other = at ^ 1, isLeaf = (i) => size === 1 || i * size === leafCount - 1; // the last one may have moved up
      if (other >= width) continue;
      if (!rest.length) throw new Unchecked(`the path of leaf ${index} is too short`);
      const pair = [{ digest, isLeaf: isLeaf(at) }, { digest: rest.shift(), isLeaf: isLeaf(other) }];
      digest = await nodeDigest(...(at < other ? pair : pair.reverse()));
    }
    if (rest.length) throw new Unchecked(`the path of leaf ${index} is too long`);
    return digest;
  }

  // ---- numbers ------------------------------------------------------------------------------------------------------
  /** The integers in a leaf, the most significant byte first. */
  function valuesOf(leaf, bits) {
    const view = new DataView(leaf.buffer, leaf.byteOffset, leaf.byteLength), size = bits / 8;
    return Array.from({ length: leaf.length / size }, (_, i) => view[`getInt${bits}`](i * size));
  }

  /** R(a, b): a divided by b to the nearest whole number, a half away from zero. */
  function rounded(a, b) {
    const quotient = (2n * (a < 0n ? -a : a) + b) / (2n * b);
    return a < 0n ? -quotient : quotient;
  }

  /** What follows from a leaf of the prior and the same leaf of each accepted update: the new leaf, and its sums. */
  function averageLeaf(manifest, prior, leaves) {
    const updates = manifest.updates.filter(({ accepted }) => accepted), before = valuesOf(prior, 32);
    // A sum can be as large as 2^58, and a double holds whole numbers only up to 2^53. So each factor weight << shift,
    // which is below 2^43, is cut into high * 2^24 + low, and each half is summed in doubles. These are exact here: no
    // term is above 2^24 * 2^15, and no sum of 256 terms above 2^47. BigInts, of any size, do the rest.
    const high = new Float64Array(before.length), low = new Float64Array(before.length);
    leaves.forEach((leaf, u) => {
      const factor = BigInt(updates[u].weight) << BigInt(updates[u].shift);
      const highFactor = Number(factor >> 24n), lowFactor = Number(factor & 0xffffffn);
      valuesOf(leaf, manifest.mantissa_bits).forEach((mantissa, i) => {
        high[i] += highFactor * mantissa;
        low[i] += lowFactor * mantissa;
      });
    });
    const sumAt = (i) => (BigInt(high[i]) << 24n) + BigInt(low[i]);
    const total = BigInt(updates.reduce((sum, { weight }) => sum + weight, 0)), rate = BigInt(manifest.server_lr);
    const after = new DataView(new ArrayBuffer(prior.length));
    before.forEach((value, i) => {
      const step = Number(rounded(rounded(sumAt(i), total) * rate, 65536n)); // not above 2^31
      after.setInt32(4 * i, Math.max(-(2 ** 31), Math.min(2 ** 31 - 1, value + step)));
    });
    return { leaf: new Uint8Array(after.buffer), sumAt, total };
  }

  // ---- what one word of the contract says about the list of updates -------------------------------------------------
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
   * vouched for must hold two thirds of the weight together. */
  function acceptedBy(updates, votes) {
    const weightOf = (list) => list.reduce((sum, { weight }) => sum + weight, 0), total = weightOf(updates);
    const isVouched = updates.map((update, i) => {
      const voters = votes.filter(({ bitmap }) => (BigInt(bitmap) >> BigInt(i)) & 1n).map(({ client }) => client);
      return 3 * weightOf(updates.filter((one) => one === update || voters.includes(one.client))) >= 2 * total;
    });
    const isEnough = 3 * weightOf(updates.filter((_, i) => isVouched[i])) >= 2 * total;
    return isVouched.map((is) => is && isEnough);
  }

  // ---- checking -----------------------------------------------------------------------------------------------------
  /** Refuse what cannot be checked, and a list of updates that is not the one that the contract has. */
  function checkManifest({ rule, parts, leaf_count, leaf_values, mantissa_bits, server_lr, updates, ...manifest }) {
    const isWhole = (number, least, most) => Number.isInteger(number) && number >= least && number <= most;
    if (!globalThis.crypto || !crypto.subtle)
      throw new Unchecked("a browser offers SHA-256 only to pages that came by https, from the same computer, or from "
        + "a file: open this page in one of these ways");
    if (rule !== "fedavg" || parts !== 1)
      throw new Unchecked(`the federation's rule is "${rule}", and this program knows "fedavg" alone`);
    const isShape = isWhole(leaf_count, 2, 2 ** 20) && isWhole(leaf_values, 1, 2 ** 16)
      && [8, 16].includes(mantissa_bits) && isWhole(server_lr, 1, 2 ** 17) && updates.length <= 256;
    const isUpdate = ({ index, weight, shift }, i) =>
      index === i && isWhole(weight, 1, 2 ** 20 - 1) && isWhole(shift, 0, 31 - mantissa_bits);
    if (!isShape || !updates.every(isUpdate)) throw new Unchecked("the page's numbers are not those of a federation");
    if (!updates.some(({ accepted }) => accepted)) throw new Unchecked("no update of this round was accepted");
    if (manifest.inputs_hash && inputsHash({ updates, ...manifest }) !== plain(manifest.inputs_hash))
      throw new Foreign("the page's list of updates is not the one whose hash the contract has");
    const accepted = manifest.votes && acceptedBy(updates, manifest.votes);
    const wrong = updates.find((update, i) => accepted && accepted[i] !== update.accepted);
    if (wrong) throw new Foreign(`the votes do not say about update ${wrong.index} what the page says`);
  }

  /** `count` leaves of a tree. */
  async function fetched(source, { name, root, size }, first, count) {
    const bytes = await source.leaves(root, first, count, size);
    if (bytes.length !== count * size)
      throw new Unchecked(`not all of leaves ${first} to ${first + count - 1} of ${name} are there: `
        + `${bytes.length} bytes came, and ${count * size} are needed`);
    return Array.from({ length: count }, (_, i) => bytes.subarray(i * size, (i + 1) * size));
  }

  /** The first value in which a claimed leaf is wrong, with all that the right one is made of, or null. */
  function difference(manifest, index, average, prior, leaves, claimed) {
    const right = valuesOf(average.leaf, 32), theirs = valuesOf(claimed, 32);
    const at = right.findIndex((value, i) => value !== theirs[i]);
    const mantissas = leaves.map((leaf) => valuesOf(leaf, manifest.mantissa_bits)[at]);
    return at < 0 ? null : { leaf: index, value: at, claimed: theirs[at], right: right[at],
      prior: valuesOf(prior, 32)[at], mantissas, sum: String(average.sumAt(at)), total: Number(average.total) };
  }

  /** Check a whole round. `progress(done, leaves)` is called after each leaf; `signal` is an AbortSignal that stops it.
   * The answer is {verdict, message, root, first, served}. Its verdict is "right"; "wrong" if the global does not
   * follow from the updates; "foreign" if what came is not what the chain names; or "unchecked". `message` says why,
   * `root` is the one that follows, `first` the first wrong value, and `served` whether the global's own leaves, which
   * only serve to name this value, came and were compared. */
  async function checkRound(manifest, source, { progress = () => {}, signal } = {}) {
    const answer = { verdict: "unchecked", message: "", root: "", first: null, served: true };
    const { leaf_count, leaf_values, mantissa_bits, updates, prior_root, global_root } = manifest;
    const tree = (name, root, bits) => ({ name, root: plain(root), size: (bits / 8) * leaf_values, digests: [] });
    const rootOf = async ({ digests }) => hexOf(await treeRoot(digests));
    try {
      checkManifest(manifest);
      const inputs = [tree("the global before the round", prior_root, 32), ...updates.filter(({ accepted }) => accepted)
        .map(({ index, root }) => tree(`update ${index}`, root, mantissa_bits))];
      const claimed = tree("the global", global_root, 32), right = tree("the right global", global_root, 32);
      const atOnce = source.atOnce || Math.max(1, Math.floor(BYTES_AT_ONCE / claimed.size));
      let rested = performance.now();
      for (let start = 0; start < leaf_count; start += atOnce) {
        const count = Math.min(atOnce, leaf_count - start);
        const parts = await Promise.all(inputs.map((input) => fetched(source, input, start, count)));
        const claims = answer.served && await fetched(source, claimed, start, count).catch(() => null);
        answer.served = Boolean(claims);
        for (let i = 0; i < count; i++) {
          if (performance.now() > rested + WORK) {
            await new Promise((resolve) => setTimeout(resolve));
            rested = performance.now();
          }
          if (signal && signal.aborted) throw signal.reason;
          const [prior, ...leaves] = parts.map((part) => part[i]), average = averageLeaf(manifest, prior, leaves);
          for (const [t, leaf] of [prior, ...leaves].entries()) inputs[t].digests.push(await sha256(leaf));
          right.digests.push(await sha256(average.leaf));
          if (claims) claimed.digests.push(await sha256(claims[i]));
          if (claims && !answer.first)
            answer.first = difference(manifest, start + i, average, prior, leaves, claims[i]);
          progress(start + i + 1, leaf_count);
        }
      }
      for (const input of inputs)
        if ((await rootOf(input)) !== input.root)
          throw new Foreign(`the leaves that came for ${input.name} are not those of its root ${input.root}`);
      answer.root = await rootOf(right);
      const isStrange = answer.served && (await rootOf(claimed)) !== claimed.root;
      const isRight = answer.root === right.root;
      if (isStrange && isRight)
        throw new Foreign("the global's root follows from the updates, but the leaves that came for it are others");
      if (isStrange) Object.assign(answer, { served: false, first: null });
      return { ...answer, verdict: isRight ? "right" : "wrong" };
    } catch (error) {
      const message = signal && signal.aborted ? "it was stopped before the last leaf" : error.message;
      return { ...answer, verdict: error.verdict || "unchecked", message, first: null };
    }
  }

  /** Check one leaf of a global or proposal, of which only the digest need be known. `prior` and the list `leaves` of
   * the accepted updates hold {leaf, path}, and `claimed` holds {digest, path}. Verdicts are those of a whole round. */
  async function checkLeaf(manifest, index, prior, leaves, claimed) {
    try {
      checkManifest(manifest);
      const roots = manifest.updates.filter(({ accepted }) => accepted).map(({ root }) => root);
      roots.unshift(manifest.prior_root);
      roots.push(manifest.global_root);
      for (const [i, { leaf, digest, path }] of [prior, ...leaves, claimed].entries()) {
        const size = (manifest.leaf_values * (i ? manifest.mantissa_bits : 32)) / 8;
        if (leaf && leaf.length !== size) throw new Unchecked(`a leaf has ${leaf.length} bytes in place of ${size}`);
        const root = hexOf(await pathRoot(manifest.leaf_count, index, digest || await sha256(leaf), path));
        if (root !== plain(roots[i])) throw new Foreign(`what came is not leaf ${index} of ${roots[i]}`);
      }
      const average = averageLeaf(manifest, prior.leaf, leaves.map(({ leaf }) => leaf));
      const digest = hexOf(await sha256(average.leaf));
      return { verdict: digest === hexOf(claimed.digest) ? "right" : "wrong", message: "", digest };
    } catch (error) {
      return { verdict: error.verdict || "unchecked", message: error.message, digest: "" };
    }
  }

  return { checkRound, checkLeaf, averageLeaf, inputsHash, acceptedBy, keccak256, hexOf, bytesOf };
})();
