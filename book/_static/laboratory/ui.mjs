// The page around the model: controls, address, pictures, tables. Everything stays in the page.
import { laboratory } from "./model.mjs";

const GROUPS = {
  sharing: ["gain_share", "sides", "loss_share", "corridor", "cap", "lead_share", "township_share", "pay_share"],
  budget: ["budget_rule", "bargaining", "growth"],
  patients: ["gate", "audit", "out_of_county"],
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

function readAddress(data) {
  const given = new URLSearchParams(window.location.hash.slice(1) || window.location.search);
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
  const lang = given.get("lang") === "zh" ? "zh" : "en";
  return { settings, lang };
}

function writeAddress(data, state) {
  const kept = new URLSearchParams();
  Object.entries(data.settings).forEach(([name, control]) => {
    if (state.settings[name] !== control.default) kept.set(name, state.settings[name]);
  });
  kept.set("lang", state.lang);
  window.history.replaceState(null, "", `#${kept}`);
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
    const rows = parts[act].map((value, k) => {
      const y = top + 24 + k * 22;
      said.push(`${words[act]}, ${words.tier[k]} ${percent(value)}`);
      const size = 210 * Math.min(Math.max(value, 0), 1);
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

function sentences(found, page) {
  const { words, lang } = page;
  const cash = (value) => money(words.money, value, lang);
  const said = [fill(words.headline, {
    surplus: cash(found.surplus), budget: cash(found.budget),
    collective: cash(found.collective.mean_surplus),
    keeps: percent(1 - found.each_yuan.fund, 1), fund: percent(found.each_yuan.fund, 1),
  })];
  if (found.surplus < 0) said.push(words.negative);
  const steady = found.equilibria.filter((one) => one.stable && one.best_response).length;
  if (steady === 0) said.push(words.none);
  else said.push(steady > 1 ? fill(words.several, { count: steady }) : words.alone);
  if (found.perceived < 1) said.push(fill(words.ratchet, { weight: percent(found.perceived) }));
  return said.join(lang === "zh" ? "" : " ");
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
  const language = make("button", { type: "button", class: "lab-language", lang: lang === "zh" ? "en" : "zh-CN" }, words.other);
  language.addEventListener("click", () => page.speak(lang === "zh" ? "en" : "zh"));
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
  const results = make("div", { class: "lab-results" });
  const tables = make("div", { class: "lab-tables" });
  root.replaceChildren(
    make("p", { class: "lab-note" }, badge(), " ", words.badge_note, " ", language),
    make("div", { class: "lab-presets", role: "group", "aria-label": words.presets },
      make("span", {}, words.presets), presets),
    headline,
    make("div", { class: "lab-body" },
      make("form", { class: "lab-controls" }, controls.boxes, make("div", { class: "lab-buttons" }, again, copy)),
      results),
    tables,
  );
  root.querySelector("form").addEventListener("submit", (event) => event.preventDefault());
  return { controls, headline, results, tables, presets };
}

function isPreset(data, settings, changes) {
  return Object.entries(data.settings).every(([name, control]) =>
    settings[name] === (changes[name] ?? control.default));
}

export function start(data, words) {
  const root = document.getElementById("laboratory");
  if (!root) return;
  const page = { data, state: readAddress(data) };
  let parts;
  const update = () => {
    const found = laboratory(page.state.settings, data.county);
    parts.controls.show(page.state.settings);
    parts.headline.textContent = sentences(found, page);
    parts.results.replaceChildren(
      ...["yuan", "visits", "acts", "map"].map((name) => figureOf(name, found, page)),
    );
    parts.tables.replaceChildren(
      make("figure", { class: "exhibit", "data-badge": "ILLUSTRATIVE" }, tiersTable(found, page)),
      make("figure", { class: "exhibit", "data-badge": "ILLUSTRATIVE" }, equilibriaTable(found, page)),
      make("p", { class: "exhibit-source" }, page.words.source),
    );
    parts.presets.forEach((button) => {
      const changes = data.presets[button.dataset.preset];
      button.setAttribute("aria-pressed", String(isPreset(data, page.state.settings, changes)));
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
  const rebuild = () => {
    page.lang = page.state.lang;
    page.words = words[page.lang];
    page.label = (name) => data.labels[name][page.lang];
    page.help = (name) => (page.lang === "en" ? data.labels[name].definition : "");
    parts = build(root, page);
    update();
  };
  page.set = (changes) => {
    Object.assign(page.state.settings, changes);
    soon();
  };
  page.preset = (changes) => {
    const plain = Object.entries(data.settings).map(([name, control]) => [name, control.default]);
    page.set({ ...Object.fromEntries(plain), ...changes });
  };
  page.speak = (lang) => {
    page.state.lang = lang;
    writeAddress(data, page.state);
    rebuild();
    root.querySelector(".lab-language").focus();
  };
  window.addEventListener("hashchange", () => {
    page.state = readAddress(data);
    rebuild();
  });
  rebuild();
}

