// Searches the whole reference in the page itself. REFERENCE is [name, kind, summary, address] for each thing that has a
// name; index.js holds it.
"use strict";

const input = document.getElementById("search");
const results = document.getElementById("results");

// How well a thing answers the words: the less the better, Infinity for not at all.
function rank([name, , summary], words) {
  const lower = name.toLowerCase();
  const wanted = words.join(" ");
  const last = lower.split(/::|\.| /).pop();
  if (lower === wanted) return 0;
  if (last === wanted) return 1;
  if (lower.startsWith(wanted)) return 2;
  if (last.startsWith(wanted)) return 3;
  if (words.every((word) => lower.includes(word))) return 4;
  const all = lower + " " + summary.toLowerCase();
  return words.every((word) => all.includes(word)) ? 5 : Infinity;
}

function find(text) {
  const words = text.toLowerCase().trim().split(/\s+/).filter(Boolean);
  if (words.length === 0) return [];
  return REFERENCE.map((thing, at) => ({ thing, at, rank: rank(thing, words) }))
    .filter((it) => it.rank < Infinity)
    .sort((a, b) => a.rank - b.rank || a.thing[0].length - b.thing[0].length || a.at - b.at)
    .slice(0, 30)
    .map((it) => it.thing);
}

function element(name, className, text) {
  const it = document.createElement(name);
  if (className) it.className = className;
  it.textContent = text;
  return it;
}

function show() {
  const found = find(input.value);
  results.hidden = input.value.trim() === "";
  results.replaceChildren(
    ...found.map(([name, kind, summary, address]) => {
      const link = element("a", "", "");
      link.href = address;
      link.append(element("code", "", name), " ", element("span", "kind", kind), element("span", "summary", summary));
      const item = document.createElement("li");
      item.append(link);
      return item;
    }),
  );
  if (found.length === 0) results.append(element("li", "nothing", "Nothing has this in its name or its first line."));
}

// Up and down move through the results; Escape closes them.
function move(event) {
  const links = [input, ...results.querySelectorAll("a")];
  const at = links.indexOf(document.activeElement);
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (step && at >= 0 && links[at + step]) {
    event.preventDefault();
    links[at + step].focus();
  }
  if (event.key === "Escape") results.hidden = true;
  if (event.key === "/" && document.activeElement !== input) {
    event.preventDefault();
    input.focus();
  }
}

input.addEventListener("input", show);
input.addEventListener("focus", show);
input.form.addEventListener("submit", (event) => {
  event.preventDefault();
  const first = results.querySelector("a");
  if (first) location.href = first.href;
});
document.addEventListener("keydown", move);
document.addEventListener("click", (event) => {
  if (!input.form.contains(event.target)) results.hidden = true;
});
results.addEventListener("click", () => {
  results.hidden = true;
});

// A link such as index.html?q=grace opens with what is searched for.
const asked = new URLSearchParams(location.search).get("q");
if (asked) {
  input.value = asked;
  show();
}
