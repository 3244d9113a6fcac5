"use strict";
/* The rules by which the updates of a round become the next global, as docs/protocol.md says them. check.js says what
 * this is for.
 *
 * A rule is one function over one leaf. `prior` has the leaf's values in the global before the round, a list for each
 * part: the weights, and what the rule keeps beside them. `updates` has {weight, shift, mantissas, values} of each
 * accepted update, and `rate` is the server's learning rate. Values are whole numbers of units of 2^-24; those of an
 * update are mantissa * 2^shift, and not above 2^30. Masked values are integers of 32 bits that mean nothing one by one;
 * `masking` is {scale, bound}, which say what their sum means, and null where updates are not masked. The answer is
 * {after, words}: `after` in the form of `prior`, and `words(i)` the calculation of value i in lines. `isGarbage` says
 * of masked updates that no honest ones have their sum.
 */
const FedRules = (() => {
  const ONE = 2 ** 16; // what a learning rate, a momentum or a factor of one is as an integer
  const MOMENTUM = 19661; // of fedavgm: 0.3

  // ---- whole numbers -----------------------------------------------------------------------------------------------
  /** R(a, b): a divided by b to the nearest whole number, a half away from zero. Exact for |a| below 2^51. */
  const rounded = (a, b) => (a < 0 ? -1 : 1) * Math.floor((2 * Math.abs(a) + b) / (2 * b));

  /** The same for numbers of any size. */
  function roundedBig(a, b) {
    const quotient = (2n * (a < 0n ? -a : a) + b) / (2n * b);
    return Number(a < 0n ? -quotient : quotient);
  }

  /** The largest whole number whose square is not above a. */
  function root(a) {
    let x = BigInt(Math.floor(Math.sqrt(Number(a)))); // a double may round this to one beside it
    while (x * x > a) x--;
    while ((x + 1n) * (x + 1n) <= a) x++;
    return x;
  }

  const clamped = (value) => Math.max(-(2 ** 31), Math.min(2 ** 31 - 1, value));
  const total = (numbers) => numbers.reduce((sum, number) => sum + number, 0);

  // ---- what several rules have in common ---------------------------------------------------------------------------
  /** The mean of each value by weight, and how it was computed. */
  function weightedMean(updates, valuesOf) {
    // A sum can be as large as 2^58, and a double holds whole numbers only up to 2^53. So each value is cut into
    // high * 2^15 + low, and each half is summed in doubles. These are exact here: no term is above 2^20 * 2^15, and no
    // sum of 256 terms above 2^43. BigInts, of any size, do the rest.
    const size = valuesOf(updates[0]).length, high = new Float64Array(size), low = new Float64Array(size);
    for (const update of updates)
      valuesOf(update).forEach((value, i) => {
        const above = Math.floor(value / 2 ** 15);
        high[i] += update.weight * above;
        low[i] += update.weight * (value - above * 2 ** 15);
      });
    const weight = total(updates.map((update) => update.weight));
    const sumAt = (i) => (BigInt(high[i]) << 15n) + BigInt(low[i]);
    const mean = Array.from(high, (_, i) => roundedBig(sumAt(i), BigInt(weight)));
    const words = (i) => [
      `W = ${updates.map((update) => update.weight).join(" + ")} = ${weight}`,
      `S = ${updates.map((update) => `${update.weight} * ${valuesOf(update)[i]}`).join("\n  + ")}`,
      `  = ${sumAt(i)}`,
      `mean = R(S, W) = ${mean[i]}`];
    return { mean, words };
  }

  /** The weights after a step, which is the change times the rate. */
  function moved(weights, change, rate) {
    return weights.map((weight, i) => clamped(weight + rounded(change[i] * rate, ONE)));
  }
  const movedWords = (weight, change, rate, after) => `weight = ${weight} + R(${change} * ${rate}, 2^16) = ${after}`;

  /** The mean, value by value, of those that stand from `first` up to `last` in the order of size. */
  function orderedMean([weights], updates, rate, first, last) {
    const ordered = (i) => Float64Array.from(updates, ({ values }) => values[i]).sort();
    const mean = weights.map((_, i) => rounded(total(ordered(i).slice(first, last)), last - first));
    const after = moved(weights, mean, rate);
    const words = (i) => [
      `in order: ${ordered(i).join(", ")}`,
      `taken: ${ordered(i).slice(first, last).join(", ")}`,
      `mean = R(${total(ordered(i).slice(first, last))}, ${last - first}) = ${mean[i]}`,
      movedWords(weights[i], mean[i], rate, after[i])];
    return { after: [after], words };
  }

  // ---- the rules ---------------------------------------------------------------------------------------------------
  /** The mean by weight. */
  function fedavg([weights], updates, rate) {
    const { mean, words } = weightedMean(updates, ({ values }) => values), after = moved(weights, mean, rate);
    return { after: [after], words: (i) => [...words(i), movedWords(weights[i], mean[i], rate, after[i])] };
  }

  /** The mean by weight, with Nesterov's momentum. The second part is the velocity. */
  function fedavgm([weights, before], updates, rate) {
    const { mean, words } = weightedMean(updates, ({ values }) => values);
    const slowed = (value) => rounded(value * MOMENTUM, ONE);
    const velocity = before.map((value, i) => clamped(slowed(value) + mean[i]));
    const look = velocity.map((value, i) => mean[i] + slowed(value)), after = moved(weights, look, rate);
    return { after: [after, velocity], words: (i) => [
      ...words(i),
      `velocity = R(${before[i]} * ${MOMENTUM}, 2^16) + ${mean[i]} = ${velocity[i]}`,
      `look = ${mean[i]} + R(${velocity[i]} * ${MOMENTUM}, 2^16) = ${look[i]}`,
      movedWords(weights[i], look[i], rate, after[i])] };
  }

  /** The mean of what is left, value by value, when a quarter of the updates is left out at either end. */
  function trimmedMean(prior, updates, rate) {
    const out = Math.floor(updates.length / 4);
    return orderedMean(prior, updates, rate, out, updates.length - out);
  }

  /** The middle one, value by value, or the mean of the two in the middle. */
  function median(prior, updates, rate) {
    const middle = updates.length / 2;
    return orderedMean(prior, updates, rate, Math.ceil(middle) - 1, Math.floor(middle) + 1);
  }

  /** The mean by weight of leaves that are made no longer than the lower median of their lengths. */
  function normBounded([weights], updates, rate) {
    const squares = (numbers) => total(numbers.map((number) => number * number)); // below 2^46 for mantissas
    const lengths = updates.map(({ mantissas, shift }) => root(BigInt(squares(mantissas)) << BigInt(2 * shift)));
    const bound = [...lengths].sort((a, b) => (a < b ? -1 : Number(a > b)))[Math.ceil(updates.length / 2) - 1];
    const shortened = updates.map((update, u) => {
      const factor = lengths[u] <= bound ? ONE : Number((bound * BigInt(ONE)) / lengths[u]);
      return { ...update, factor, short: update.values.map((value) => Math.floor((value * factor + ONE / 2) / ONE)) };
    });
    const { mean, words } = weightedMean(shortened, ({ short }) => short), after = moved(weights, mean, rate);
    return { after: [after], words: (i) => [
      `lengths of the leaves: ${lengths.join(", ")}; the longest that counts: ${bound}`,
      ...shortened.map(({ index, values, factor, short }) =>
        `update ${index} in that length: floor((${values[i]} * ${factor} + 2^15) / 2^16) = ${short[i]}`),
      ...words(i),
      movedWords(weights[i], mean[i], rate, after[i])] };
  }

  /** What updates add up to that were weighted before they were masked. The masks cancel in the sum, modulo 2^32.
   * `garbage` is the place of the first sum that no honest updates have, or -1. */
  function maskedSums(updates, { bound }) {
    const sums = new Int32Array(updates[0].values.length); // adding in it is modulo 2^32
    for (const { values } of updates) values.forEach((value, i) => { sums[i] += value; });
    const weight = total(updates.map((update) => update.weight));
    const words = (i) => [
      `W = ${updates.map((update) => update.weight).join(" + ")} = ${weight}`,
      `S = the sum of these, modulo 2^32, read as a signed integer = ${sums[i]}`,
      `no sum of honest updates is further from 0 than W * ${bound} = ${weight * bound}`];
    return { sums, weight, garbage: sums.findIndex((sum) => Math.abs(sum) > weight * bound), words };
  }

  /** The mean of these updates. */
  function maskedMean([weights], updates, rate, masking) {
    const { sums, weight, garbage, words } = maskedSums(updates, masking), { scale } = masking;
    const mean = Array.from(sums, (sum) => rounded(sum * 2 ** scale, weight)), after = moved(weights, mean, rate);
    return { after: [after], isGarbage: garbage >= 0, words: (i) => [
      ...words(i),
      `mean = R(S * 2^${scale}, W) = ${mean[i]}`,
      movedWords(weights[i], mean[i], rate, after[i])] };
  }

  /** Each rule by the name that its contract has, and how many parts its globals have. */
  const RULES = {
    "fedavg": { next: fedavg, parts: 1 },
    "fedavgm": { next: fedavgm, parts: 2 },
    "trimmed-mean": { next: trimmedMean, parts: 1 },
    "median": { next: median, parts: 1 },
    "norm-bounded": { next: normBounded, parts: 1 },
    "masked-mean": { next: maskedMean, parts: 1 },
  };

  return { RULES, maskedSums };
})();
