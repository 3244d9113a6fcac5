// The page of a check: hands the round to check.js, leaf by leaf, and says in words what came of it.
"use strict";
(function () {
  const PATIENCE = 120; // seconds that a server may take to fetch a tree from elsewhere
  const SOON = 2; // seconds

  const pause = (seconds) => new Promise((resolve) => setTimeout(resolve, 1000 * seconds));
  const plain = (root) => root.replace(/^0x/, "");
  const many = (count, what) => `${count.toLocaleString("en")} ${what}${count === 1 ? "" : "s"}`;

  /** Leaves from the server that the page came from. */
  function fromServer(address, signal) {
    async function leaves(root, first, count, size) {
      const end = Date.now() + 1000 * PATIENCE;
      for (;;) {
        const answer = await fetch(`${address}/0x${plain(root)}/leaves?first=${first}&count=${count}`, { signal });
        if (answer.ok) return new Uint8Array(await answer.arrayBuffer());
        const told = await answer.json().catch(() => ({}));
        if (!told.coming || Date.now() > end) throw new Error(told.error || `the server answers ${answer.status}`);
        await pause(SOON);
      }
    }
    return { leaves };
  }

  /** Leaves from an export: scripts that call FedLeaves, because a page from a disk may load nothing else. */
  function fromFiles(address) {
    const waiting = new Map();
    window.FedLeaves = (name, text) => waiting.get(name)(Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0)));
    function leaves(root, first) {
      const name = `${plain(root)}/${first}`, script = document.createElement("script");
      return new Promise((resolve, reject) => {
        waiting.set(name, resolve);
        script.onerror = () => reject(new Error(`the file ${name}.js is not in this copy of the pages`));
        script.onload = () => reject(new Error(`the file ${name}.js does not hold these leaves`));
        script.src = `${address}/${name}.js`;
        document.head.append(script);
      }).finally(() => {
        waiting.delete(name);
        script.remove();
      });
    }
    return { leaves };
  }

  /** An element with texts and elements in it: texts stay texts, whatever they hold. */
  function made(tag, ...content) {
    const element = document.createElement(tag);
    element.append(...content);
    return element;
  }

  /** What was compared, in sentences. */
  function compared(manifest, answer) {
    const { updates, rule, parts, leaf_count, leaf_values } = manifest;
    const accepted = updates.filter((update) => update.accepted), inGlobal = leaf_count * parts;
    const found = [
      `The list of ${many(updates.length, "update")}, with clients, roots, weights and shifts, is the one whose hash `
        + "the contract keeps.",
      `The votes accept ${accepted.length === updates.length ? "all of them" : "those that this page says"}.`,
      `All ${inGlobal.toLocaleString("en")} leaves of the global before the round, and all `
        + `${leaf_count.toLocaleString("en")} of each of the ${many(accepted.length, "accepted update")}, lead to the `
        + "roots on this page.",
      `All ${(inGlobal * leaf_values).toLocaleString("en")} values that follow by the rule "${rule}" were computed `
        + `again in whole numbers. The root over them is ${answer.root}.`,
    ];
    if (!answer.served) found.push("The leaves of the global itself are not here. Its root is judged without them.");
    else if (answer.verdict === "right") found.push("The leaves of the global that are kept here are the same.");
    return made("ul", ...found.map((sentence) => made("li", sentence)));
  }

  /** The first wrong value, with the calculation that gives the right one. */
  function calculation(first) {
    const beside = first.part ? `, where the rule keeps what it has beside the weights (part ${first.part})` : "";
    return [
      made("p", `The first wrong value is number ${first.value} of leaf ${first.leaf}${beside}: the global has `
        + `${first.claimed}, right is ${first.right}. Before the round it was ${first.prior}, in units of 2^-24.`),
      made("pre", first.words.join("\n")),
      made("p", "R(a, b) divides a by b and rounds to the nearest whole number, a half away from zero. What is more "
        + "than 32 bits hold is cut to the largest or smallest number that they do hold."),
    ];
  }

  /** The verdict in a sentence. `what`: the thing that was checked. */
  function judged(answer, what) {
    const said = answer.message.charAt(0).toUpperCase() + answer.message.slice(1).replace(/\.$/, "");
    const heads = {
      right: ["good", "Right.", ` This ${what} is what follows from the accepted updates.`],
      wrong: ["bad", "Wrong.", ` This ${what} does not follow from the accepted updates.`],
      garbage: ["bad", "Garbage.", " No honest updates have this sum, so that the round is void."],
      fine: ["good", "In range.", " Honest updates can have these sums, so that this leaf makes no round void."],
      foreign: ["bad", "Not what the chain names.", ` ${said}. So this says nothing about the ${what}.`],
      unchecked: ["warn", "Not checked.", ` ${said}.`],
    };
    const [colour, word, rest] = heads[answer.verdict], head = made("strong", word);
    head.className = colour;
    return made("p", head, rest);
  }

  function told(manifest, answer, seconds) {
    const parts = [judged(answer, "global")];
    if (answer.first) parts.push(...calculation(answer.first));
    const heading = `What this browser checked, in ${seconds.toFixed(1)} s:`;
    if (answer.root) parts.push(made("p", heading), compared(manifest, answer));
    return parts;
  }

  async function check(form, controls) {
    const { dataset } = document.getElementById("round"), stop = new AbortController();
    const claim = new FormData(form).get("global"), started = performance.now();
    const manifest = { ...JSON.parse(dataset.manifest), global_root: claim };
    const source = dataset.files ? fromFiles(dataset.files) : fromServer(dataset.leaves, stop.signal);
    const { start, end, bar, result } = controls;
    const isRunning = (is) => [start.disabled, end.hidden, bar.hidden] = [is, !is, !is];
    const progress = (done, of) => {
      bar.max = of;
      bar.value = done;
    };
    end.onclick = () => stop.abort();
    delete result.dataset.verdict;
    result.replaceChildren(made("p", "Reading the leaves, and computing each value again …"));
    bar.removeAttribute("value");
    isRunning(true);
    source.atOnce = Number(dataset.atOnce);
    const answer = await FedCheck.checkRound(manifest, source, { progress, signal: stop.signal });
    isRunning(false);
    result.dataset.verdict = answer.verdict;
    result.replaceChildren(...told(manifest, answer, (performance.now() - started) / 1000));
  }

  /** One leaf of a proposal, all of which is on the page. */
  async function checkLeaf(result) {
    const { dataset } = document.getElementById("proof"), { bytesOf } = FedInputs;
    const proof = JSON.parse(dataset.proof), manifest = { ...JSON.parse(dataset.manifest), global_root: dataset.root };
    const opened = ({ leaf, path }) => ({ leaf: bytesOf(leaf), path: path.map(bytesOf) });
    const claimed = { digest: bytesOf(proof.claimed_digest), path: proof.claimed_path.map(bytesOf) };
    const answer = await FedCheck.checkLeaf(
      manifest, proof.index, proof.part, proof.prior.map(opened), proof.leaves.map(opened), claimed);
    const parts = [judged(answer, "leaf")];
    const digest = made("code", `0x${answer.digest}`);
    if (answer.digest) parts.push(made("p", "The fingerprint of the right leaf is ", digest, "."));
    result.dataset.verdict = answer.verdict;
    result.replaceChildren(...parts);
  }

  /** One leaf of all masked updates, which is on the page. */
  async function checkSums(result) {
    const { dataset } = document.getElementById("sums"), { bytesOf } = FedInputs;
    const { index, leaves } = JSON.parse(dataset.proof), manifest = JSON.parse(dataset.manifest);
    const opened = leaves.map(({ leaf, path }) => ({ leaf: bytesOf(leaf), path: path.map(bytesOf) }));
    const answer = await FedCheck.checkSums(manifest, index, opened), parts = [judged(answer, "leaf")];
    const heading = `It is that of value ${answer.value} of leaf ${index}:`;
    if (answer.words.length) parts.push(made("p", heading), made("pre", answer.words.join("\n")));
    result.dataset.verdict = answer.verdict;
    result.replaceChildren(...parts);
  }

  const SMALL = { "check-leaf": checkLeaf, "check-sums": checkSums };

  document.addEventListener("submit", (event) => {
    const form = event.target.closest("form.check, form.check-leaf, form.check-sums");
    if (!form) return;
    event.preventDefault();
    for (const [name, begin] of Object.entries(SMALL))
      if (form.classList.contains(name)) return void begin(form.querySelector(".result"));
    const found = (what) => form.querySelector(what);
    check(form, { start: found(".start"), end: found(".stop"), bar: found("progress"), result: found(".result") });
  });
})();
