"use strict";
/* Checks a round of federated averaging in the browser that shows the page: a second implementation of what
 * docs/protocol.md says. It uses none of the project's other code and no library, and can be read in one go together
 * with check_inputs.js and check_rules.js, which have what the contract says about the updates, and the rules.
 *
 * It believes a manifest about what the chain says, and believes nothing of whoever hands over the leaves:
 *
 *   {leaf_count, leaf_values, mantissa_bits, server_lr, rule, parts, prior_root, global_root,
 *    updates: [{index, client, root, weight, shift, accepted}],    in the order in which they were revealed
 *    chain_id, coordinator, round, inputs_hash,    if the list of updates is to be checked by one word of the contract
 *    masking: {scale, bound},                      of the rule, if updates are masked (mantissa_bits = 32)
 *    votes: [{client, bitmap}]}                    if it is to be checked which updates count; a bitmap is a text
 *
 * A global has `leaf_count` leaves for each of its `parts`: those of the weights come first, then those of what the rule
 * keeps beside them. Roots are 64 hexadecimal digits. `source.leaves(root, first, count, size)` promises the bytes of
 * `count` leaves of `size` bytes each, one behind the other, from leaf `first` of the tree that has this root;
 * `source.atOnce` says how many of a part it is best asked for together.
 */
const FedCheck = (() => {
  const BYTES_AT_ONCE = 2 ** 18; // of each tree, so that only a small part of the round is in memory
  const MASKED_BITS = 32; // of a value whose update is masked
  const GARBAGE = "is out of range: somebody sent something else than a masked update, so that nothing follows from the "
    + "updates, and anybody could make the round void";
  const WORK = 50; // milliseconds, after which the page gets its turn to show progress and to hear the reader

  class Unchecked extends Error { verdict = "unchecked"; } // the message says why the round cannot be checked
  class Foreign extends Error { verdict = "foreign"; } // the message says what came that is not what the chain names

  const { inputsHash, acceptedBy, plain, hexOf } = FedInputs, { RULES, maskedSums } = FedRules;
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

  function leafOf(values) {
    const view = new DataView(new ArrayBuffer(4 * values.length));
    values.forEach((value, i) => view.setInt32(4 * i, value));
    return new Uint8Array(view.buffer);
  }

  /** What follows from all parts of a leaf of the prior and the same leaf of each accepted update: the parts of the new
   * leaf, and a calculation of each value in lines. */
  function nextLeaf({ rule, updates, mantissa_bits, server_lr, masking }, prior, leaves) {
    const accepted = givenIn(updates, mantissa_bits, leaves), before = prior.map((part) => valuesOf(part, 32));
    const { after, words, isGarbage } = RULES[rule].next(before, accepted, server_lr, masking);
    const given = (i) => accepted.map(({ index, shift, mantissas, values }) => mantissa_bits === MASKED_BITS
      ? maskedWords(index, mantissas[i]) : `update ${index}: ${mantissas[i]} * 2^${shift} = ${values[i]}`);
    return { leaves: after.map(leafOf), isGarbage: Boolean(isGarbage), words: (i) => [...given(i), ...words(i)] };
  }

  /** What each accepted update has in a leaf, of which there is one of each. */
  function givenIn(updates, bits, leaves) {
    return updates.filter(({ accepted }) => accepted).map(({ index, weight, shift }, u) => {
      const mantissas = valuesOf(leaves[u], bits);
      return { index, weight, shift, mantissas, values: mantissas.map((mantissa) => mantissa * 2 ** shift) };
    });
  }
  const maskedWords = (index, value) => `update ${index}, masked: ${value}`;

  // ---- checking -----------------------------------------------------------------------------------------------------
  /** Refuse what cannot be checked, and a list of updates that is not the one that the contract has. */
  function checkManifest({ rule, parts, leaf_count, leaf_values, mantissa_bits, server_lr, updates, ...manifest }) {
    const isWhole = (number, least, most) => Number.isInteger(number) && number >= least && number <= most;
    if (!globalThis.crypto || !crypto.subtle)
      throw new Unchecked("a browser offers SHA-256 only to pages that came by https, from the same computer, or from "
        + "a file: open this page in one of these ways");
    if (!Object.hasOwn(RULES, rule))
      throw new Unchecked(
        `the federation's rule is "${rule}", and this program knows ${Object.keys(RULES).join(", ")}`);
    const isMasked = mantissa_bits === MASKED_BITS;
    const isShape = parts === RULES[rule].parts && isWhole(leaf_count, 2, 2 ** 20) && isWhole(leaf_values, 1, 2 ** 16)
      && [8, 16, MASKED_BITS].includes(mantissa_bits) && isWhole(server_lr, 1, 2 ** 17) && updates.length <= 256
      && isMasked === (rule === "masked-mean") && isMasked === Boolean(manifest.masking)
      && (!isMasked || (isWhole(manifest.masking.scale, 0, 15) && isWhole(manifest.masking.bound, 1, 2 ** 15)));
    const isUpdate = ({ index, weight, shift }, i) => index === i && isWhole(weight, 1, isMasked ? 2 ** 15 : 2 ** 20 - 1)
      && isWhole(shift, 0, Math.max(0, 31 - mantissa_bits));
    if (!isShape || !updates.every(isUpdate)) throw new Unchecked("the page's numbers are not those of a federation");
    if (!updates.some(({ accepted }) => accepted)) throw new Unchecked("no update of this round was accepted");
    if (manifest.inputs_hash && inputsHash({ updates, ...manifest }) !== plain(manifest.inputs_hash))
      throw new Foreign("the page's list of updates is not the one whose hash the contract has");
    const accepted = manifest.votes && acceptedBy(updates, manifest.votes, isMasked);
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

  /** The first value in which a claimed leaf is wrong, and how the right one is computed, or null. */
  function difference(index, part, next, prior, claimed) {
    const right = valuesOf(next.leaves[part], 32), theirs = valuesOf(claimed, 32);
    const at = right.findIndex((value, i) => value !== theirs[i]);
    return at < 0 ? null : { leaf: index, part, value: at, claimed: theirs[at], right: right[at],
      prior: valuesOf(prior[part], 32)[at], words: next.words(at) };
  }

  /** Check a whole round. `progress(done, leaves)` is called after each leaf; `signal` is an AbortSignal that stops it.
   * The answer is {verdict, message, root, first, served}. Its verdict is "right"; "wrong" if the global does not
   * follow from the updates; "foreign" if what came is not what the chain names; or "unchecked". `message` says why,
   * `root` is the one that follows, `first` the first wrong value, and `served` whether the global's own leaves, which
   * only serve to name this value, came and were compared. */
  async function checkRound(manifest, source, { progress = () => {}, signal } = {}) {
    const answer = { verdict: "unchecked", message: "", root: "", first: null, served: true };
    const { leaf_count, leaf_values, mantissa_bits, parts, updates, prior_root, global_root } = manifest;
    const tree = (name, root, bits, parts = 1) => (
      { name, root: plain(root), size: (bits / 8) * leaf_values, digests: Array.from({ length: parts }, () => []) });
    const rootOf = async ({ digests }) => hexOf(await treeRoot(digests.flat()));
    /** `count` leaves of each part of a tree. */
    const read = ({ digests, ...of }, first, count) =>
      Promise.all(digests.map((_, part) => fetched(source, of, part * leaf_count + first, count)));
    const keep = async ({ digests }, leaves) => {
      for (const [part, leaf] of leaves.entries()) digests[part].push(await sha256(leaf));
    };
    try {
      checkManifest(manifest);
      const before = tree("the global before the round", prior_root, 32, parts);
      const inputs = [before, ...updates.filter(({ accepted }) => accepted)
        .map(({ index, root }) => tree(`update ${index}`, root, mantissa_bits))];
      const claimed = tree("the global", global_root, 32, parts);
      const right = tree("the right global", global_root, 32, parts);
      const atOnce = source.atOnce || Math.max(1, Math.floor(BYTES_AT_ONCE / claimed.size));
      let rested = performance.now(), garbage = null;
      for (let start = 0; start < leaf_count; start += atOnce) {
        const count = Math.min(atOnce, leaf_count - start);
        const given = await Promise.all(inputs.map((input) => read(input, start, count)));
        const claims = answer.served && await read(claimed, start, count).catch(() => null);
        answer.served = Boolean(claims);
        for (let i = 0; i < count; i++) {
          if (performance.now() > rested + WORK) {
            await new Promise((resolve) => setTimeout(resolve));
            rested = performance.now();
          }
          if (signal && signal.aborted) throw signal.reason;
          const leaves = given.map((parts) => parts.map((part) => part[i])), [prior, ...own] = leaves;
          const next = nextLeaf(manifest, prior, own.flat());
          if (next.isGarbage && garbage === null) garbage = start + i;
          for (const [t, parts] of leaves.entries()) await keep(inputs[t], parts);
          await keep(right, next.leaves);
          if (claims) await keep(claimed, claims.map((part) => part[i]));
          for (let part = 0; claims && part < (answer.first ? answer.first.part : parts); part++) {
            const found = difference(part * leaf_count + start + i, part, next, prior, claims[part][i]);
            if (found) answer.first = found;
          }
          progress(start + i + 1, leaf_count);
        }
      }
      for (const input of inputs)
        if ((await rootOf(input)) !== input.root)
          throw new Foreign(`the leaves that came for ${input.name} are not those of its root ${input.root}`);
      if (garbage !== null) throw new Unchecked(`the sum of all updates in leaf ${garbage} ${GARBAGE}`);
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

  /** Refuse {leaf, path} or {digest, path} that is not what `root` has at place `at` of `count`. */
  async function checkOpened({ leaf, digest, path }, root, { count, at }, size) {
    if (leaf && leaf.length !== size) throw new Unchecked(`a leaf has ${leaf.length} bytes in place of ${size}`);
    if (hexOf(await pathRoot(count, at, digest || await sha256(leaf), path)) !== plain(root))
      throw new Foreign(`what came is not leaf ${at} of ${root}`);
  }

  /** Refuse what is not leaf `index` of each accepted update. */
  async function checkGiven({ leaf_count, leaf_values, mantissa_bits, updates }, index, leaves) {
    const roots = updates.filter(({ accepted }) => accepted).map(({ root }) => root);
    if (leaves.length !== roots.length) throw new Unchecked("not all leaves are there");
    for (const [u, opened] of leaves.entries())
      await checkOpened(opened, roots[u], { count: leaf_count, at: index }, (leaf_values * mantissa_bits) / 8);
  }

  /** Check leaf `index` of part `part` of a global or proposal, of which only the digest need be known. The lists
   * `prior`, of the parts of this leaf, and `leaves`, of the accepted updates, hold {leaf, path}, and `claimed` holds
   * {digest, path}. Verdicts are those of a whole round. */
  async function checkLeaf(manifest, index, part, prior, leaves, claimed) {
    try {
      checkManifest(manifest);
      const { leaf_count, leaf_values, parts, prior_root, global_root } = manifest;
      const inGlobal = (part) => ({ count: leaf_count * parts, at: part * leaf_count + index });
      if (prior.length !== parts) throw new Unchecked("not all leaves are there");
      for (const [p, opened] of prior.entries()) await checkOpened(opened, prior_root, inGlobal(p), 4 * leaf_values);
      await checkGiven(manifest, index, leaves);
      await checkOpened(claimed, global_root, inGlobal(part));
      const next = nextLeaf(manifest, prior.map(({ leaf }) => leaf), leaves.map(({ leaf }) => leaf));
      if (next.isGarbage) throw new Unchecked(`the sum of all updates in leaf ${index} ${GARBAGE}`);
      const digest = hexOf(await sha256(next.leaves[part]));
      return { verdict: digest === hexOf(claimed.digest) ? "right" : "wrong", message: "", digest };
    } catch (error) {
      return { verdict: error.verdict || "unchecked", message: error.message, digest: "" };
    }
  }

  /** Check whether leaf `index` of all masked updates makes the round void. `leaves`, of the accepted updates, holds
   * {leaf, path}. The answer is {verdict, message, value, words}. Its verdict is "garbage" if a sum is one that no
   * honest updates have, of which `value` is the place and `words` the calculation; "fine" if there is none; or
   * "foreign" or "unchecked", as for a round. */
  async function checkSums(manifest, index, leaves) {
    try {
      checkManifest(manifest);
      const { masking, mantissa_bits, updates } = manifest;
      if (!masking) throw new Unchecked("the updates of this federation are not masked");
      await checkGiven(manifest, index, leaves);
      const given = givenIn(updates, mantissa_bits, leaves.map(({ leaf }) => leaf));
      const { garbage, words } = maskedSums(given, masking);
      if (garbage < 0) return { verdict: "fine", message: "", value: -1, words: [] };
      const each = given.map(({ index, values }) => maskedWords(index, values[garbage]));
      return { verdict: "garbage", message: "", value: garbage, words: [...each, ...words(garbage)] };
    } catch (error) {
      return { verdict: error.verdict || "unchecked", message: error.message, value: -1, words: [] };
    }
  }

  return { checkRound, checkLeaf, checkSums, nextLeaf };
})();
