// The page around the model: controls, address, pictures, tables. Everything stays in the page.
import { laboratory } from "./model.mjs";

const GROUPS = {
  sharing: ["gain_share", "sides", "loss_share", "corridor", "cap", "lead_share", "township_share", "pay_share"],
  budget: ["budget_rule", "bargaining", "growth"],
  patients: ["gate", "audit", "out_of_county"],
  care: ["score_weight", "performance_pay", "margin_pay", "induced_price", "needed_price"],
  knowledge: ["disclosure", "budget_error", "takes_part"],
  county: ["townships", "villages", "uncertainty"],
};
const COUNTS = new Set(["townships", "villages"]);
const TIER_COLOURS = ["#0173b2", "#dd7b00", "#009c70", "#929395"];
const FUND_COLOUR = "#be7cb0";
const SVG = "http://www.w3.org/2000/svg";
const DIGITS = { growth: 1, audit: 1, corridor: 2, cap: 1, uncertainty: 1 };

function make(name, attributes = {}, ...children) {
  const drawn = ["svg", "g", "rect", "path", "line", "circle", "text", "title"].includes(name);
  const element = drawn ? document.createElementNS(SVG, name) : document.createElement(name);
  Object.entries(attributes).forEach(([key, value]) => {
    if (value !== null && value !== undefined) element.setAttribute(key, value);
  });
  element.append(...children.flat());
  return element;
}

const percent = (share, digits = 0) => `${(100 * share).toFixed(digits).replace("-", "−")}%`;
const fill = (text, values) => text.replace(/\{(\w+)\}/g, (_, key) => values[key]);

const amount = ([, factor, digits], value) =>
  (value * factor).toFixed(digits).replace(/^-(0(?:\.0*)?)$/, "$1").replace("-", "−");

const money = (kind, value, lang) => `${amount(kind, value)}${lang === "zh" ? "" : " "}${kind[0]}`;

// ---- the address ---------------------------------------------------------------------------

function readSettings(data, given) {
  const preset = data.presets[given.get("preset")] ?? {};
  const settings = {};
  Object.entries(data.settings).forEach(([name, control]) => {
    const text = given.get(name);
    settings[name] = preset[name] ?? control.default;
    if (text === null) return;
    if (control.choices) {
      if (control.choices.includes(text)) settings[name] = text;
    } else if (text !== "" && Number.isFinite(Number(text))) {
      const value = Math.min(Math.max(Number(text), control.low), control.high);
      settings[name] = COUNTS.has(name) ? Math.round(value) : value;
    }
  });
  return settings;
}

function readAddress(data, lang) {
  const given = new URLSearchParams(window.location.hash.slice(1) || window.location.search);
  const held = given.get("held");
  return {
    settings: readSettings(data, given),
    held: held === null ? null : readSettings(data, new URLSearchParams(held)),
    wanted: given.get("lang") ?? lang,
    lang,
  };
}

function parameters(data, settings) {
  const kept = new URLSearchParams();
  Object.entries(data.settings).forEach(([name, control]) => {
    if (settings[name] !== control.default) kept.set(name, settings[name]);
  });
  return kept;
}

function stateOf(data, state) {
  const kept = parameters(data, state.settings);
  if (state.held) kept.set("held", parameters(data, state.held));
  return kept;
}

function writeAddress(data, state) {
  window.history.replaceState(null, "", `#${stateOf(data, state)}`);
}

// ---- controls --------------------------------------------------------------------------------

function shown(name, value, words) {
  if (COUNTS.has(name)) return String(value);
  if (name === "gate") return `${value} ${words.yuan}`;
  return percent(value, DIGITS[name] ?? 0);
}

function sliderOf(name, control, page) {
  const id = `lab-${name}`;
  const input = make("input", {
    type: "range", id, name, min: control.low, max: control.high, step: control.step,
    "aria-describedby": `${id}-help`,
  });
  const output = make("output", { for: id });
  input.addEventListener("input", () => page.set({ [name]: Number(input.value) }));
  const label = make("label", { for: id }, page.label(name));
  const help = make("span", { id: `${id}-help`, class: "lab-hidden" }, page.help(name));
  const row = make("div", { class: "lab-control", title: page.help(name) }, label, output, input, help);
  const show = (settings) => {
    input.value = settings[name];
    output.textContent = shown(name, settings[name], page.words);
    input.setAttribute("aria-valuetext", output.textContent);
  };
  return { row, show, input };
}

function choiceOf(name, control, page) {
  const options = control.choices.map((choice) =>
    make("option", { value: choice }, page.words.choice[name][choice]));
  const input = make("select", { id: `lab-${name}`, name }, options);
  input.addEventListener("change", () => page.set({ [name]: input.value }));
  const label = make("label", { for: `lab-${name}` }, page.label(name));
  const row = make("div", { class: "lab-control lab-choice", title: page.help(name) }, label, input);
  return { row, input, show: (settings) => { input.value = settings[name]; } };
}

function controlsOf(page) {
  const made = {};
  const boxes = Object.entries(GROUPS).map(([group, names]) => {
    const rows = names.map((name) => {
      const control = page.data.settings[name];
      made[name] = (control.choices ? choiceOf : sliderOf)(name, control, page);
      return made[name].row;
    });
    return make("fieldset", {}, make("legend", {}, page.words.groups[group]), rows);
  });
  const show = (settings) => {
    Object.values(made).forEach((one) => one.show(settings));
    made.loss_share.input.disabled = settings.sides === "one";
    made.bargaining.input.disabled = settings.budget_rule !== "negotiated";
  };
  return { boxes, show };
}

// ---- pictures ---------------------------------------------------------------------------------

function picture(width, height, label, ...children) {
  return make("svg", {
    viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": label, class: "lab-picture",
  }, ...children);
}

const text = (x, y, content, anchor = "start") =>
  make("text", { x, y, "text-anchor": anchor }, content);

function stack(parts, y, height, width) {
  let x = 0;
  return parts.map(({ share, colour, pale, name }) => {
    const size = Math.max(share, 0) * width;
    const bar = make("rect", {
      x, y, width: size.toFixed(2), height, fill: colour, "fill-opacity": pale ? 0.4 : 1,
    }, make("title", {}, `${name}: ${percent(share, 1)}`));
    x += size;
    return bar;
  });
}

function legend(names, colours) {
  return make("ul", { class: "lab-legend" }, names.map((name, k) =>
    make("li", {}, make("span", { style: `background:${colours[k]}` }), name)));
}

function yuanPicture(found, page) {
  const { words } = page;
  const part = found.each_yuan;
  const bars = [{ share: part.fund, colour: FUND_COLOUR, name: words.fund }];
  part.pay.forEach((share, k) => {
    bars.push({ share, colour: TIER_COLOURS[k], name: words.tier[k] });
    bars.push({ share: part.institution[k], colour: TIER_COLOURS[k], pale: true, name: words.tier[k] });
  });
  const names = [words.fund, ...words.tier.slice(0, 3)].map((name, k) => {
    const share = k === 0 ? part.fund : part.pay[k - 1] + part.institution[k - 1];
    return `${name} ${percent(share, 1)}`;
  });
  return [
    picture(400, 34, `${words.figure.yuan} ${names.join(", ")}`, stack(bars, 2, 30, 400)),
    legend(names, [FUND_COLOUR, ...TIER_COLOURS]),
  ];
}

function visitsPicture(found, page) {
  const { words } = page;
  const rows = [
    [words.rows.without, found.without.visits],
    [words.rows.with, found.equilibria[found.chosen].visits],
    [words.rows.collective, found.collective.visits],
  ];
  const said = rows.map(([name, shares]) =>
    `${name}: ${shares.map((share, k) => `${words.tier[k]} ${percent(share, 1)}`).join(", ")}`);
  const drawn = rows.map(([name, shares], row) => [
    text(0, 14 + row * 46, name),
    stack(shares.map((share, k) => ({ share, colour: TIER_COLOURS[k], name: words.tier[k] })),
      19 + row * 46, 18, 400),
  ]).flat(2);
  return [picture(400, 132, said.join("; "), drawn), legend(words.tier, TIER_COLOURS)];
}

function ratios(found) {
  const point = found.equilibria[found.chosen];
  const part = (over, under) => over.map((value, k) => (under[k] > 0 ? value / under[k] : 0));
  return {
    effort: part(point.effort, found.collective.effort),
    inducement: part(point.inducement, found.without.inducement),
  };
}

function actsPicture(found, page) {
  const { words } = page;
  const parts = ratios(found);
  const said = [];
  const drawn = ["effort", "inducement"].map((act, block) => {
    const top = block * 92;
    const longest = Math.max(1, ...parts[act]);
    const rows = parts[act].map((value, k) => {
      const y = top + 24 + k * 22;
      said.push(`${words[act]}, ${words.tier[k]} ${percent(value)}`);
      const size = (210 * Math.max(value, 0)) / longest;
      return [
        text(0, y + 11, words.tier[k]),
        make("rect", { x: 130, y, width: 210, height: 14, class: "lab-rail" }),
        make("rect", { x: 130, y, width: size.toFixed(2), height: 14, fill: TIER_COLOURS[k] }),
        text(348, y + 11, percent(value)),
      ];
    });
    return [make("text", { x: 0, y: top + 13, class: "lab-strong" }, words[act]), rows].flat(2);
  }).flat();
  return [picture(400, 182, said.join("; "), drawn)];
}

function mapPicture(found, page) {
  const { words } = page;
  const [left, bottom, size] = [52, 232, 220];
  const x = (r) => left + r * size * 1.5;
  const y = (r) => bottom - Math.min(Math.max(r, 0), 1) * size;
  const path = found.curve.r.map((r, k) => `${k ? "L" : "M"}${x(r).toFixed(1)} ${y(found.curve.image[k]).toFixed(1)}`);
  const dots = found.equilibria.map((one) => make("circle", {
    cx: x(one.marginal_share), cy: y(one.marginal_share), r: 5.5, class: "lab-dot",
    fill: one.stable && one.best_response ? TIER_COLOURS[0] : "none", stroke: TIER_COLOURS[0],
  }));
  const ticks = [0, 0.5, 1].flatMap((r) => [
    text(x(r), bottom + 17, percent(r), "middle"), text(left - 7, y(r) + 4, percent(r), "end"),
  ]);
  const said = found.equilibria.map((one) => percent(one.marginal_share, 1)).join(", ");
  return [picture(400, 272, `${words.figure.map} ${said}`,
    make("path", { d: `M${x(0)} ${y(1)}V${bottom}H${x(1)}`, class: "lab-axis" }),
    make("line", { x1: x(0), y1: y(0), x2: x(1), y2: y(1), class: "lab-axis" }),
    make("path", { d: path.join(""), class: "lab-line", stroke: TIER_COLOURS[0] }), dots, ticks,
    text(x(1), bottom + 36, words.axis.expected, "end"), text(left + 6, 14, words.axis.resulting))];
}

const badge = () => make("span", { class: "exhibit-badge badge-illustrative" }, "ILLUSTRATIVE");

// ---- tables ------------------------------------------------------------------------------------

function table(caption, head, rows) {
  const cells = (row) => row.map((cell, k) => (k === 0 ? make("th", { scope: "row" }, cell) : make("td", {}, cell)));
  return make("div", { class: "exhibit-scroll", tabindex: 0, role: "region", "aria-label": caption },
    make("table", { class: "lab-table" },
      make("caption", {}, badge(), " ", caption),
      make("thead", {}, make("tr", {}, head.map((cell) => make("th", { scope: "col" }, cell)))),
      make("tbody", {}, rows.map((row) => make("tr", {}, cells(row))))));
}

function tiersTable(found, page) {
  const { words } = page;
  const point = found.equilibria[found.chosen];
  const parts = ratios(found);
  const { settings } = page.state;
  const rest = 1 - settings.lead_share;
  const split = [settings.lead_share, rest * settings.township_share, rest * (1 - settings.township_share)];
  const members = [1, settings.townships, settings.villages];
  const rows = words.tier.map((tier, k) => {
    const visits = [found.without.visits[k], point.visits[k]].map((share) => percent(share, 1));
    if (k === 3) return [tier, "", "", "", "", "", "", "", visits.join(" → ")];
    return [
      tier, String(members[k]), percent(split[k] / members[k], 1),
      amount(words.money, found.whole.pay[k] + found.whole.institution[k]),
      amount(words.pay, found.without.pay[k]), amount(words.pay, point.pay[k]),
      percent(parts.effort[k]), percent(parts.inducement[k]), visits.join(" → "),
    ];
  });
  rows.push([words.fund, "", "", amount(words.money, found.whole.fund), "", "", "", "", ""]);
  const t = words.table;
  const head = [t.tier, t.members, t.one_share, fill(t.whole, { unit: words.money[0] }),
    fill(t.pay_before, { unit: words.pay[0] }), fill(t.pay_now, { unit: words.pay[0] }), words.effort, words.inducement, page.label("visits")];
  return table(t.tiers, head, rows);
}

function equilibriaTable(found, page) {
  const { words } = page;
  const t = words.table;
  const say = (value) => (value ? t.yes : t.no);
  const rows = found.equilibria.map((one, k) => [
    String(k + 1), percent(one.marginal_share, 1), amount(words.money, one.mean_surplus),
    say(one.stable), say(one.best_response), say(k === found.chosen),
  ]);
  return table(t.equilibria,
    [t.outcome, page.label("marginal_share"), fill(t.surplus, { unit: words.money[0] }), t.stable, t.content, t.shown], rows);
}

// ---- the page -------------------------------------------------------------------------------------

// What no contract means here: the same county, budget by head, nothing shared, no gate, no audit.
const NO_CONTRACT = {
  gain_share: 0, sides: "one", budget_rule: "capitation", growth: 0, gate: 0, audit: 0,
  out_of_county: "included", score_weight: 0, performance_pay: 0, budget_error: 0,
};
const COUNTY = ["townships", "villages", "uncertainty"];

function without(settings) {
  return { ...settings, ...NO_CONTRACT };
}

// Numbers that a reader weighs, from one solved setting.
export function summary(found, settings, data) {
  const point = found.equilibria[found.chosen];
  const members = [1, settings.townships, settings.villages];
  const { patients } = data.county;
  const wages = members.map((n, k) =>
    (data.wage_part * patients.visits * found.without.visits[k] * patients.cost[k]) / n);
  const bonus = members.map((n, k) => found.whole.pay[k] / n);
  return {
    surplus: found.surplus,
    budget: found.budget,
    fund: found.whole.fund,
    kept: found.surplus - found.whole.fund,
    bonus,
    wage: bonus.map((value, k) => value / wages[k]),
    harm: point.harm,
    primary: point.visits[1] + point.visits[2],
    outside: point.visits[3],
    induced: point.inducement[2] / found.without.inducement[2],
    keeps: 1 - found.each_yuan.fund,
    moved: Math.max(...point.visits.map((share, k) => Math.abs(share - found.without.visits[k]))),
    steady: found.equilibria.filter((one) => one.stable && one.best_response).length,
  };
}

function sentences(found, page) {
  const { words, lang } = page;
  const cash = (value) => money(words.money, value, lang);
  const now = page.now;
  const said = [fill(words.headline, {
    surplus: cash(now.surplus), budget: cash(now.budget), fund: cash(now.fund),
    kept: cash(now.kept), bonus: money(words.pay, now.bonus[1], lang), wage: percent(now.wage[1], 1),
    harm: cash(now.harm), primary: percent(now.primary, 1), before: percent(page.base.primary, 1),
  })];
  if (found.surplus < 0) said.push(words.negative);
  if (now.steady > 1) said.push(fill(words.several, { count: now.steady }));
  if (found.perceived < 1) said.push(fill(words.ratchet, { weight: percent(found.perceived) }));
  return said.join(lang === "zh" ? "" : " ");
}

// Where a setting is implausible or lies where the model does not reach.
export function warningsOf(now, settings, seen) {
  const found = [];
  const size = Math.abs(now.surplus) / now.budget;
  if (now.steady === 0) found.push(["none", {}]);
  if (settings.gain_share > seen.gain_share) found.push(["share", { high: seen.gain_share }]);
  if (settings.sides === "two" && settings.loss_share > 0 && settings.cap > seen.loss_cap) {
    found.push(["loss", { cap: settings.cap, high: seen.loss_cap }]);
  }
  if (settings.sides === "one" && settings.growth < 0) found.push(["one", {}]);
  if (size > REACH_SURPLUS) found.push(["surplus", { limit: REACH_SURPLUS }]);
  if (now.moved > REACH_VISITS) found.push(["visits", { limit: REACH_VISITS }]);
  if (Math.max(...now.wage) > REACH_WAGE) found.push(["wage", { limit: REACH_WAGE }]);
  return found;
}

const REACH_SURPLUS = 0.05;
const REACH_VISITS = 0.05;
const REACH_WAGE = 0.3;

function warningList(page) {
  const { words } = page;
  return warningsOf(page.now, page.state.settings, page.data.seen).map(([name, values]) => {
    const said = Object.entries(values).map(([key, value]) =>
      [key, name === "visits" ? String(Math.round(100 * value)) : percent(value)]);
    return make("li", {}, fill(words.warnings[name], Object.fromEntries(said)));
  });
}

function stripOf(page) {
  const { words, lang, now } = page;
  const values = [money(words.money, now.surplus, lang), money(words.pay, now.bonus[1], lang),
    money(words.money, now.harm, lang), percent(now.primary, 1)];
  return words.strip.map((name, k) =>
    make("div", {}, make("span", {}, name), make("strong", {}, values[k])));
}

function compareTable(page) {
  const { words, lang, base, held, now } = page;
  const cash = (value) => amount(words.money, value);
  const pay = (value) => amount(words.pay, value);
  const share = (value) => percent(value, 1);
  const unit = (name, kind) => `${name}${lang === "zh" ? `（${kind[0]}）` : `, ${kind[0]}`}`;
  const r = words.rows2;
  const rows = [
    [unit(r[0], words.money), (one) => cash(one.surplus)],
    [unit(r[1], words.money), (one) => cash(one.fund)],
    [unit(r[2], words.money), (one) => cash(one.kept)],
    [unit(r[3], words.pay), (one) => pay(one.bonus[0])],
    [unit(r[4], words.pay), (one) => pay(one.bonus[1])],
    [unit(r[5], words.pay), (one) => pay(one.bonus[2])],
    [r[6], (one) => share(one.wage[1])],
    [unit(r[7], words.money), (one) => cash(one.harm)],
    [r[8], (one) => share(one.primary)],
    [r[9], (one) => share(one.outside)],
    [r[10], (one) => percent(one.induced)],
    [r[11], (one) => share(one.keeps)],
  ];
  const shown = held ? [base, held, now] : [base, now];
  const heads = held ? words.columns : [words.columns[0], words.columns[2]];
  return table(words.compare, ["", ...heads],
    rows.map(([name, print]) => [name, ...shown.map(print)]));
}

function solved(page, settings) {
  return summary(laboratory(settings, page.data.county), settings, page.data);
}

function singleTable(page) {
  const { words, state, lang } = page;
  const start = state.held ?? without(state.settings);
  const names = Object.keys(page.data.settings).filter((name) =>
    !COUNTY.includes(name) && start[name] !== state.settings[name]);
  if (names.length === 0) return make("p", {}, words.same);
  const from = state.held ? page.held : page.base;
  const unit = (name, kind) => `${name}${lang === "zh" ? `（${kind[0]}）` : `, ${kind[0]}`}`;
  const row = (label, one) => [label, amount(words.money, one.surplus),
    amount(words.pay, one.bonus[1]), amount(words.money, one.harm), percent(one.primary, 1)];
  const value = (name, at) => (page.data.settings[name].choices
    ? words.choice[name][at] : shown(name, at, words));
  const rows = names.map((name) => row(
    `${page.label(name)}${lang === "zh" ? "：" : ": "}${value(name, start[name])} → ${value(name, state.settings[name])}`,
    solved(page, { ...start, [name]: state.settings[name] })));
  const ends = state.held ? words.start_held : words.start_plain;
  const [first, second, third, last] = words.strip;
  return make("div", {},
    make("p", {}, fill(words.single_note, { start: ends })),
    table(words.single, ["", unit(first, words.money), unit(second, words.pay),
      unit(third, words.money), last],
    [row(ends, from), ...rows, row(words.columns[2], page.now)]));
}

function figureOf(name, found, page) {
  const draw = { yuan: yuanPicture, visits: visitsPicture, acts: actsPicture, map: mapPicture }[name];
  return make("figure", { class: "exhibit lab-figure", id: `lab-figure-${name}`, "data-badge": "ILLUSTRATIVE" },
    make("figcaption", {}, badge(), " ", page.words.figure[name]), draw(found, page));
}

function build(root, page) {
  const { words, lang, data } = page;
  root.lang = lang === "zh" ? "zh-CN" : "en";
  const controls = controlsOf(page);
  const language = make("a", { class: "lab-language", lang: lang === "zh" ? "en" : "zh-CN", href: page.other() }, words.other);
  language.addEventListener("click", () => language.setAttribute("href", page.other()));
  const copy = make("button", { type: "button", class: "lab-copy" }, words.copy);
  copy.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(window.location.href);
      copy.textContent = words.copied;
    } catch {
      copy.textContent = window.location.href;
    }
  });
  const again = make("button", { type: "button", class: "lab-again" }, words.again);
  again.addEventListener("click", () => page.preset({}));
  const presets = Object.entries(data.presets).map(([name, changes]) => {
    const button = make("button", { type: "button", "data-preset": name, "aria-pressed": "false" }, data.preset_labels[name][lang]);
    button.addEventListener("click", () => page.preset(changes));
    return button;
  });
  const headline = make("p", { class: "lab-headline", role: "status", "aria-live": "polite" });
  const strip = make("div", { class: "lab-strip", "aria-hidden": "true" });
  const warnings = make("ul", { class: "lab-warnings", "aria-label": words.warn });
  const hold = make("button", { type: "button", class: "lab-hold" }, words.hold);
  hold.addEventListener("click", () => page.hold({ ...page.state.settings }));
  const release = make("button", { type: "button", class: "lab-release" }, words.release);
  release.addEventListener("click", () => page.hold(null));
  const economists = make("details", { class: "lab-economists" });
  const contract = contractOf(page);
  const results = make("div", { class: "lab-results" });
  const tables = make("div", { class: "lab-tables" });
  root.replaceChildren(
    make("p", { class: "lab-note" }, badge(), " ", words.badge_note, " ", language),
    make("div", { class: "lab-presets", role: "group", "aria-label": words.presets },
      make("span", {}, words.presets), presets),
    headline,
    strip,
    warnings,
    make("div", { class: "lab-body" },
      make("form", { class: "lab-controls" }, controls.boxes, make("div", { class: "lab-buttons" }, again, copy, hold, release)),
      results),
    tables,
    contract.box,
    economists,
  );
  root.querySelector("form").addEventListener("submit", (event) => event.preventDefault());
  return { controls, headline, strip, warnings, results, tables, presets, economists, contract, release };
}

function isPreset(data, settings, changes) {
  return Object.entries(data.settings).every(([name, control]) =>
    settings[name] === (changes[name] ?? control.default));
}

// ---- the setting as a contract -------------------------------------------------------------------

const rounded = (value) => Number(value.toFixed(12));

// The rule fields of a setting, as medalliance.chapters.contract_settings.fields_of gives them.
export function fieldsOf(settings) {
  const s = settings;
  const span = Math.max(s.cap - s.corridor, 0);
  const loss = s.sides === "two" ? s.loss_share : 0;
  const rest = 1 - s.lead_share;
  const fields = {
    budget_basis: s.budget_rule,
    budget_growth_rate: s.growth,
    out_of_county: s.out_of_county,
    minimum_savings_rate: s.corridor,
    surplus_retention_share: s.gain_share,
    savings_cap_share: rounded(s.gain_share * span),
    minimum_loss_rate: s.corridor,
    overspend_sharing_share: loss,
    overspend_corridor_share: s.cap,
    overspend_above_corridor_share: 0,
    loss_cap_share: rounded(loss * span),
    split_lead_share: s.lead_share,
    split_township_share: rounded(rest * s.township_share),
    split_village_share: rounded(rest * (1 - s.township_share)),
    within_party_rule: "headcount_score",
    surplus_pay_share: s.pay_share,
  };
  if (s.budget_rule === "historical") fields.budget_basis_years = 3;
  return fields;
}

// The example settled under a setting, in fen, down to each level; zeros are not posted.
export function exampleLines(settings, { budget, spending, out_of_county_spending: outside }) {
  const fields = fieldsOf(settings);
  const deducted = settings.out_of_county === "deducted_first" ? outside : 0;
  const base = budget - deducted;
  const balance = base - spending;
  const gain = balance >= 0;
  const size = Math.abs(balance);
  const shared = Math.max(size - settings.corridor * base, 0);
  const rate = gain ? fields.surplus_retention_share : fields.overspend_sharing_share;
  const most = (gain ? fields.savings_cap_share : fields.loss_cap_share) * base;
  const part = Math.round(rounded(Math.min(rate * shared, most)));
  const parties = { lead_hospital: fields.split_lead_share, township: fields.split_township_share, village: fields.split_village_share };
  const exact = Object.entries(parties).map(([party, share]) => [party, rounded(part * share)]);
  const whole = exact.map(([party, value]) => [party, Math.floor(value), value - Math.floor(value)]);
  const left = part - sumOf(whole.map((one) => one[1]));
  [...whole].sort((a, b) => b[2] - a[2] || (a[0] < b[0] ? -1 : 1)).slice(0, left)
    .forEach((one) => { one[1] += 1; });
  return [
    ["budget", budget], ["claims", spending], ...(deducted ? [["deducted", deducted]] : []),
    [gain ? "surplus" : "deficit", size],
    ...(size - part ? [[gain ? "kept" : "topped_up", size - part]] : []),
    [gain ? "retained" : "owed", part],
    ...whole.filter((one) => one[1] > 0).map(([party, fen]) => [party, fen]),
  ];
}

const sumOf = (values) => values.reduce((total, value) => total + value, 0);

function wan(fen) {
  const [whole, rest] = [Math.floor(fen / 1e6), fen % 1e6];
  return `${whole.toLocaleString("en-US")}.${String(rest).padStart(6, "0")}`;
}

function exampleText(settings, example) {
  const years = example.years.map((row) => [row.year, ...exampleLines(settings, row)
    .map(([key, fen]) => `${example.words[key]}  ${wan(fen)}`)].join("\n"));
  return [example.title, example.said, ...years].join("\n");
}

// The clauses as plain text, as medalliance.press.contract_draft.plain_text gives them.
export function contractText(settings, content, lang) {
  const fields = fieldsOf(settings);
  const { words } = content;
  const said = (name) => {
    const value = fields[name];
    if (value === undefined) return "";
    if (typeof value === "string") return words.values[value];
    if (name === "budget_basis_years") return String(value);
    const number = String(rounded(100 * value)).replace("-", "−");
    return lang === "zh" ? `${number}%` : `${number} %`;
  };
  const parts = content.clauses.map(({ heading, wording, asks }) => {
    const open = [];
    const text = wording.replace(/\{(\w+)\}/g, (_, name) => {
      const value = said(name);
      if (value) return `${value}*`;
      const blank = content.blanks[name];
      const reason = fill(words.reason, blank);
      if (!open.includes(reason)) open.push(reason);
      return blank.open;
    });
    const why = open.length ? [`${words.open}${open.join(words.between)}`] : [];
    return [heading, text, ...why, ...asks.map((one) => `· ${one}`)].join("\n");
  });
  return [words.title, words.from, words.key, ...parts, exampleText(settings, content.example)].join("\n\n") + "\n";
}

function contractOf(page) {
  const { words, lang } = page;
  const content = window.LABORATORY_CONTRACT?.[lang];
  const text = make("pre", { class: "lab-contract-text", tabindex: 0 });
  const command = make("p", { class: "lab-command" });
  const copy = make("button", { type: "button", class: "lab-copy-contract" }, words.copy_text);
  copy.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(text.textContent);
      copy.textContent = words.copied;
    } catch {
      window.getSelection().selectAllChildren(text);
    }
  });
  const save = make("a", { class: "lab-save", download: `contract-${lang}.txt`, href: "#" }, words.save);
  save.addEventListener("click", () => {
    const file = new Blob(["\ufeff", text.textContent], { type: "text/plain;charset=utf-8" });
    save.setAttribute("href", URL.createObjectURL(file));
  });
  const box = make("details", { class: "lab-contract" }, make("summary", {}, words.contract),
    make("p", {}, words.contract_note), make("div", { class: "lab-buttons" }, copy, save), text, command);
  const show = () => {
    if (!content) return;
    text.textContent = contractText(page.state.settings, content, lang);
    command.textContent = fill(words.command, { address: `laboratory.html#${parameters(page.data, page.state.settings)}` });
  };
  return { box, show };
}

export function start(data, words) {
  const root = document.getElementById("laboratory");
  if (!root) return;
  const lang = root.dataset.lang ?? "en";
  const page = { data, state: readAddress(data, lang), lang, words: words[lang] };
  page.other = () => {
    const inside = /\/zh\/[^/]*$/.test(window.location.pathname);
    const place = lang === "zh" ? `${inside ? "../" : ""}laboratory.html` : "laboratory-zh.html";
    return `${place}#${stateOf(data, page.state)}`;
  };
  if (page.state.wanted !== lang && words[page.state.wanted]) {
    window.location.replace(page.other());
    return;
  }
  page.label = (name) => data.labels[name][lang];
  page.help = (name) => (lang === "en" ? data.labels[name].definition : "");
  let parts;
  const badged = (child) => make("figure", { class: "exhibit", "data-badge": "ILLUSTRATIVE" }, child);
  const update = () => {
    const { settings, held } = page.state;
    const found = laboratory(settings, data.county);
    page.now = summary(found, settings, data);
    page.base = solved(page, without(settings));
    page.held = held ? solved(page, held) : null;
    parts.controls.show(settings);
    parts.headline.textContent = sentences(found, page);
    parts.strip.replaceChildren(...stripOf(page));
    parts.warnings.replaceChildren(...warningList(page));
    parts.release.hidden = !held;
    parts.results.replaceChildren(
      badged(compareTable(page)), ...["yuan", "visits", "acts"].map((name) => figureOf(name, found, page)),
    );
    parts.tables.replaceChildren(
      badged(singleTable(page)), badged(tiersTable(found, page)),
      make("p", { class: "exhibit-source" }, page.words.source, " ",
        fill(page.words.wages_note, { part: percent(data.wage_part) })),
    );
    parts.economists.replaceChildren(
      make("summary", {}, page.words.economists), figureOf("map", found, page),
      badged(equilibriaTable(found, page)));
    parts.contract.show();
    parts.presets.forEach((button) => {
      const changes = data.presets[button.dataset.preset];
      button.setAttribute("aria-pressed", String(isPreset(data, settings, changes)));
    });
  };
  let waiting = false;
  const soon = () => {
    writeAddress(data, page.state);
    if (waiting) return;
    waiting = true;
    window.requestAnimationFrame(() => {
      waiting = false;
      update();
    });
  };
  page.set = (changes) => {
    Object.assign(page.state.settings, changes);
    soon();
  };
  page.hold = (settings) => {
    page.state.held = settings;
    soon();
  };
  page.preset = (changes) => {
    const plain = Object.entries(data.settings).map(([name, control]) => [name, control.default]);
    page.set({ ...Object.fromEntries(plain), ...changes });
  };
  const under = () => {
    const head = document.querySelector(".bd-header-article, .header-article")?.getBoundingClientRect();
    root.style.setProperty("--lab-top", `${Math.max(head ? head.height : 0, 0)}px`);
  };
  const open = () => {
    parts = build(root, page);
    update();
    under();
  };
  window.addEventListener("resize", under);
  window.addEventListener("hashchange", () => {
    page.state = readAddress(data, lang);
    open();
  });
  open();
}
