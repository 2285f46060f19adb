// The incentive model of the package medalliance, in plain JavaScript.
//
// Names, formulas and conventions are those of medalliance.incentives; a test solves the same
// contracts with both and holds them together. Arrays have one entry a group. Infinity may be
// given as the text "inf". Members without aversion to risk; one contract, one technology.

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
  const gain = margin.map((m, i) => marginPay[i] * (m - lost * price[i]));
  const before = technology.baseline_inducement;
  return {
    members,
    payShare,
    claim: split.map((share, i) => (payShare[i] * share) / members[i]),
    saving: of("saving").map((theta, i) => theta - (excluded ? outflowSaving[i] : 0)),
    effortCost: of("effort_cost"),
    bonus: spread(contract.performance_pay, n, 0),
    fundPrice: price.map((p) => fundShare * p),
    inducementGain: gain,
    inducementCost,
    baselineInducement: before === undefined || before === null
      ? margin.map((m, i) => (marginPay[i] * Math.max(m, 0)) / inducementCost[i])
      : spread(before, n),
    offset: budget - inScope,
    sigma: Number(technology.sigma),
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
const contribution = (p, worth, i) =>
  p.saving[i] * effort(p, worth, i)
  - p.fundPrice[i] * (inducement(p, worth, i) - p.baselineInducement[i]);

function privateValue(p, worth, i) {
  const e = effort(p, worth, i);
  const v = inducement(p, worth, i);
  return p.bonus[i] * e + p.inducementGain[i] * v
    - (p.effortCost[i] * e * e + p.inducementCost[i] * v * v) / 2;
}

// Mean surplus that members bring about when each further unit of surplus leaves the alliance r.
export function meanSurplus(p, r) {
  let mean = p.offset;
  for (let i = 0; i < p.members.length; i += 1) {
    mean += p.members[i] * contribution(p, p.claim[i] * p.weight * r, i);
  }
  return mean;
}

const answerTo = (p, mean) => meanSurplus(p, marginalShare(p.transfer, mean, p.sigma));

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
  const share = marginalShare(p.transfer, mean, p.sigma);
  const gain = expectedTransfer(p.transfer, mean, p.sigma);
  const each = p.members.map((_, i) => {
    const worth = p.claim[i] * share * p.weight;
    const e = effort(p, worth, i);
    const v = inducement(p, worth, i);
    const received = p.claim[i] * gain;
    return {
      effort: e,
      inducement: v,
      pay: received + p.bonus[i] * e + p.inducementGain[i] * v,
      utility: received + privateValue(p, worth, i),
    };
  });
  return {
    marginal_share: share,
    mean_surplus: mean,
    expected_transfer: gain,
    effort: each.map((one) => one.effort),
    inducement: each.map((one) => one.inducement),
    pay: each.map((one) => one.pay),
    utility: each.map((one) => one.utility),
  };
}

// Search each member's own acts, over the whole line, for a better payoff than at a fixed point.
function isBest(p, found, reach) {
  const moves = p.members.map((_, i) => reach.map((worth) => contribution(p, worth * p.claim[i], i)));
  const longest = Math.max(...moves.map(([low, high]) => Math.abs(high - low)));
  const nPoints = Math.trunc(clip((64 * longest) / p.sigma, 513, 20001));
  const r = found.marginal_share * p.weight;
  const payoff = (i, worth, mean) =>
    p.claim[i] * p.weight * expectedTransfer(p.transfer, mean, p.sigma) + privateValue(p, worth, i);
  return p.members.every((_, i) => {
    const at = contribution(p, p.claim[i] * r, i);
    const here = payoff(i, p.claim[i] * r, found.mean_surplus);
    const limit = here + GAIN_TOLERANCE * (1 + Math.abs(found.utility[i]));
    for (let k = 0; k < nPoints; k += 1) {
      const worth = p.claim[i] * (reach[0] + ((reach[1] - reach[0]) * k) / (nPoints - 1));
      const moved = found.mean_surplus - at + contribution(p, worth, i);
      if (payoff(i, worth, moved) > limit) return false;
    }
    return true;
  });
}

// Every equilibrium of the members' answers to a contract.
export function respond(contract, technology, weight) {
  return solve(problemOf(contract, technology, weight));
}

function solve(p) {
  const means = knotGrid(p, 64);
  const worths = means.map((mean) => marginalShare(p.transfer, mean, p.sigma) * p.weight);
  const reach = [Math.min(...worths), Math.max(...worths)];
  const step = 1e-5 * p.sigma;
  const points = allFixedPoints(p).map((mean) => {
    const found = answers(p, mean);
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
  const response = sum(p.members.map((n, i) => n * p.claim[i]
    * (p.saving[i] ** 2 / p.effortCost[i] + p.fundPrice[i] ** 2 / p.inducementCost[i])));
  const rise = steepestRise(p.transfer, p.sigma, p.weight < 0 ? -1 : 1);
  return { problem: p, points, chosen, contraction: rise * response * Math.abs(p.weight) };
}

// Every member acts as if the whole transfer were its own (Holmstrom 1982).
export function collectiveOptimum(answer) {
  const whole = { ...answer.problem, claim: answer.problem.payShare.slice() };
  const found = allFixedPoints(whole).map((mean) => answers(whole, mean));
  const joint = found.map((one) => Math.max(...whole.claim) * one.expected_transfer
    + sum(whole.members.map((n, i) => n * (one.utility[i] - whole.claim[i] * one.expected_transfer))));
  return found[joint.indexOf(Math.max(...joint))];
}

// What members' answers make of r, whose crossings with r itself are the equilibria.
export function curve(p, grid) {
  return grid.map((r) => marginalShare(p.transfer, meanSurplus(p, r), p.sigma));
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
  const margin = by(county.margin);
  const cost = by(county.inducement_cost);
  const technology = {
    members: choice.members,
    saving: total.map((theta, j) => theta + county.management[j] * scale[j]),
    outflow_saving: total.map((theta, j) => theta - inside[j]),
    baseline_spending: sum(gated),
    outflow_spending: gated[gated.length - 1],
    effort_cost: by(county.effort_cost),
    sigma: s.uncertainty * sum(ungated),
    price: by(county.price),
    margin,
    inducement_cost: cost,
    margin_pay: county.margin_pay,
    fund_share: choice.fund_share,
    baseline_inducement: margin.map((m, j) => (county.margin_pay * m) / cost[j]),
  };
  const scope = sum(ungated) - (s.out_of_county === "excluded" ? ungated[ungated.length - 1] : 0);
  const offered = s.budget_rule === "negotiated"
    ? (1 - s.bargaining) * county.lowest_offer + s.bargaining * county.highest_offer
    : 1;
  const rest = 1 - s.lead_share;
  const contract = {
    split: [s.lead_share, rest * s.township_share, rest * (1 - s.township_share)],
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
  const p = answer.problem;
  const before = technology.baseline_inducement;
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
      pay: one.pay,
      visits: visitShares(choice, one.effort),
      stable: one.stable,
      best_response: one.best_response,
    })),
    surplus: point.mean_surplus,
    each_yuan: shared([1, point.marginal_share]),
    whole: shared([point.mean_surplus, point.expected_transfer]),
    without: {
      inducement: before,
      pay: before.map((v, i) => technology.margin_pay * technology.margin[i] * v),
      visits: visitShares(free),
    },
    collective: {
      marginal_share: best.marginal_share,
      mean_surplus: best.mean_surplus,
      effort: best.effort,
      inducement: best.inducement,
      visits: visitShares(choice, best.effort),
    },
    curve: { r: grid, image: curve(p, grid) },
  };
}
