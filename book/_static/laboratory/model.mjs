// The incentive model of the package medalliance, in plain JavaScript.
//
// Names, formulas and conventions are those of medalliance.incentives; a test solves the same
// contracts with both and holds them together. Arrays have one entry a group. Infinity may be
// given as the text "inf". Members without aversion to risk, a score without noise that does not
// enter the next budget; one contract, one technology. Where the score answers to care, the score
// that goes with a mean surplus is the largest there is.

const ROOT_TWO_PI = Math.sqrt(2 * Math.PI);
const REACH = 9; // standard deviations beyond which a normal tail is below 1e-18
const GAIN_TOLERANCE = 1e-9;

const sum = (values) => values.reduce((total, value) => total + value, 0);
const number = (value, otherwise) =>
  value === undefined || value === null ? otherwise : value === "inf" ? Infinity : Number(value);
const clip = (value, low, high) => Math.min(Math.max(value, low), high);
const spread = (value, n, otherwise) =>
  Array.isArray(value) ? value.map(Number) : new Array(n).fill(number(value, otherwise));

// ---- the normal distribution -------------------------------------------------------------

export function normalDensity(x) {
  return Math.exp(-0.5 * x * x) / ROOT_TWO_PI;
}

// Near zero the series phi(x) (x + x^3/3 + x^5/15 + ...), whose terms are all positive; in the
// tails the continued fraction phi(x) / (x + 1/(x + 2/(x + ...))) of Laplace.
export function normalCdf(x) {
  const a = Math.abs(x);
  if (a > 40) return x > 0 ? 1 : 0;
  if (a < 2.5) {
    let term = a;
    let total = a;
    for (let n = 3; term > 1e-18 * total; n += 2) {
      term *= (a * a) / n;
      total += term;
    }
    const half = normalDensity(a) * total;
    return x >= 0 ? 0.5 + half : 0.5 - half;
  }
  let fraction = a;
  for (let n = 60; n >= 1; n -= 1) fraction = a + n / fraction;
  const tail = normalDensity(a) / fraction;
  return x > 0 ? 1 - tail : tail;
}

// ---- the retained transfer, piecewise linear in the surplus --------------------------------

function side(bands, share, cap, minimum, firstDollar, unit) {
  let ends = bands.length ? bands.map((band) => number(band[0])) : [Infinity];
  let rates = bands.length ? bands.map((band) => Number(band[1])) : [share];
  if (Number.isFinite(ends[ends.length - 1])) {
    ends = [...ends, Infinity];
    rates = [...rates, 0];
  }
  const low = minimum * unit;
  const high = cap * unit;
  const inner = ends.slice(0, -1).map((end) => end * unit);
  const starts = [0, ...inner];
  const paidBefore = [0];
  for (let k = 1; k < starts.length; k += 1) {
    paidBefore.push(paidBefore[k - 1] + rates[k - 1] * (starts[k] - starts[k - 1]));
  }
  const fullPay = (at) => {
    const band = starts.filter((start) => at >= start).length - 1;
    return paidBefore[band] + (rates[band] > 0 ? rates[band] * (at - starts[band]) : 0);
  };
  const atMinimum = firstDollar ? 0 : fullPay(low);
  const lines = rates.map((rate, k) => paidBefore[k] - rate * starts[k] - atMinimum);
  const top = Number.isFinite(high) ? fullPay(high) - atMinimum : 0;
  return {
    knots: [low, ...inner.map((end) => clip(end, low, high)), high],
    intercepts: [0, ...lines, top],
    slopes: [0, ...rates, 0],
  };
}

export function transferOf(contract, base) {
  const unit = contract.edges === "budget" ? base : 1;
  const firstDollar = contract.first_dollar !== false;
  const gain = side(
    contract.gain_bands || [], number(contract.gain_share, 1), number(contract.gain_cap, Infinity),
    number(contract.minimum_savings, 0), firstDollar, unit,
  );
  const loss = side(
    contract.loss_bands || [], number(contract.loss_share, 0), number(contract.loss_cap, Infinity),
    number(contract.minimum_losses, 0), firstDollar, unit,
  );
  const quality = number(contract.quality, 1);
  const knots = [...loss.knots.map((x) => -x).reverse(), ...gain.knots];
  const intercepts = [
    ...loss.intercepts.map((x) => -x).reverse(),
    ...gain.intercepts.slice(1).map((x) => x * quality),
  ];
  const slopes = [
    ...loss.slopes.slice().reverse(),
    ...gain.slopes.slice(1).map((x) => x * quality),
  ];
  const first = knots.findIndex(Number.isFinite);
  const last = knots.length - knots.slice().reverse().findIndex(Number.isFinite);
  const kept = {
    knots: knots.slice(first, last),
    intercepts: intercepts.slice(first, last + 1),
    slopes: slopes.slice(first, last + 1),
  };
  kept.jumps = kept.knots.map(
    (at, k) => kept.intercepts[k + 1] - kept.intercepts[k]
      + (kept.slopes[k + 1] - kept.slopes[k]) * at,
  );
  return kept;
}

// Marginal share and mean of the gain, then of the loss, at a score of one.
export function twoSides(transfer, mean, sigma) {
  const n = transfer.knots.length;
  const found = [0, 0, 0, 0];
  let cdf = 0;
  let density = 0;
  for (let k = 0; k <= n; k += 1) {
    const z = k < n ? (transfer.knots[k] - mean) / sigma : Infinity;
    const nextCdf = k < n ? normalCdf(z) : 1;
    const nextDensity = k < n ? normalDensity(z) : 0;
    const mass = nextCdf - cdf;
    const side = k > 0 && transfer.knots[k - 1] >= 0 ? 0 : 2;
    found[side] += transfer.slopes[k] * mass;
    found[side + 1] += transfer.intercepts[k] * mass
      + transfer.slopes[k] * (mean * mass - sigma * (nextDensity - density));
    if (k < n && transfer.jumps[k] !== 0) {
      found[transfer.knots[k] >= 0 ? 0 : 2] += (transfer.jumps[k] * nextDensity) / sigma;
    }
    cdf = nextCdf;
    density = nextDensity;
  }
  return found;
}

function largestShare(transfer, sigma) {
  const spike = sum(transfer.jumps.map((jump) => Math.max(jump, 0)));
  return Math.max(...transfer.slopes) + spike / (sigma * ROOT_TWO_PI);
}

// dE[R]/dmu: the part of a further yuan that the alliance retains. A jump adds a spike.
export function marginalShare(transfer, mean, sigma) {
  let share = 0;
  let before = 0;
  transfer.knots.forEach((knot, k) => {
    const z = (knot - mean) / sigma;
    const cdf = normalCdf(z);
    share += transfer.slopes[k] * (cdf - before);
    if (transfer.jumps[k] !== 0) share += (transfer.jumps[k] * normalDensity(z)) / sigma;
    before = cdf;
  });
  return share + transfer.slopes[transfer.knots.length] * (1 - before);
}

export function expectedTransfer(transfer, mean, sigma) {
  const n = transfer.knots.length;
  let total = 0;
  let cdf = 0;
  let density = 0;
  for (let k = 0; k <= n; k += 1) {
    const z = k < n ? (transfer.knots[k] - mean) / sigma : Infinity;
    const nextCdf = k < n ? normalCdf(z) : 1;
    const nextDensity = k < n ? normalDensity(z) : 0;
    const mass = nextCdf - cdf;
    total += transfer.intercepts[k] * mass
      + transfer.slopes[k] * (mean * mass - sigma * (nextDensity - density));
    cdf = nextCdf;
    density = nextDensity;
  }
  return total;
}

function steepestRise(transfer, sigma, direction) {
  let rise = 0;
  let bend = 0;
  transfer.knots.forEach((knot, k) => {
    bend += transfer.slopes[k + 1] - transfer.slopes[k];
    if (transfer.knots[k + 1] !== knot) {
      rise += Math.max(bend * direction, 0);
      bend = 0;
    }
  });
  const steepestDensity = Math.exp(-0.5) / ROOT_TWO_PI;
  const jumps = sum(transfer.jumps.map(Math.abs));
  return rise / (sigma * ROOT_TWO_PI) + (jumps * steepestDensity) / (sigma * sigma);
}

// ---- the ratchet: saving this year lowers the budgets to come ------------------------------

export function ratchetWeight(rebasing, growth, discount) {
  const x = discount * (1 + growth);
  return 1 - (rebasing * x) / (1 - (1 - rebasing) * x);
}

export function historicalWeight(growth, discount, lags = 3) {
  let paidBack = 0;
  for (let k = 1; k <= lags; k += 1) paidBack += discount ** k / lags;
  return 1 - (1 + growth) * paidBack;
}

// ---- what one member does, given what a further unit of surplus is worth to it --------------

export function problemOf(contract, technology, weight) {
  const n = technology.members.length;
  const members = technology.members.map(Number);
  const of = (name, otherwise) => spread(technology[name], n, otherwise);
  const split = spread(contract.split, n);
  const payShare = spread(contract.pay_share, n, 1);
  const price = of("price", 0);
  const margin = of("margin", 0);
  const marginPay = of("margin_pay", 0);
  const outflowSaving = of("outflow_saving", 0);
  const inducementCost = of("inducement_cost", 1);
  const fundShare = number(technology.fund_share, 1);
  const outflow = number(technology.outflow_spending, 0);
  const excluded = contract.out_of_county === "excluded";
  const inScope = number(technology.baseline_spending, 0) - (excluded ? outflow : 0);
  const budget = number(contract.budget, inScope);
  const base = budget - (contract.out_of_county === "deducted_first" ? outflow : 0);
  const lost = number(contract.audit, 0) * (1 + number(contract.penalty, 0));
  const terms = (name, otherwise) => (contract[name] === undefined || contract[name] === null
    ? otherwise : spread(contract[name], n));
  const pay = terms("margin_pay", marginPay);
  const newPrice = terms("price", price);
  const newMargin = contract.price ? newPrice.map((q, i) => q - (price[i] - margin[i])) : margin;
  const gain = newMargin.map((m, i) => pay[i] * (m - lost * newPrice[i]));
  const before = technology.baseline_inducement;
  const share = split.map((part, i) => part / members[i]);
  const told = number(contract.disclosure, 1);
  const believed = technology.believed_share
    ? share.map((fact, i) => (1 - told) * Number(technology.believed_share[i]) + told * fact)
    : share;
  const induced = before === undefined || before === null
    ? margin.map((m, i) => (marginPay[i] * Math.max(m, 0)) / inducementCost[i])
    : spread(before, n);
  const takesPart = spread(contract.takes_part, n, 0);
  const known = sum(of("signal", 0).map((iota, i) => members[i] * iota * takesPart[i]));
  const error = number(technology.budget_error, 0);
  const variance = error > 0 ? 1 / (1 / (error * error) + known) : 0;
  const sigma = Math.sqrt(Number(technology.sigma) ** 2 + variance);
  const has = (name) => of(name, 0).some((x) => x !== 0);
  let care = null;
  let status = price.map((q, i) => fundShare * q * induced[i]);
  if (has("withholding_saving") || has("need") || has("export_spending")) {
    const listed = of("needed_price", 0);
    const listedMargin = of("needed_margin", 0);
    const need = of("need", 0);
    const neededCost = of("needed_cost", 1);
    const neededPrice = terms("needed_price", listed);
    const neededMargin = neededPrice.map((q, i) => listedMargin[i] + (q - listed[i]));
    const avoided = of("needed_saving", 0);
    const supplied = technology.baseline_needed ? spread(technology.baseline_needed, n)
      : need.map((most, i) => clip((marginPay[i] * listedMargin[i]) / neededCost[i], 0, most));
    status = status.map((paid, i) => paid + (fundShare * listed[i] - avoided[i]) * supplied[i]);
    const spent = of("export_spending", 0);
    const keptIn = of("export_price", 0).map((q, i) => spent[i] - q);
    const weighs = number(contract.score_weight, 0) * number(contract.score_reliability, 1);
    care = {
      withholdingSaving: of("withholding_saving", 0),
      withholdingHarm: of("withholding_harm", 0),
      withholdingCost: of("withholding_cost", 1),
      scoreEffect: of("score_effect", 0).map((x) => weighs * x),
      quality: number(contract.quality, 1),
      need,
      neededGain: neededMargin.map((m, i) => pay[i] * m),
      neededFund: neededPrice.map((q, i) => fundShare * q - avoided[i]),
      neededCost,
      neededValue: of("needed_value", 0),
      supplied,
      exportGain: excluded ? spent : keptIn,
      exportSaving: keptIn,
      exportHarm: of("export_harm", 0),
      exportCost: of("export_cost", 1),
    };
    care.scored = care.scoreEffect.some((x, i) => x * care.withholdingSaving[i] !== 0);
  }
  return {
    members,
    payShare,
    claim: share.map((part, i) => payShare[i] * part),
    belief: believed.map((part, i) => payShare[i] * part),
    saving: of("saving").map((theta, i) => theta - (excluded ? outflowSaving[i] : 0)),
    wholeSaving: of("saving"),
    start: number(technology.baseline_spending, 0),
    effortCost: of("effort_cost"),
    bonus: spread(contract.performance_pay, n, 0),
    fundPrice: newPrice.map((q) => fundShare * q),
    inducementGain: gain,
    inducementCost,
    before: status,
    care,
    offset: budget - inScope,
    sigma,
    weight: weight ?? ratchetWeight(
      number(contract.rebasing, 0), number(contract.growth, 0), number(contract.discount, 0),
    ),
    transfer: transferOf(contract, base),
  };
}

const effort = (p, worth, i) =>
  Math.max(0, (worth * p.saving[i] + p.bonus[i]) / p.effortCost[i]);
const inducement = (p, worth, i) =>
  Math.max(0, (p.inducementGain[i] - worth * p.fundPrice[i]) / p.inducementCost[i]);
const needed = (p, worth, i) => (p.care
  ? clip((p.care.neededGain[i] - worth * p.care.neededFund[i]) / p.care.neededCost[i], 0, p.care.need[i])
  : 0);
const exported = (p, worth, i) =>
  (p.care ? clip((worth * p.care.exportGain[i]) / p.care.exportCost[i], 0, 1) : 0);
const withheld = (p, worth, atRisk, i) => (p.care && atRisk !== null
  ? Math.max(0, (worth * p.care.withholdingSaving[i] - atRisk * p.care.scoreEffect[i])
    / p.care.withholdingCost[i])
  : 0);

function contribution(p, worth, i) {
  const added = p.saving[i] * effort(p, worth, i) + p.before[i]
    - p.fundPrice[i] * inducement(p, worth, i);
  if (!p.care) return added;
  return added - p.care.neededFund[i] * needed(p, worth, i)
    + p.care.exportGain[i] * exported(p, worth, i);
}

const withheldSaving = (p, worth, atRisk, i) =>
  (p.care ? p.care.withholdingSaving[i] * withheld(p, worth, atRisk, i) : 0);

function privateValue(p, worth, atRisk, i) {
  const e = effort(p, worth, i);
  const v = inducement(p, worth, i);
  const own = p.bonus[i] * e + p.inducementGain[i] * v
    - (p.effortCost[i] * e * e + p.inducementCost[i] * v * v) / 2;
  if (!p.care) return own;
  const c = p.care;
  const [u, z, s] = [needed(p, worth, i), exported(p, worth, i), withheld(p, worth, atRisk, i)];
  return own + c.neededGain[i] * u
    - (c.neededCost[i] * u * u + c.exportCost[i] * z * z + c.withholdingCost[i] * s * s) / 2;
}

// The largest score that goes with a mean surplus, before clipping: latent = 1 - lost(latent).
function largestLatent(p, [share, gain, loss]) {
  const c = p.care;
  const lost = (latent) => {
    const inside = latent > 0 ? 1 : 0;
    const r = share * clip(latent, 0, 1) + loss;
    let [gone, rate] = [0, 0];
    p.members.forEach((n, i) => {
      const pull = (p.belief[i] * c.withholdingSaving[i]) / c.withholdingCost[i];
      const push = (p.belief[i] * c.scoreEffect[i]) / c.withholdingCost[i];
      const act = r * p.weight * pull - gain * inside * push;
      gone += n * c.scoreEffect[i] * Math.max(act, 0);
      if (act > 0) rate += n * c.scoreEffect[i] * share * inside * p.weight * pull;
    });
    return [gone, rate];
  };
  let [at, low, high] = [1, -Infinity, 1];
  for (let step = 0; step < 60; step += 1) {
    const [gone, slope] = lost(at);
    const excess = 1 - gone - at;
    if (Math.abs(excess) <= 4e-16 * (1 + Math.abs(at))) break;
    if (excess <= 0) high = Math.min(high, at);
    else low = Math.max(low, at);
    let fresh = at + excess / (1 + Math.max(slope, -0.9));
    if ((fresh <= low || fresh > high) && Number.isFinite(low)) fresh = (low + high) / 2;
    if (Math.abs(fresh - at) <= 2e-16 * (1 + Math.abs(at))) break;
    at = fresh;
  }
  return at;
}

// What members weigh at a mean surplus: r, the gain that a unit of the score puts at risk, score.
function worthOf(p, mean, given) {
  if (!p.care || !p.care.scored) {
    return { r: marginalShare(p.transfer, mean, p.sigma), atRisk: 0, score: 1, latent: null };
  }
  const sides = twoSides(p.transfer, mean, p.sigma);
  const latent = given ?? largestLatent(p, sides);
  const score = clip(latent, 0, 1);
  return { r: sides[0] * score + sides[2], atRisk: latent > 0 ? sides[1] : 0, score, latent };
}

// Mean surplus that follows from what members weigh.
function surplusAt(p, { r, atRisk }) {
  let mean = p.offset;
  for (let i = 0; i < p.members.length; i += 1) {
    const worth = p.belief[i] * p.weight * r;
    mean += p.members[i]
      * (contribution(p, worth, i) + withheldSaving(p, worth, p.belief[i] * atRisk, i));
  }
  return mean;
}

const answerTo = (p, mean) => surplusAt(p, worthOf(p, mean));

// ---- every fixed point ----------------------------------------------------------------------

function knotGrid(p, perSigma) {
  const knots = p.transfer.knots.filter((knot, k, all) => k === 0 || knot !== all[k - 1]);
  const steps = 2 * REACH * perSigma;
  const points = [];
  knots.forEach((knot) => {
    for (let k = 0; k <= steps; k += 1) {
      points.push(knot + p.sigma * (-REACH + (2 * REACH * k) / steps));
    }
  });
  return points.sort((a, b) => a - b);
}

function bisect(excess, left, right) {
  const sign = Math.sign(excess(left));
  let low = left;
  let high = right;
  for (let step = 0; step < 200; step += 1) {
    const middle = low + (high - low) / 2;
    if (middle <= low || middle >= high) break;
    const value = excess(middle);
    if (value === 0) return middle;
    if (Math.sign(value) === sign) low = middle;
    else high = middle;
  }
  return Math.abs(excess(low)) < Math.abs(excess(high)) ? low : high;
}

function turningPoint(value, left, right) {
  const golden = (Math.sqrt(5) - 1) / 2;
  let [low, high] = [left, right];
  let [a, b] = [high - golden * (high - low), low + golden * (high - low)];
  let [atA, atB] = [value(a), value(b)];
  for (let step = 0; step < 80; step += 1) {
    if (atA < atB) {
      [high, b, atB] = [b, a, atA];
      a = high - golden * (high - low);
      atA = value(a);
    } else {
      [low, a, atA] = [a, b, atB];
      b = low + golden * (high - low);
      atB = value(b);
    }
  }
  return (low + high) / 2;
}

export function allFixedPoints(p) {
  const excess = (mean) => answerTo(p, mean) - mean;
  const grid = knotGrid(p, 64);
  const images = grid.map((mean) => answerTo(p, mean));
  const ends = [Math.min(...images) - p.sigma, Math.max(...images) + p.sigma];
  const table = grid.map((mean, k) => [mean, images[k] - mean]);
  ends.forEach((mean) => table.push([mean, excess(mean)]));
  const byPlace = (a, b) => a[0] - b[0];
  const points = table.sort(byPlace).filter((row, k, all) => k === 0 || row[0] > all[k - 1][0]);
  const turns = [];
  for (let k = 1; k < points.length - 1; k += 1) {
    const [before, here, after] = [points[k - 1], points[k], points[k + 1]];
    const size = Math.abs(here[1]);
    if (size < Math.abs(before[1]) && size <= Math.abs(after[1])
      && Math.sign(before[1]) === Math.sign(after[1])) {
      const sign = Math.sign(here[1]);
      const turn = turningPoint((mean) => sign * excess(mean), before[0], after[0]);
      turns.push([turn, excess(turn)]);
    }
  }
  points.push(...turns);
  points.sort(byPlace);
  const roots = points.filter((row) => row[1] === 0).map((row) => row[0]);
  for (let k = 0; k < points.length - 1; k += 1) {
    if (points[k][1] * points[k + 1][1] < 0) {
      roots.push(bisect(excess, points[k][0], points[k + 1][0]));
    }
  }
  roots.sort((a, b) => a - b);
  return roots.filter((root, k) => k === 0 || root - roots[k - 1] > 1e-10 * p.sigma);
}

function answers(p, mean) {
  const at = worthOf(p, mean);
  const [, won, , lost] = twoSides(p.transfer, mean, p.sigma);
  const gain = at.latent === null ? expectedTransfer(p.transfer, mean, p.sigma)
    : won * at.score + lost;
  let [harm, value, saved] = [0, 0, 0];
  const each = p.members.map((n, i) => {
    const worth = p.belief[i] * at.r * p.weight;
    const risk = p.belief[i] * at.atRisk;
    const e = effort(p, worth, i);
    const v = inducement(p, worth, i);
    const u = needed(p, worth, i);
    const z = exported(p, worth, i);
    const s = withheld(p, worth, risk, i);
    const received = p.claim[i] * gain;
    const c = p.care;
    let own = p.wholeSaving[i] * e + p.before[i] - p.fundPrice[i] * v;
    if (c) {
      own += -c.neededFund[i] * u + c.withholdingSaving[i] * s + c.exportSaving[i] * z;
      harm += n * (c.withholdingHarm[i] * s + c.exportHarm[i] * z);
      value += n * c.neededValue[i] * u;
    }
    saved += n * own;
    return {
      effort: e, inducement: v, withheld: s, needed: u, exported: z,
      pay: received + p.bonus[i] * e + p.inducementGain[i] * v + (c ? c.neededGain[i] * u : 0),
      utility: received + privateValue(p, worth, risk, i),
    };
  });
  const of = (name) => each.map((one) => one[name]);
  const spending = p.start - saved;
  return {
    marginal_share: at.r,
    mean_surplus: mean,
    expected_transfer: gain,
    ...Object.fromEntries(
      ["effort", "inducement", "withheld", "needed", "exported", "pay", "utility"]
        .map((name) => [name, of(name)]),
    ),
    score: at.score,
    latent: at.latent,
    harm,
    needed_value: value,
    spending,
    welfare: value - spending - harm,
  };
}

// Search each member's own acts, over the whole line, for a better payoff than at a fixed point.
function isBest(p, found, reach) {
  const own = (worth, i) => contribution(p, worth, i) + withheldSaving(p, worth, 0, i);
  const moves = p.members.map((_, i) => reach.map((worth) => own(worth * p.belief[i], i)));
  const longest = Math.max(...moves.map(([low, high]) => Math.abs(high - low)));
  const nPoints = Math.trunc(clip((64 * longest) / p.sigma, 513, 20001));
  const r = found.marginal_share * p.weight;
  const payoff = (i, worth, mean) => p.belief[i] * p.weight
    * expectedTransfer(p.transfer, mean, p.sigma) + privateValue(p, worth, 0, i);
  return p.members.every((_, i) => {
    const at = own(p.belief[i] * r, i);
    const here = payoff(i, p.belief[i] * r, found.mean_surplus);
    const limit = here + GAIN_TOLERANCE * (1 + Math.abs(found.utility[i]));
    for (let k = 0; k < nPoints; k += 1) {
      const worth = p.belief[i] * (reach[0] + ((reach[1] - reach[0]) * k) / (nPoints - 1));
      const moved = found.mean_surplus - at + own(worth, i);
      if (payoff(i, worth, moved) > limit) return false;
    }
    return true;
  });
}

// The same where the score answers to care: withheld care is searched over a line of its own.
function isBestScored(p, found) {
  const c = p.care;
  const top = largestShare(p.transfer, p.sigma) * p.weight;
  const gainHere = twoSides(p.transfer, found.mean_surplus, p.sigma)[1];
  const nPoints = 201;
  return p.members.every((_, i) => {
    const worthHere = p.belief[i] * found.marginal_share * p.weight;
    const [low, high] = [Math.min(p.belief[i] * top, 0), Math.max(p.belief[i] * top, 0)];
    const s0 = found.withheld[i];
    const most = Math.max(
      (2 * Math.max(Math.abs(low), Math.abs(high)) * c.withholdingSaving[i]) / c.withholdingCost[i],
      2 * s0,
    );
    const lineOf = (from, to) => Array.from({ length: nPoints }, (_x, k) => from + ((to - from) * k) / (nPoints - 1));
    const ownHere = contribution(p, worthHere, i);
    const value = (worth, s) => {
      const mean = found.mean_surplus + (contribution(p, worth, i) - ownHere)
        + c.withholdingSaving[i] * (s - s0);
      const score = clip(found.latent - c.scoreEffect[i] * (s - s0), 0, 1);
      const [, gain, , loss] = twoSides(p.transfer, mean, p.sigma);
      const paid = p.weight * (gain * score + loss) + (1 - p.weight) * gainHere * score;
      const free = privateValue(p, worth, null, i);
      return p.belief[i] * paid + free - (c.withholdingCost[i] * s * s) / 2;
    };
    const limit = value(worthHere, s0) + GAIN_TOLERANCE * (1 + p.sigma);
    const acts = lineOf(0, most);
    return lineOf(low, high).every((worth) => acts.every((s) => value(worth, s) <= limit));
  });
}

// Whether gradual adjustment of mean surplus and score returns to a point.
function settles(p, mean, latent) {
  const map = (m, l) => {
    const at = worthOf(p, m, l);
    let gone = 0;
    p.members.forEach((n, i) => {
      const worth = p.belief[i] * p.weight * at.r;
      gone += n * p.care.scoreEffect[i] * withheld(p, worth, p.belief[i] * at.atRisk, i);
    });
    return [surplusAt(p, at), 1 - gone];
  };
  const inner = Math.min(latent, 1 - 1e-6);
  const [dm, dl] = [1e-6 * p.sigma, 1e-6 * 0.25];
  const slopes = (up, down, step) => up.map((x, k) => (x - down[k]) / (2 * step));
  const [a, c] = slopes(map(mean + dm, inner), map(mean - dm, inner), dm);
  const [b, d] = slopes(map(mean, inner + dl), map(mean, inner - dl), dl);
  const half = (a + d - 2) / 2;
  const inside = half * half - ((a - 1) * (d - 1) - b * c);
  return half + (inside > 0 ? Math.sqrt(inside) : 0) < 0;
}

// Every equilibrium of the members' answers to a contract.
export function respond(contract, technology, weight) {
  return solve(problemOf(contract, technology, weight));
}

function solve(p) {
  const scored = p.care !== null && p.care.scored;
  const means = scored ? [] : knotGrid(p, 64);
  const worths = means.map((mean) => marginalShare(p.transfer, mean, p.sigma) * p.weight);
  const reach = [Math.min(...worths), Math.max(...worths)];
  const step = 1e-5 * p.sigma;
  const points = allFixedPoints(p).map((mean) => {
    const found = answers(p, mean);
    if (scored) {
      const stable = settles(p, mean, found.latent);
      return { ...found, stable, best_response: isBestScored(p, found) };
    }
    const slope = (answerTo(p, mean + step) - answerTo(p, mean - step)) / (2 * step);
    return { ...found, slope, stable: slope < 1, best_response: isBest(p, found, reach) };
  });
  const first = (test) => points.findIndex(test);
  const chosen = [
    first((one) => one.stable && one.best_response),
    first((one) => one.best_response),
    first((one) => one.stable),
    0,
  ].find((row) => row >= 0);
  return { problem: p, points, chosen, contraction: uniquenessBound(p) };
}

function uniquenessBound(p) {
  const c = p.care;
  const size = Math.abs(p.weight);
  const direction = p.weight < 0 ? -1 : 1;
  const response = sum(p.members.map((n, i) => n * p.belief[i]
    * (p.saving[i] ** 2 / p.effortCost[i] + p.fundPrice[i] ** 2 / p.inducementCost[i]
      + (c ? (c.need[i] > 0 ? c.neededFund[i] ** 2 / c.neededCost[i] : 0)
        + c.exportGain[i] ** 2 / c.exportCost[i]
        + c.withholdingSaving[i] ** 2 / c.withholdingCost[i] : 0))));
  let rise = steepestRise(p.transfer, p.sigma, direction);
  if (c && c.scored) {
    const fall = steepestRise(p.transfer, p.sigma, -direction);
    const most = largestShare(p.transfer, p.sigma);
    const unit = p.members.map((n, i) => (n * c.scoreEffect[i] * p.belief[i]) / c.withholdingCost[i]);
    const lift = sum(unit.map((x, i) => x * c.withholdingSaving[i])) * size * fall
      + sum(unit.map((x, i) => x * c.scoreEffect[i])) * most;
    rise += most * lift;
  }
  return rise * response * size;
}

// Every member acts as if the whole transfer were its own (Holmstrom 1982).
export function collectiveOptimum(answer) {
  const kept = answer.problem.payShare.slice();
  const whole = { ...answer.problem, claim: kept, belief: kept };
  const found = allFixedPoints(whole).map((mean) => answers(whole, mean));
  const joint = found.map((one) => Math.max(...whole.claim) * one.expected_transfer
    + sum(whole.members.map((n, i) => n * (one.utility[i] - whole.claim[i] * one.expected_transfer))));
  return found[joint.indexOf(Math.max(...joint))];
}

// What members' answers make of r, whose crossings with r itself are the equilibria. Where the
// score answers to care, score and withheld care are held as they are in the chosen one.
export function curve(answer, grid) {
  const p = answer.problem;
  if (!p.care || !p.care.scored) {
    return grid.map((r) => marginalShare(p.transfer, surplusAt(p, { r, atRisk: 0 }), p.sigma));
  }
  const held = answer.points[answer.chosen];
  return grid.map((r) => {
    const mean = p.offset + sum(p.members.map((n, i) => n
      * (contribution(p, p.belief[i] * p.weight * r, i)
        + p.care.withholdingSaving[i] * held.withheld[i])));
    const [gain, , loss] = twoSides(p.transfer, mean, p.sigma);
    return gain * held.score + loss;
  });
}

// ---- patients choose a tier -----------------------------------------------------------------

export function visitShares(choice, efforts) {
  const index = choice.appeal.map((appeal, j) => appeal
    + choice.attraction[j] * (efforts && j < efforts.length ? efforts[j] : 0)
    - choice.price_sensitivity * (choice.out_of_pocket[j] + (choice.gated[j] ? choice.gate : 0)));
  const top = Math.max(...index);
  const weights = index.map((value) => Math.exp(value - top));
  const total = sum(weights);
  return weights.map((weight) => weight / total);
}

export function savingPerEffort(choice, shares, excluded) {
  const last = shares.length - 1;
  const cost = choice.cost.map((c, j) => (excluded && j === last ? 0 : c));
  const mean = sum(shares.map((share, j) => share * cost[j]));
  return shares.slice(0, last).map((share, j) => (choice.visits * choice.fund_share
    * choice.attraction[j] * share * (mean - cost[j])) / choice.members[j]);
}

// ---- the laboratory: settings in, everything that the page shows out --------------------------

const BY_MEMBER = [
  "effort_cost", "price", "margin", "inducement_cost", "withholding_saving", "withholding_harm",
  "withholding_cost", "score_effect", "needed_price", "needed_margin", "needed_cost",
  "needed_value", "needed_saving", "export_spending", "export_price", "export_harm", "export_cost",
];

export function terms(settings, county) {
  const s = settings;
  const free = { ...county.patients, members: [1, s.townships, s.villages], gate: 0 };
  const choice = { ...free, gate: s.gate };
  const scale = county.members.map((n, j) => n / choice.members[j]);
  const by = (values) => values.map((value, j) => value * scale[j]);
  const spending = (at) => {
    const shares = visitShares(at);
    return shares.map((share, j) => at.visits * at.fund_share * share * at.cost[j]);
  };
  const [ungated, gated] = [spending(free), spending(choice)];
  const shares = visitShares(choice);
  const total = savingPerEffort(choice, shares, false);
  const inside = savingPerEffort(choice, shares, true);
  const own = Object.fromEntries(BY_MEMBER.map((name) => [name, by(county[name])]));
  const rest = 1 - s.lead_share;
  const split = [s.lead_share, rest * s.township_share, rest * (1 - s.township_share)];
  const error = s.budget_error * sum(ungated);
  const one = s.acts === "one";
  const saving = total.map((theta, j) => theta + county.management[j] * scale[j]);
  const technology = {
    ...own,
    members: choice.members,
    saving,
    outflow_saving: total.map((theta, j) => theta - inside[j]),
    baseline_spending: sum(gated),
    outflow_spending: gated[gated.length - 1],
    sigma: s.uncertainty * sum(ungated),
    margin_pay: county.margin_pay,
    fund_share: choice.fund_share,
    need: county.need,
    baseline_inducement: own.margin.map((m, j) => (county.margin_pay * m) / own.inducement_cost[j]),
    baseline_needed: own.needed_margin.map((m, j) =>
      clip((county.margin_pay * m) / own.needed_cost[j], 0, county.need[j])),
    // Acting as one, every member weighs the whole transfer as its own.
    believed_share: split.map((part, j) => (one ? 1 : (county.believed * part) / choice.members[j])),
    budget_error: error,
    signal: county.knows.map((x, j) => (error > 0 ? x / (choice.members[j] * error * error) : 0)),
  };
  const scope = sum(ungated) - (s.out_of_county === "excluded" ? ungated[ungated.length - 1] : 0);
  const offered = s.budget_rule === "negotiated"
    ? (1 - s.bargaining) * county.lowest_offer + s.bargaining * county.highest_offer
    : 1;
  const contract = {
    split,
    pay_share: s.pay_share,
    gain_share: s.gain_share,
    loss_share: s.sides === "two" ? s.loss_share : 0,
    minimum_savings: s.corridor,
    minimum_losses: s.corridor,
    first_dollar: false,
    gain_cap: s.cap,
    loss_cap: s.cap,
    edges: "budget",
    audit: s.audit,
    penalty: county.penalty,
    score_weight: s.score_weight,
    performance_pay: saving.map((theta) => s.performance_pay * Math.max(theta, 0)),
    margin_pay: s.margin_pay,
    price: own.price.map((x) => s.induced_price * x),
    needed_price: own.needed_price.map((x) => s.needed_price * x),
    disclosure: one ? 0 : s.disclosure,
    takes_part: [0, s.takes_part, s.takes_part],
    out_of_county: s.out_of_county,
    budget: scope * offered * (1 + s.growth),
  };
  const weight = s.budget_rule === "historical"
    ? historicalWeight(s.growth, county.discount)
    : 1;
  return { contract, technology, weight, choice, free };
}

export function laboratory(settings, county) {
  const { contract, technology, weight, choice, free } = terms(settings, county);
  const answer = respond(contract, technology, weight);
  const best = collectiveOptimum(answer);
  const point = answer.points[answer.chosen];
  const before = technology.baseline_inducement;
  const supplied = technology.baseline_needed;
  const pay = (i) => settings.pay_share * contract.split[i];
  const shared = (part) => ({
    fund: part[0] - part[1],
    pay: contract.split.map((_, i) => pay(i) * part[1]),
    institution: contract.split.map((share, i) => (share - pay(i)) * part[1]),
  });
  const grid = Array.from({ length: 81 }, (_, k) => k / 80);
  return {
    budget: contract.budget,
    perceived: weight,
    contraction: answer.contraction,
    chosen: answer.chosen,
    equilibria: answer.points.map((one) => ({
      marginal_share: one.marginal_share,
      mean_surplus: one.mean_surplus,
      expected_transfer: one.expected_transfer,
      effort: one.effort,
      inducement: one.inducement,
      withheld: one.withheld,
      needed: one.needed,
      exported: one.exported,
      pay: one.pay,
      score: one.score,
      harm: one.harm,
      needed_value: one.needed_value,
      spending: one.spending,
      welfare: one.welfare,
      visits: visitShares(choice, one.effort),
      stable: one.stable,
      best_response: one.best_response,
    })),
    surplus: point.mean_surplus,
    each_yuan: shared([1, point.marginal_share]),
    whole: shared([point.mean_surplus, point.expected_transfer]),
    without: {
      inducement: before,
      needed: supplied,
      pay: before.map((v, i) => technology.margin_pay
        * (technology.margin[i] * v + technology.needed_margin[i] * supplied[i])),
      visits: visitShares(free),
    },
    collective: {
      marginal_share: best.marginal_share,
      mean_surplus: best.mean_surplus,
      effort: best.effort,
      inducement: best.inducement,
      visits: visitShares(choice, best.effort),
    },
    curve: { r: grid, image: curve(answer, grid) },
  };
}
